// SPDX-License-Identifier: Apache-2.0
#include "event/batch.h"

namespace adweave::event {

void Batch::keep(const std::vector<int32_t>& kept) {
  if (static_cast<int64_t>(kept.size()) == rows) return;
  const std::vector<RowRun> runs = runs_of(kept);
  for_each_column(*this, [&](const FieldInfo&, auto& column) {
    if (column.size() > 0) column.keep(runs);
  });
  keep_values(spans, runs);
  rows = static_cast<int64_t>(kept.size());
}

TableRows table_rows(const Batch& batch) {
  TableRows result{&table_of(batch.kind), batch.rows, {}, &batch.event_time};
  for_each_column(
      batch, [&](const FieldInfo&, const auto& column) { result.columns.emplace_back(&column); });
  return result;
}

#define ADWEAVE_PUSH(name, type, id, required, description) result.columns.emplace_back(&rows.name);
#define ADWEAVE_TABLE_ROWS(Rows, FIELDS, table, time)               \
  TableRows table_rows(const Rows& rows) {                          \
    TableRows result{find_table(table), rows.rows, {}, &rows.time}; \
    FIELDS(ADWEAVE_PUSH)                                            \
    return result;                                                  \
  }
ADWEAVE_OTHER_TABLES(ADWEAVE_TABLE_ROWS)

}  // namespace adweave::event
