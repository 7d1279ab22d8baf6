// SPDX-License-Identifier: Apache-2.0
// Values of one column for some rows, in the order of the file, on their way into its pages. Inside
// lake/ only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include <arrow/status.h>

#include "base/money.h"
#include "event/columns.h"

namespace adweave::lake {

// Nulls stand in `present` alone; the vector of the column's type holds the values of the others.
struct ColumnValues {
  std::vector<uint8_t> present;  // one for each row: 1 has a value, 0 is null
  int64_t nulls = 0;

  std::vector<std::string_view> texts;  // Str, Id, Bytes
  // What the texts point into, unless that outlives the file anyway.
  std::vector<std::shared_ptr<const void>> held;
  std::vector<int32_t> codes;  // Dict: each in `dictionary`, all of which are used
  event::Dictionary dictionary;
  std::vector<int64_t> ints;  // Time, Int, Money
  std::vector<Int128> wide;   // WideMoney
  std::vector<double> floats;
  std::vector<uint8_t> bools;

  int64_t rows() const { return static_cast<int64_t>(present.size()); }

  void add_presence(size_t rows, bool value) {
    present.resize(present.size() + rows, value ? 1 : 0);
    if (!value) nulls += static_cast<int64_t>(rows);
  }
  void add(std::string_view value) { texts.push_back(value); }
  void add(int64_t value) { ints.push_back(value); }
  void add(Int128 value) { wide.push_back(value); }
  void add(double value) { floats.push_back(value); }
  void add(uint8_t value) { bools.push_back(value); }

  // Forgets the values, keeps the memory.
  void clear() {
    present.clear();
    nulls = 0;
    texts.clear();
    held.clear();
    codes.clear();
    dictionary = {};
    ints.clear();
    wide.clear();
    floats.clear();
    bools.clear();
  }
};

// Fills in the empty `values` of a column for rows [begin, end) of the file.
using Gather =
    std::function<arrow::Status(size_t column, int64_t begin, int64_t end, ColumnValues& values)>;

}  // namespace adweave::lake
