// SPDX-License-Identifier: Apache-2.0
// The kinds of values of a page: each knows its encoding, how many of its values fit a page, how
// they are written, and what the statistics say of them. Inside column_pages.cc only.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <parquet/types.h>

#include "base/limits.h"
#include "base/money.h"
#include "lake/encodings.h"

namespace adweave::lake {

using parquet::Encoding;

// Values as they stand in a statistic, and in PLAIN pages.
inline std::string plain(std::string_view value) {
  return std::string(value);
}
template <class Value>
std::string plain(Value value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}
inline std::string plain(Int128 value) {  // DECIMAL(38,9): the large end first
  std::string bytes(sizeof(value), '\0');
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte, value >>= 8)
    *byte = static_cast<char>(value);
  return bytes;
}

// The first bytes of a text as a number of the same order.
inline uint64_t first_bytes(std::string_view text) {
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

inline Facts<std::string_view> facts_of(std::span<const std::string_view> texts) {
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

inline Facts<double> facts_of(std::span<const double> values) {
  Facts<double> facts;
  for (const double value : values) {
    if (!std::isnan(value)) facts.add(value);
  }
  if (facts.least == 0) facts.least = -0.0;  // as the format asks
  if (facts.greatest == 0) facts.greatest = 0.0;
  return facts;
}

// Values that stand one after the other.
template <class Value>
class ValueRow {
 public:
  explicit ValueRow(std::span<const Value> values) : values_(values) {}

  Facts<Value> facts(size_t begin, size_t end) const { return facts_of(part(begin, end)); }

 protected:
  std::span<const Value> part(size_t begin, size_t end) const {
    return values_.subspan(begin, end - begin);
  }
  std::span<const Value> values_;
};

template <class Value>
class PlainValues : public ValueRow<Value> {
 public:
  explicit PlainValues(std::span<const Value> values) : ValueRow<Value>(values) {}

  Encoding::type encoding() const { return Encoding::PLAIN; }
  size_t fitting(size_t, size_t end) const { return end; }
  void put(size_t begin, size_t end, std::string& out) const {
    for (const Value value : this->part(begin, end)) out += plain(value);
  }
};

class BoolValues : public ValueRow<uint8_t> {
 public:
  using ValueRow::ValueRow;

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
};

class IntValues : public ValueRow<int64_t> {
 public:
  explicit IntValues(std::span<const int64_t> values) : ValueRow(values) {
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
    const std::span<const int64_t> ints = part(begin, end);
    if (plain_) {
      out.append(reinterpret_cast<const char*>(ints.data()), ints.size_bytes());
    } else {
      put_deltas(ints, out);
    }
  }

 private:
  bool plain_ = false;
};

inline void put_plain(std::string_view value, std::string& out) {
  out += plain(static_cast<uint32_t>(value.size()));
  out += value;
}
inline void put_plain(int64_t value, std::string& out) {
  out += plain(value);
}

class TextValues : public ValueRow<std::string_view> {
 public:
  TextValues(std::span<const std::string_view> values, Encoding::type encoding,
             TextEncoder& encoder)
      : ValueRow(values), encoding_(encoding), encoder_(encoder) {}

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
    const auto texts = part(begin, end);
    if (encoding_ == Encoding::DELTA_BYTE_ARRAY) return encoder_.put_changed_ends(texts, out);
    if (encoding_ == Encoding::DELTA_LENGTH_BYTE_ARRAY)
      return encoder_.put_lengths_and_bytes(texts, out);
    for (const std::string_view text : texts) put_plain(text, out);
  }

 private:
  Encoding::type encoding_;
  TextEncoder& encoder_;
};

// Whether it pays to leave out what neighbours share, as the first of them tell.
inline bool begin_alike(std::span<const std::string_view> texts) {
  constexpr size_t kLooked = 1'024;
  size_t bytes = 0;
  size_t shared = 0;
  for (size_t i = 1; i < std::min(texts.size(), kLooked); ++i) {
    bytes += texts[i].size();
    shared += shared_start(texts[i - 1], texts[i]);
  }
  return 2 * shared > bytes;
}

inline int64_t text_bytes_of(std::string_view text) {
  return static_cast<int64_t>(text.size());
}
inline int64_t text_bytes_of(int64_t) {
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

}  // namespace adweave::lake
