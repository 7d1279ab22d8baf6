// SPDX-License-Identifier: Apache-2.0
// Columns of our batches, row by row, for a file. Inside lake/ only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "event/batch.h"
#include "lake/column_values.h"

namespace adweave::lake {

// Rows of one part that go into a file, ascending.
struct PartRows {
  const event::TableRows* part = nullptr;
  std::vector<int32_t> rows;
};

// Fills in the values of a column for rows [begin, end) of all the parts' rows one after the other.
// Dictionaries are merged in order of first use.
void gather_rows(std::span<const PartRows> parts, size_t column, int64_t begin, int64_t end,
                 ColumnValues& values);

}  // namespace adweave::lake
