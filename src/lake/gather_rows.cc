// SPDX-License-Identifier: Apache-2.0
#include "lake/gather_rows.h"

#include <algorithm>

namespace adweave::lake {

namespace {

using Rows = std::span<const int32_t>;

// Marks which of the rows have a value, and calls put(row) for those in order.
template <class Column, class Put>
void gather_present(const Column& column, Rows rows, ColumnValues& values, Put put) {
  if (column.is_empty()) return values.add_presence(rows.size(), false);
  if (column.is_full(rows.back() + 1)) {  // most columns: no look at the bit of each row
    values.add_presence(rows.size(), true);
    for (const int32_t row : rows) put(row);
    return;
  }
  const size_t first = values.present.size();
  values.present.resize(first + rows.size());
  uint8_t* present = values.present.data() + first;
  for (const int32_t row : rows) {
    *present = column.has(row) ? 1 : 0;
    if (*present++ != 0) {
      put(row);
    } else {
      ++values.nulls;
    }
  }
}

template <class Column>
void gather_part(const Column& column, Rows rows, ColumnValues& values) {
  gather_present(column, rows, values, [&](int32_t row) { values.add(column[row]); });
}

// Codes of the part's dictionary become codes of the file's.
void gather_part(const event::DictColumn& column, Rows rows, ColumnValues& values) {
  if (column.dictionary().size() == 1 && column.is_full(rows.back() + 1)) {
    values.add_presence(rows.size(), true);
    values.codes.resize(values.codes.size() + rows.size(), values.dictionary.code_of(column[0]));
    return;
  }
  std::vector<int32_t> new_code(static_cast<size_t>(column.dictionary().size()), -1);
  gather_present(column, rows, values, [&](int32_t row) {
    int32_t& code = new_code[static_cast<size_t>(column.code(row))];
    if (code < 0) code = values.dictionary.code_of(column[row]);
    values.codes.push_back(code);
  });
}

}  // namespace

void gather_rows(std::span<const PartRows> parts, size_t column, int64_t begin, int64_t end,
                 ColumnValues& values) {
  int64_t first = 0;
  for (const PartRows& part : parts) {
    const auto size = static_cast<int64_t>(part.rows.size());
    const int64_t from = std::clamp(begin - first, int64_t{0}, size);
    const int64_t to = std::clamp(end - first, int64_t{0}, size);
    first += size;
    if (from == to) continue;
    const Rows rows =
        Rows(part.rows).subspan(static_cast<size_t>(from), static_cast<size_t>(to - from));
    std::visit([&](const auto* values_of) { gather_part(*values_of, rows, values); },
               part.part->columns[column]);
  }
}

}  // namespace adweave::lake
