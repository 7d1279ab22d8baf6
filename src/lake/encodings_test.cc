// SPDX-License-Identifier: Apache-2.0
// What is encoded here is decoded by Arrow.
#include "lake/encodings.h"

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <parquet/column_reader.h>
#include <parquet/encoding.h>

namespace adweave::lake {
namespace {

constexpr int kRounds = 300;

size_t some_size(std::mt19937_64& random) {
  constexpr size_t kSizes[] = {0, 1, 2, 7, 8, 9, 31, 32, 33, 127, 128, 129, 130, 1'000, 5'000};
  return kSizes[random() % std::size(kSizes)];
}

// Runs, slow and fast changes, and extremes.
template <class Int>
std::vector<Int> some_ints(std::mt19937_64& random) {
  std::vector<Int> values;
  const size_t size = some_size(random);
  const auto spread = static_cast<int>(random() % std::numeric_limits<Int>::digits);
  while (values.size() < size) {
    auto value = static_cast<Int>(random() >> (63 - spread));
    if (random() % 50 == 0) value = std::numeric_limits<Int>::min();
    if (random() % 50 == 0) value = std::numeric_limits<Int>::max();
    const size_t run = random() % 3 == 0 ? random() % 40 : 1;
    for (size_t i = 0; i < run && values.size() < size; ++i) values.push_back(value);
  }
  return values;
}

template <class Type>
void check_deltas(uint64_t seed) {
  using Int = typename Type::c_type;
  std::mt19937_64 random(seed);
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<Int> values = some_ints<Int>(random);
    std::string page;
    put_deltas(values, page);
    const auto decoder = parquet::MakeTypedDecoder<Type>(parquet::Encoding::DELTA_BINARY_PACKED);
    const auto count = static_cast<int>(values.size());
    decoder->SetData(count, reinterpret_cast<const uint8_t*>(page.data()),
                     static_cast<int>(page.size()));
    std::vector<Int> decoded(values.size());
    ASSERT_EQ(decoder->Decode(decoded.data(), count), count);
    ASSERT_EQ(decoded, values) << "round " << round;
  }
}

TEST(Encodings, DeltasOfAnyNumbers) {
  check_deltas<parquet::Int64Type>(1);
  check_deltas<parquet::Int32Type>(2);
}

TEST(Encodings, NumbersThatChangeEvenlyTakeAlmostNoBytes) {
  std::vector<int64_t> values(12'801);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int64_t>(i) * 1'000'000;
  std::string page;
  put_deltas(values, page);
  EXPECT_LT(page.size(), 100 * 8 + 16);  // a block of 128: the step, and four widths of 0
}

template <class Value>
void check_hybrid(uint64_t seed, int most_bits) {
  std::mt19937_64 random(seed);
  for (int round = 0; round < kRounds; ++round) {
    const int width = 1 + static_cast<int>(random() % static_cast<uint64_t>(most_bits));
    std::vector<Value> values;
    for (const int32_t value : some_ints<int32_t>(random))
      values.push_back(static_cast<Value>(static_cast<uint32_t>(value) & ((1U << width) - 1)));
    std::string bytes;
    put_hybrid(values, width, bytes);
    parquet::LevelDecoder decoder;
    decoder.SetDataV2(static_cast<int32_t>(bytes.size()), static_cast<int16_t>((1 << width) - 1),
                      static_cast<int>(values.size()),
                      reinterpret_cast<const uint8_t*>(bytes.data()));
    std::vector<int16_t> decoded(values.size());
    ASSERT_EQ(decoder.Decode(static_cast<int>(values.size()), decoded.data()), values.size());
    ASSERT_TRUE(std::equal(decoded.begin(), decoded.end(), values.begin())) << "round " << round;
  }
}

TEST(Encodings, RunsAndLiterals) {
  check_hybrid<uint8_t>(3, 1);
  check_hybrid<int32_t>(4, 14);
}

TEST(Encodings, ARunIsTwoNumbers) {
  std::string counted;
  put_hybrid(std::vector<uint8_t>(1'000'000, 1), 1, counted);
  EXPECT_LE(counted.size(), 4U);
  std::string told;
  put_hybrid_run(1, 1'000'000, told);
  EXPECT_EQ(counted, told);
}

std::vector<std::string> some_texts(std::mt19937_64& random) {
  std::vector<std::string> texts;
  for (size_t i = some_size(random); i > 0; --i) {
    std::string text = random() % 2 == 0 && !texts.empty()
                           ? texts.back().substr(0, random() % (texts.back().size() + 1))
                           : std::string();
    for (size_t byte = random() % 24; byte > 0; --byte)
      text.push_back(static_cast<char>(random() % 256));
    texts.push_back(std::move(text));
  }
  return texts;
}

void check_texts(parquet::Encoding::type encoding, uint64_t seed) {
  std::mt19937_64 random(seed);
  TextEncoder encoder;
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<std::string> texts = some_texts(random);
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    std::string page;
    if (encoding == parquet::Encoding::DELTA_BYTE_ARRAY) {
      encoder.put_changed_ends(views, page);
    } else {
      encoder.put_lengths_and_bytes(views, page);
    }
    const auto decoder = parquet::MakeTypedDecoder<parquet::ByteArrayType>(encoding);
    const auto count = static_cast<int>(texts.size());
    decoder->SetData(count, reinterpret_cast<const uint8_t*>(page.data()),
                     static_cast<int>(page.size()));
    std::vector<parquet::ByteArray> decoded(texts.size());
    ASSERT_EQ(decoder->Decode(decoded.data(), count), count);
    for (size_t i = 0; i < texts.size(); ++i)
      ASSERT_EQ(std::string_view(decoded[i]), texts[i]) << "round " << round;
  }
}

void check_read_back(uint64_t seed) {
  std::mt19937_64 random(seed);
  TextEncoder encoder;
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<std::string> texts = some_texts(random);
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const bool alike = random() % 2 == 0;
    std::string page;
    if (alike) {
      encoder.put_changed_ends(views, page);
    } else {
      encoder.put_lengths_and_bytes(views, page);
    }
    const auto take = alike ? take_changed_ends : take_lengths_and_bytes;
    std::string bytes = "before";
    std::vector<int32_t> ends = {6};
    ASSERT_TRUE(take(page, texts.size(), bytes, ends));
    ASSERT_EQ(ends.size(), texts.size() + 1);
    for (size_t i = 0; i < texts.size(); ++i) {
      const auto begin = static_cast<size_t>(ends[i]);
      ASSERT_EQ(bytes.substr(begin, static_cast<size_t>(ends[i + 1]) - begin), texts[i]);
    }
    // Damage is refused or gives other texts, never a crash.
    for (int damage = 0; damage < 20 && !page.empty(); ++damage) {
      std::string damaged = page.substr(0, random() % (page.size() + 1));
      if (!damaged.empty()) damaged[random() % damaged.size()] ^= static_cast<char>(random());
      bytes.clear();
      ends.clear();
      if (!take(damaged, texts.size(), bytes, ends)) continue;
      EXPECT_EQ(ends.size(), texts.size());
    }
  }
}

TEST(Encodings, TextsAreReadBack) {
  check_read_back(7);
}

TEST(Encodings, Texts) {
  check_texts(parquet::Encoding::DELTA_LENGTH_BYTE_ARRAY, 5);
  check_texts(parquet::Encoding::DELTA_BYTE_ARRAY, 6);
}

TEST(Encodings, SharedStart) {
  const std::string text = "clicks.csv:000000000000010";
  for (size_t size = 0; size <= text.size(); ++size)
    EXPECT_EQ(shared_start(text, text.substr(0, size) + "\xff"), size);
  EXPECT_EQ(shared_start("", "a"), 0U);
}

}  // namespace
}  // namespace adweave::lake
