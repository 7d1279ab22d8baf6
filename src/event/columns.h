// SPDX-License-Identifier: Apache-2.0
// Columns in Arrow's memory layout: a validity bitmap (1 = present, least significant bit first),
// values, and for strings int32 offsets; repeated strings as int32 dictionary codes.
//
// A column may be shorter than its batch: rows beyond its end are null. So a field that no row has
// costs nothing, and writing row 7 of an empty column first fills rows 0 to 6 with null. Rows are
// written in ascending order; only replace() of a fixed-width or dictionary column goes back.
//
// A column is written by one thread; reading is safe from several.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "base/money.h"
#include "base/text_index.h"

namespace adweave::event {

// Rows that follow one another.
struct RowRun {
  int32_t begin = 0;
  int32_t count = 0;
};
// Of rows named in ascending order. Few rows are taken out of a batch: what stays moves in long
// runs.
std::vector<RowRun> runs_of(std::span<const int32_t> rows);

// Bits of a column; see Arrow's "validity bitmap".
class Validity {
 public:
  int64_t size() const { return size_; }
  int64_t null_count() const { return size_ - set_; }
  bool is_set(int64_t i) const { return (bytes_[static_cast<size_t>(i >> 3)] >> (i & 7) & 1) != 0; }
  // Inlined by force: it was called for each value.
  [[gnu::always_inline]] void append(bool present) {
    const auto bit = static_cast<unsigned>(size_ & 7);
    if (bit == 0) bytes_.push_back(0);
    bytes_.back() = static_cast<uint8_t>(bytes_.back() | unsigned{present} << bit);
    set_ += present;
    ++size_;
  }
  void append(bool present, int64_t count);
  void set(int64_t i) {
    if (is_set(i)) return;
    bytes_[static_cast<size_t>(i >> 3)] |= static_cast<uint8_t>(1U << (i & 7));
    ++set_;
  }
  void clear(int64_t i) {
    if (!is_set(i)) return;
    bytes_[static_cast<size_t>(i >> 3)] &= static_cast<uint8_t>(~(1U << (i & 7)));
    --set_;
  }
  // Keeps the bits of the runs.
  void keep(std::span<const RowRun> runs);
  const uint8_t* bytes() const { return bytes_.data(); }

 private:
  void append_bits(const Validity& from, int64_t at, int64_t count);

  std::vector<uint8_t> bytes_;
  int64_t size_ = 0;
  int64_t set_ = 0;
};

// How many rows of a run a column of `size` rows has.
inline size_t rows_within(const RowRun& run, int64_t size) {
  return static_cast<size_t>(std::clamp<int64_t>(size - run.begin, 0, run.count));
}

// Moves the runs of a column's values to its front, one after the other.
template <class T>
void keep_values(std::vector<T>& values, std::span<const RowRun> runs) {
  const auto size = static_cast<int64_t>(values.size());
  auto end = values.begin();
  for (const RowRun& run : runs) {
    const size_t count = rows_within(run, size);
    if (count == 0) break;
    const auto begin = values.begin() + run.begin;
    end = begin == end ? end + static_cast<int64_t>(count) : std::copy_n(begin, count, end);
  }
  values.resize(static_cast<size_t>(end - values.begin()));
}

// Numbers, times, money and truth values. Tag keeps the logical types apart.
template <class T, class Tag>
class FixedColumn {
 public:
  using Value = T;

  int64_t size() const { return validity_.size(); }
  bool has(int64_t row) const { return row < size() && validity_.is_set(row); }
  // The value of a row that has() one.
  T operator[](int64_t row) const { return values_[static_cast<size_t>(row)]; }
  T value_or(int64_t row, T fallback) const { return has(row) ? (*this)[row] : fallback; }

  // Writes a row at or after size().
  void put(int64_t row, T value) {
    if (row != size()) pad(row);
    validity_.append(true);
    values_.push_back(value);
  }
  // Writes all rows from size() to `rows`.
  void fill(int64_t rows, T value) {
    CHECK(rows >= size());
    validity_.append(true, rows - size());
    values_.resize(static_cast<size_t>(rows), value);
  }
  // Writes any row, present or not.
  void replace(int64_t row, T value) {
    if (row >= size()) return put(row, value);
    validity_.set(row);
    values_[static_cast<size_t>(row)] = value;
  }
  void clear(int64_t row) {
    if (row >= size()) return;
    validity_.clear(row);
    values_[static_cast<size_t>(row)] = T{};
  }
  // Fills with null up to `rows`.
  void pad(int64_t rows) {
    CHECK(rows >= size());
    validity_.append(false, rows - size());
    values_.resize(static_cast<size_t>(rows));
  }
  // All rows anew, each with a value.
  void assign(std::vector<T> values) {
    values_ = std::move(values);
    validity_ = {};
    validity_.append(true, static_cast<int64_t>(values_.size()));
  }
  void keep(std::span<const RowRun> runs) {
    keep_values(values_, runs);
    validity_.keep(runs);
  }
  // Whether no row has a value.
  bool is_empty() const { return validity_.null_count() == size(); }
  // Whether each of the first `rows` rows has one.
  bool is_full(int64_t rows) const { return size() >= rows && validity_.null_count() == 0; }

  const Validity& validity() const { return validity_; }
  const std::vector<T>& values() const { return values_; }

 private:
  Validity validity_;
  std::vector<T> values_;
};

using TimeColumn = FixedColumn<int64_t, struct TimeTag>;    // microseconds UTC
using MoneyColumn = FixedColumn<int64_t, struct MoneyTag>;  // nanos
using WideMoneyColumn = FixedColumn<Int128, struct WideMoneyTag>;
using IntColumn = FixedColumn<int64_t, struct IntTag>;
using FloatColumn = FixedColumn<double, struct FloatTag>;
using BoolColumn = FixedColumn<uint8_t, struct BoolTag>;  // 0 or 1

// Strings that seldom repeat.
class StrColumn {
 public:
  int64_t size() const { return validity_.size(); }
  bool has(int64_t row) const { return row < size() && validity_.is_set(row); }
  // The value of a row that has() one; points into the column.
  std::string_view operator[](int64_t row) const {
    const auto begin = static_cast<size_t>(offsets_[static_cast<size_t>(row)]);
    return {bytes_.data() + begin,
            static_cast<size_t>(offsets_[static_cast<size_t>(row) + 1]) - begin};
  }
  std::string_view value_or(int64_t row, std::string_view fallback) const {
    return has(row) ? (*this)[row] : fallback;
  }
  // Bytes of a row's value; 0 of none.
  int64_t length(int64_t row) const {
    if (row >= size()) return 0;
    return offsets_[static_cast<size_t>(row) + 1] - offsets_[static_cast<size_t>(row)];
  }

  void put(int64_t row, std::string_view value) {
    if (row != size()) pad(row);
    validity_.append(true);
    bytes_.append(value);
    CHECK(bytes_.size() <= INT32_MAX);
    offsets_.push_back(static_cast<int32_t>(bytes_.size()));
  }
  void pad(int64_t rows) {
    CHECK(rows >= size());
    validity_.append(false, rows - size());
    offsets_.resize(static_cast<size_t>(rows) + 1, offsets_.back());
  }
  void reserve(int64_t rows, int64_t bytes) {
    offsets_.reserve(static_cast<size_t>(rows) + 1);
    bytes_.reserve(static_cast<size_t>(bytes));
  }
  void keep(std::span<const RowRun> runs);
  bool is_empty() const { return validity_.null_count() == size(); }
  bool is_full(int64_t rows) const { return size() >= rows && validity_.null_count() == 0; }

  const Validity& validity() const { return validity_; }
  const std::vector<int32_t>& offsets() const { return offsets_; }  // size() + 1 of them
  const std::string& bytes() const { return bytes_; }

 private:
  Validity validity_;
  std::vector<int32_t> offsets_ = {0};
  std::string bytes_;
};

// Bytes that need not be UTF-8.
class BytesColumn : public StrColumn {};

// Identities: strings with their 128-bit hash, computed once.
class IdColumn {
 public:
  int64_t size() const { return text_.size(); }
  bool has(int64_t row) const { return text_.has(row); }
  std::string_view operator[](int64_t row) const { return text_[row]; }
  std::string_view value_or(int64_t row, std::string_view fallback) const {
    return text_.value_or(row, fallback);
  }
  // Hash of a row that has() a value: hash128 of its text.
  const Hash128& hash(int64_t row) const { return hashes_[static_cast<size_t>(row)]; }

  void put(int64_t row, std::string_view value) { put(row, value, hash128(value)); }
  void put(int64_t row, std::string_view value, const Hash128& hash) {
    if (row != size()) pad(row);
    text_.put(row, value);
    hashes_.push_back(hash);
  }
  void pad(int64_t rows) {
    text_.pad(rows);
    hashes_.resize(static_cast<size_t>(rows));
  }
  void keep(std::span<const RowRun> runs) {
    keep_values(hashes_, runs);
    text_.keep(runs);
  }
  bool is_empty() const { return text_.is_empty(); }
  bool is_full(int64_t rows) const { return text_.is_full(rows); }

  const StrColumn& text() const { return text_; }

 private:
  StrColumn text_;
  std::vector<Hash128> hashes_;
};

// The distinct strings of a dictionary column, in order of first use.
class Dictionary {
 public:
  int32_t code_of(std::string_view value);  // adds it when it is new
  std::string_view operator[](int32_t code) const { return values_[code]; }
  int32_t size() const { return static_cast<int32_t>(values_.size()); }
  const StrColumn& values() const { return values_; }

 private:
  StrColumn values_;
  TextIndex codes_;
};

// Strings that repeat: campaign, website, country.
class DictColumn {
 public:
  int64_t size() const { return codes_.size(); }
  bool has(int64_t row) const { return codes_.has(row); }
  std::string_view operator[](int64_t row) const { return dictionary_[codes_[row]]; }
  std::string_view value_or(int64_t row, std::string_view fallback) const {
    return has(row) ? (*this)[row] : fallback;
  }
  int32_t code(int64_t row) const { return codes_[row]; }

  void put(int64_t row, std::string_view value) { codes_.put(row, dictionary_.code_of(value)); }
  void put_code(int64_t row, int32_t code) { codes_.put(row, code); }
  void fill(int64_t rows, std::string_view value) {
    if (rows > size()) codes_.fill(rows, dictionary_.code_of(value));
  }
  void replace(int64_t row, std::string_view value) {
    codes_.replace(row, dictionary_.code_of(value));
  }
  void replace_code(int64_t row, int32_t code) { codes_.replace(row, code); }
  // All rows anew, each with a code that intern() gave.
  void assign_codes(std::vector<int32_t> codes) { codes_.assign(std::move(codes)); }
  void clear(int64_t row) { codes_.clear(row); }
  void pad(int64_t rows) { codes_.pad(rows); }
  void keep(std::span<const RowRun> runs) { codes_.keep(runs); }
  bool is_empty() const { return codes_.is_empty(); }
  bool is_full(int64_t rows) const { return codes_.is_full(rows); }

  // For put_code() and the like: the code of a value, kept by the caller.
  int32_t intern(std::string_view value) { return dictionary_.code_of(value); }
  const Dictionary& dictionary() const { return dictionary_; }
  const Validity& validity() const { return codes_.validity(); }
  const std::vector<int32_t>& codes() const { return codes_.values(); }

 private:
  FixedColumn<int32_t, struct CodeTag> codes_;
  Dictionary dictionary_;
};

}  // namespace adweave::event
