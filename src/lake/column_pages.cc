// SPDX-License-Identifier: Apache-2.0
#include "lake/column_pages.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <span>

#include <arrow/memory_pool.h>
#include <parquet/column_page.h>

#include "base/limits.h"

namespace adweave::lake {

namespace {

using parquet::Encoding;

// Values as they stand in a statistic, and in PLAIN pages.
std::string plain(std::string_view value) {
  return std::string(value);
}
template <class Value>
std::string plain(Value value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}
std::string plain(Int128 value) {  // DECIMAL(38,9): the large end first
  std::string bytes(sizeof(value), '\0');
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte, value >>= 8)
    *byte = static_cast<char>(value);
  return bytes;
}

// The first bytes of a text as a number of the same order.
uint64_t first_bytes(std::string_view text) {
  uint64_t first = 0;
  if (text.size() >= sizeof(first)) {
    std::memcpy(&first, text.data(), sizeof(first));
    return __builtin_bswap64(first);
  }
  for (size_t i = 0; i < text.size(); ++i)
    first |= uint64_t{static_cast<uint8_t>(text[i])} << (56 - 8 * i);
  return first;
}

// What the statistics say of some values.
template <class Value>
struct Facts {
  bool any = false;  // least and greatest are set: NaN sets neither
  Value least{};
  Value greatest{};
  int64_t text_bytes = 0;

  void add(const Value& value) {
    if (!any || value < least) least = value;
    if (!any || greatest < value) greatest = value;
    any = true;
  }
  void add(const Facts& other) {
    text_bytes += other.text_bytes;
    if (!other.any) return;
    add(other.least);
    add(other.greatest);
  }
};

Facts<std::string_view> facts_of(std::span<const std::string_view> texts) {
  Facts<std::string_view> facts;
  uint64_t least = UINT64_MAX;
  uint64_t greatest = 0;
  for (const std::string_view text : texts) {
    facts.text_bytes += static_cast<int64_t>(text.size());
    const uint64_t first = first_bytes(text);
    if (facts.any && first > least && first < greatest) continue;  // nearly all
    facts.add(text);
    least = std::min(least, first);
    greatest = std::max(greatest, first);
  }
  return facts;
}

template <class Value>
Facts<Value> facts_of(std::span<const Value> values) {
  Facts<Value> facts;
  for (const Value value : values) facts.add(value);
  return facts;
}

Facts<double> facts_of(std::span<const double> values) {
  Facts<double> facts;
  for (const double value : values) {
    if (!std::isnan(value)) facts.add(value);
  }
  if (facts.least == 0) facts.least = -0.0;  // as the format asks
  if (facts.greatest == 0) facts.greatest = 0.0;
  return facts;
}

// The kinds of pages. Each knows its encoding, how many of its values fit a page, how they are
// written, and their facts.

template <class Value>
class PlainValues {
 public:
  explicit PlainValues(std::span<const Value> values) : values_(values) {}

  Encoding::type encoding() const { return Encoding::PLAIN; }
  size_t fitting(size_t, size_t end) const { return end; }
  void put(size_t begin, size_t end, std::string& out) const {
    for (const Value value : part(begin, end)) out += plain(value);
  }
  Facts<Value> facts(size_t begin, size_t end) const { return facts_of(part(begin, end)); }

 private:
  std::span<const Value> part(size_t begin, size_t end) const {
    return values_.subspan(begin, end - begin);
  }
  std::span<const Value> values_;
};

class BoolValues {
 public:
  explicit BoolValues(std::span<const uint8_t> values) : values_(values) {}

  Encoding::type encoding() const { return Encoding::PLAIN; }
  size_t fitting(size_t, size_t end) const { return end; }
  void put(size_t begin, size_t end, std::string& out) const {
    const size_t at = out.size();
    out.resize(at + (end - begin + 7) / 8);
    for (size_t i = begin; i < end; ++i) {
      char& byte = out[at + (i - begin) / 8];
      byte = static_cast<char>(byte | values_[i] << (i - begin) % 8);
    }
  }
  Facts<uint8_t> facts(size_t begin, size_t end) const {
    return facts_of(values_.subspan(begin, end - begin));
  }

 private:
  std::span<const uint8_t> values_;
};

class IntValues {
 public:
  explicit IntValues(std::span<const int64_t> values) : values_(values) {
    // Hashes differ by as much as they are wide: the first values tell.
    constexpr size_t kLooked = 128;
    constexpr uint64_t kWide = uint64_t{1} << 48;
    size_t wide = 0;
    const size_t looked = std::min(values.size(), kLooked);
    for (size_t i = 1; i < looked; ++i) {
      const auto delta = static_cast<uint64_t>(values[i]) - static_cast<uint64_t>(values[i - 1]);
      if (std::min(delta, ~delta) > kWide) ++wide;
    }
    plain_ = 2 * wide > looked;
  }

  Encoding::type encoding() const {
    return plain_ ? Encoding::PLAIN : Encoding::DELTA_BINARY_PACKED;
  }
  size_t fitting(size_t, size_t end) const { return end; }
  void put(size_t begin, size_t end, std::string& out) const {
    const std::span<const int64_t> part = values_.subspan(begin, end - begin);
    if (plain_) {
      out.append(reinterpret_cast<const char*>(part.data()), part.size_bytes());
    } else {
      put_deltas(part, out);
    }
  }
  Facts<int64_t> facts(size_t begin, size_t end) const {
    return facts_of(values_.subspan(begin, end - begin));
  }

 private:
  std::span<const int64_t> values_;
  bool plain_ = false;
};

void put_plain(std::string_view value, std::string& out) {
  out += plain(static_cast<uint32_t>(value.size()));
  out += value;
}
void put_plain(int64_t value, std::string& out) {
  out += plain(value);
}

class TextValues {
 public:
  TextValues(std::span<const std::string_view> values, Encoding::type encoding,
             TextEncoder& encoder)
      : values_(values), encoding_(encoding), encoder_(encoder) {}

  Encoding::type encoding() const { return encoding_; }
  size_t fitting(size_t begin, size_t end) const {
    int64_t left = limits::kPageBytes;
    for (size_t i = begin; i < end; ++i) {
      left -= static_cast<int64_t>(values_[i].size());
      if (left < 0 && i > begin) return i;
    }
    return end;
  }
  void put(size_t begin, size_t end, std::string& out) {
    const auto part = values_.subspan(begin, end - begin);
    if (encoding_ == Encoding::DELTA_BYTE_ARRAY) return encoder_.put_changed_ends(part, out);
    if (encoding_ == Encoding::DELTA_LENGTH_BYTE_ARRAY)
      return encoder_.put_lengths_and_bytes(part, out);
    for (const std::string_view value : part) put_plain(value, out);
  }
  Facts<std::string_view> facts(size_t begin, size_t end) const {
    return facts_of(values_.subspan(begin, end - begin));
  }

 private:
  std::span<const std::string_view> values_;
  Encoding::type encoding_;
  TextEncoder& encoder_;
};

// Whether it pays to leave out what neighbours share, as the first of them tell.
bool begin_alike(std::span<const std::string_view> texts) {
  constexpr size_t kLooked = 1'024;
  size_t bytes = 0;
  size_t shared = 0;
  for (size_t i = 1; i < std::min(texts.size(), kLooked); ++i) {
    bytes += texts[i].size();
    shared += shared_start(texts[i - 1], texts[i]);
  }
  return 2 * shared > bytes;
}

int64_t text_bytes_of(std::string_view text) {
  return static_cast<int64_t>(text.size());
}
int64_t text_bytes_of(int64_t) {
  return 0;
}

template <class Value>
class CodedValues {  // with a short way for half the columns of most feeds, which never change
 public:
  CodedValues(std::span<const int32_t> codes, std::span<const Value> dictionary)
      : codes_(codes),
        dictionary_(dictionary),
        width_(std::max(1, static_cast<int>(std::bit_width(dictionary.size() - 1)))) {}

  Encoding::type encoding() const { return Encoding::RLE_DICTIONARY; }
  size_t fitting(size_t, size_t end) const { return end; }
  void put(size_t begin, size_t end, std::string& out) const {
    out.push_back(static_cast<char>(width_));
    if (dictionary_.size() == 1) return put_hybrid_run(0, static_cast<int64_t>(end - begin), out);
    put_hybrid(codes_.subspan(begin, end - begin), width_, out);
  }
  Facts<Value> facts(size_t begin, size_t end) {
    counts_.assign(dictionary_.size(), 0);
    if (dictionary_.size() == 1) {
      counts_.front() = static_cast<int64_t>(end - begin);
    } else {
      for (const int32_t code : codes_.subspan(begin, end - begin))
        ++counts_[static_cast<size_t>(code)];
    }
    Facts<Value> facts;
    for (size_t code = 0; code < counts_.size(); ++code) {
      if (counts_[code] == 0) continue;
      facts.add(dictionary_[code]);
      facts.text_bytes += counts_[code] * text_bytes_of(dictionary_[code]);
    }
    return facts;
  }

 private:
  std::span<const int32_t> codes_;
  std::span<const Value> dictionary_;
  int width_;
  std::vector<int64_t> counts_;
};

// Finds out whether few numbers differ, and codes them then.
class IntDictionary {
 public:
  // Fails when a number stands there less than four times, on average.
  bool code_all(std::span<const int64_t> values, std::vector<int32_t>& codes) {
    const size_t most = std::min(kMost, values.size() / 4);
    slots_.assign(std::bit_ceil(4 * most + 1), -1);
    codes.clear();
    int64_t before = 0;
    for (const int64_t value : values) {
      if (!codes.empty() && value == before) {
        codes.push_back(codes.back());
        continue;
      }
      const int32_t code = code_of(value);
      if (values_.size() > most) return false;
      codes.push_back(code);
      before = value;
    }
    return true;
  }
  std::span<const int64_t> values() const { return values_; }

 private:
  static constexpr size_t kMost = 4'096;

  int32_t code_of(int64_t value) {
    constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;
    const size_t mask = slots_.size() - 1;
    for (size_t slot = static_cast<uint64_t>(value) * kGolden >> 32 & mask;;
         slot = (slot + 1) & mask) {
      if (slots_[slot] < 0) {
        slots_[slot] = static_cast<int32_t>(values_.size());
        values_.push_back(value);
        return slots_[slot];
      }
      if (values_[static_cast<size_t>(slots_[slot])] == value) return slots_[slot];
    }
  }

  std::vector<int32_t> slots_;
  std::vector<int64_t> values_;
};

// Definition levels: 1 for a value, 0 for a null, behind their length.
void put_levels(std::span<const uint8_t> present, size_t nulls, std::string& out) {
  const size_t length_at = out.size();
  out.append(sizeof(uint32_t), '\0');
  if (nulls == 0 || nulls == present.size()) {
    put_hybrid_run(nulls == 0 ? 1 : 0, static_cast<int64_t>(present.size()), out);
  } else {
    put_hybrid(present, 1, out);
  }
  const auto length = static_cast<uint32_t>(out.size() - length_at - sizeof(uint32_t));
  std::memcpy(out.data() + length_at, &length, sizeof(length));
}

}  // namespace

// A column that is being written, and where to.
struct ColumnPages::Chunk {
  ColumnValues& values;
  parquet::PageWriter& pages;
  parquet::ColumnChunkMetaDataBuilder& metadata;
  const parquet::ColumnDescriptor& column;

  bool nullable() const { return column.max_definition_level() > 0; }

  template <class Value>
  parquet::EncodedStatistics statistics(const Facts<Value>& facts, int64_t rows,
                                        int64_t nulls) const {
    parquet::EncodedStatistics statistics;
    statistics.set_null_count(nulls);
    statistics.all_null_value = nulls == rows;
    if (facts.any) {
      statistics.set_min(plain(facts.least)).set_max(plain(facts.greatest));
      statistics.is_min_value_exact = true;
      statistics.is_max_value_exact = true;
    }
    statistics.set_is_signed(column.sort_order() == parquet::SortOrder::SIGNED);
    statistics.ApplyStatSizeLimits(parquet::DEFAULT_MAX_STATISTICS_SIZE);
    return statistics;
  }

  parquet::SizeStatistics sizes(int64_t text_bytes, int64_t rows, int64_t nulls) const {
    parquet::SizeStatistics sizes = *parquet::SizeStatistics::Make(&column);
    if (nullable()) {
      sizes.definition_level_histogram[0] = nulls;
      sizes.definition_level_histogram[1] = rows - nulls;
    }
    if (column.physical_type() == parquet::Type::BYTE_ARRAY)
      sizes.IncrementUnencodedByteArrayDataBytes(text_bytes);
    return sizes;
  }
};

std::shared_ptr<arrow::Buffer> ColumnPages::compressed(parquet::PageWriter& pages) {
  const auto page = std::make_shared<arrow::Buffer>(page_);
  if (!pages.has_compressor()) return page;
  if (compressed_ == nullptr) compressed_ = parquet::AllocateBuffer(arrow::system_memory_pool(), 0);
  pages.Compress(*page, compressed_.get());
  return compressed_;
}

template <class Values>
int64_t ColumnPages::write_pages(const Chunk& chunk, Values&& values, KeptIds* keep) {
  const std::span<const uint8_t> present(chunk.values.present);
  decltype(values.facts(0, 0)) all;
  int64_t written = 0;
  size_t value = 0;
  for (size_t row = 0; row < present.size();) {
    size_t row_end = std::min(present.size(), row + static_cast<size_t>(limits::kPageRows));
    const auto in_rows = [&](size_t end) {
      if (chunk.values.nulls == 0) return end - row;
      if (chunk.values.nulls == chunk.values.rows()) return size_t{0};
      return static_cast<size_t>(std::count(present.begin() + static_cast<std::ptrdiff_t>(row),
                                            present.begin() + static_cast<std::ptrdiff_t>(end), 1));
    };
    size_t value_end = value + in_rows(row_end);
    for (const size_t fit = values.fitting(value, value_end); value_end > fit;)
      value_end -= present[--row_end];

    const auto rows = static_cast<int64_t>(row_end - row);
    const auto nulls = rows - static_cast<int64_t>(value_end - value);
    page_.clear();
    if (chunk.nullable())
      put_levels(present.subspan(row, row_end - row), static_cast<size_t>(nulls), page_);
    // A page without a value has no bytes but the levels, whatever the others are.
    if (value_end > value) values.put(value, value_end, page_);
    const auto facts = values.facts(value, value_end);
    const auto make_page = [&](std::shared_ptr<arrow::Buffer> bytes) {
      return parquet::DataPageV1(std::move(bytes), static_cast<int32_t>(rows),
                                 value_end > value ? values.encoding() : Encoding::PLAIN,
                                 Encoding::RLE, Encoding::RLE, static_cast<int64_t>(page_.size()),
                                 chunk.statistics(facts, rows, nulls), static_cast<int64_t>(row),
                                 chunk.sizes(facts.text_bytes, rows, nulls));
    };
    const auto bytes = compressed(chunk.pages);
    written += chunk.pages.WriteDataPage(make_page(bytes));
    if (keep) keep->pages.push_back(make_page(arrow::Buffer::FromString(bytes->ToString())));
    all.add(facts);
    row = row_end;
    value = value_end;
  }
  const int64_t rows = chunk.values.rows();
  const auto statistics = chunk.statistics(all, rows, chunk.values.nulls);
  const auto sizes = chunk.sizes(all.text_bytes, rows, chunk.values.nulls);
  chunk.metadata.SetStatistics(statistics);
  chunk.metadata.SetSizeStatistics(sizes);
  if (keep) {
    keep->statistics = statistics;
    keep->sizes = sizes;
  }
  return written;
}

int64_t ColumnPages::write_again(const Chunk& chunk, const KeptIds& ids) {
  int64_t written = 0;
  for (const parquet::DataPageV1& page : ids.pages) written += chunk.pages.WriteDataPage(page);
  chunk.metadata.SetStatistics(ids.statistics);
  chunk.metadata.SetSizeStatistics(ids.sizes);
  return written;
}

template <class Value>
int64_t ColumnPages::write_coded(const Chunk& chunk, std::span<const int32_t> codes,
                                 std::span<const Value> dictionary) {
  has_dictionary_ = true;
  std::string entries;
  for (const Value& value : dictionary) put_plain(value, entries);
  const int64_t written =
      chunk.pages.WriteDictionaryPage({std::make_shared<arrow::Buffer>(entries),
                                       static_cast<int32_t>(dictionary.size()), Encoding::PLAIN});
  return written + write_pages(chunk, CodedValues<Value>(codes, dictionary));
}

int64_t ColumnPages::write_dict(const Chunk& chunk) {
  const event::Dictionary& dictionary = chunk.values.dictionary;
  views_.clear();
  if (static_cast<int64_t>(dictionary.values().bytes().size()) <= limits::kDictionaryBytesMax) {
    for (int32_t code = 0; code < dictionary.size(); ++code) views_.push_back(dictionary[code]);
    return write_coded<std::string_view>(chunk, chunk.values.codes, views_);
  }
  for (const int32_t code : chunk.values.codes) views_.push_back(dictionary[code]);
  return write_pages(chunk, TextValues(views_, Encoding::PLAIN, texts_));
}

int64_t ColumnPages::write_texts(const Chunk& chunk, KeptIds* keep) {
  const std::span<const std::string_view> texts(chunk.values.texts);
  const auto encoding =
      begin_alike(texts) ? Encoding::DELTA_BYTE_ARRAY : Encoding::DELTA_LENGTH_BYTE_ARRAY;
  return write_pages(chunk, TextValues(texts, encoding, texts_), keep);
}

int64_t ColumnPages::write_ids(const Chunk& chunk, parquet::BloomFilter* filter) {
  ColumnValues& values = chunk.values;
  const bool again = chunk.nullable() == ids_.nullable && values.present == ids_.present &&
                     values.texts == ids_.texts;
  if (filter != nullptr) {
    if (!again || ids_.hashes.empty()) {
      ids_.hashes.clear();
      for (const std::string_view text : values.texts) ids_.hashes.push_back(filter->Hash(text));
    }
    filter->InsertHashes(ids_.hashes.data(), static_cast<int>(ids_.hashes.size()));
  }
  if (again) return write_again(chunk, ids_);
  ids_.nullable = chunk.nullable();
  ids_.pages.clear();
  const int64_t written = write_texts(chunk, &ids_);
  ids_.present.swap(values.present);
  ids_.texts.swap(values.texts);
  return written;
}

int64_t ColumnPages::write_ints(const Chunk& chunk, std::span<const int64_t> ints) {
  IntDictionary dictionary;
  if (dictionary.code_all(ints, codes_))
    return write_coded<int64_t>(chunk, codes_, dictionary.values());
  return write_pages(chunk, IntValues(ints));
}

int64_t ColumnPages::write(event::Type type, ColumnValues& values, parquet::PageWriter& pages,
                           parquet::ColumnChunkMetaDataBuilder& metadata,
                           parquet::BloomFilter* filter) {
  const Chunk chunk{values, pages, metadata, *metadata.descr()};
  const auto write_values = [&]() -> int64_t {
    if (values.nulls == values.rows()) return write_pages(chunk, PlainValues<int64_t>({}));
    switch (type) {
      case event::Type::Dict:
        return write_dict(chunk);
      case event::Type::Id:
        return write_ids(chunk, filter);
      case event::Type::Str:
      case event::Type::Bytes:
        return write_texts(chunk, nullptr);
      case event::Type::Time:
      case event::Type::Int:
      case event::Type::Money:
        return write_ints(chunk, values.ints);
      case event::Type::WideMoney:
        return write_pages(chunk, PlainValues<Int128>(values.wide));
      case event::Type::Float:
        return write_pages(chunk, PlainValues<double>(values.floats));
      case event::Type::Bool:
        return write_pages(chunk, BoolValues(values.bools));
    }
    return 0;
  };
  has_dictionary_ = false;
  const int64_t written = write_values();
  pages.Close(has_dictionary_, false);
  return written;
}

}  // namespace adweave::lake
