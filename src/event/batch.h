// SPDX-License-Identifier: Apache-2.0
// Rows as columns. Batch holds events of one kind: batch.user_id[i] is plain code. CreditRows,
// RejectRows and the others hold the rows of the tables beside the events. All are generated from
// the two field tables.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "event/columns.h"
#include "event/schema.h"
#include "event/table_fields.h"

namespace adweave::event {

// Where in its slice's bytes an event was; index of the event within its record where a record
// holds several.
struct RecordSpan {
  int64_t offset = 0;
  int32_t length = 0;
  int32_t element = -1;  // -1: the record is one event
};

// Events of one kind. Columns of other kinds stay empty.
struct Batch {
  explicit Batch(Kind k) : kind(k) {}

  Kind kind;
  int64_t rows = 0;
  std::vector<RecordSpan> spans;  // one a row; not stored

#define FIELD(name, type, id, tables, required, origin, description) type##Column name;
#include "event/fields.def"
#undef FIELD

  // Keeps the rows named, in ascending order, in every column.
  void keep(const std::vector<int32_t>& kept);
};

// Calls f(FieldInfo, column) for every field of the batch's kind, in column order. `B` is Batch or
// const Batch.
template <class B, class F>
void for_each_column(B& batch, F&& f) {
#define FIELD(name, type, id, tables, required, origin, description) \
  if (info(Field::name).in(batch.kind)) f(info(Field::name), batch.name);
#include "event/fields.def"
#undef FIELD
}

// Calls f(column) for one field of the batch.
template <class B, class F>
void with_column(B& batch, Field field, F&& f) {
  switch (field) {
#define FIELD(name, type, id, tables, required, origin, description) \
  case Field::name:                                                  \
    return f(batch.name);
#include "event/fields.def"
#undef FIELD
  }
}

// Rows of the tables beside the events: CreditRows, FactRows, RejectRows, DuplicateRows, AuditRows.
#define ADWEAVE_COLUMN(name, type, id, required, description) type##Column name;
#define ADWEAVE_ROWS(Rows, FIELDS, table, time) \
  struct Rows {                                 \
    int64_t rows = 0;                           \
    FIELDS(ADWEAVE_COLUMN)                      \
  };
ADWEAVE_OTHER_TABLES(ADWEAVE_ROWS)
#undef ADWEAVE_ROWS
#undef ADWEAVE_COLUMN

// A column of any type, by reference.
using ColumnRef =
    std::variant<const StrColumn*, const DictColumn*, const IdColumn*, const TimeColumn*,
                 const MoneyColumn*, const IntColumn*, const FloatColumn*, const BoolColumn*,
                 const BytesColumn*, const WideMoneyColumn*>;

// Rows of a lake table, whatever they are made of: what the lake writes. `columns` are in the order
// of table->columns. The rows must outlive it. `commit` and `ledger_id` are filled in by the
// writer.
struct TableRows {
  const TableInfo* table = nullptr;
  int64_t rows = 0;
  std::vector<ColumnRef> columns;
  const TimeColumn* partition_time = nullptr;  // the column named table->time_column
};

TableRows table_rows(const Batch& batch);
TableRows table_rows(const CreditRows& rows);
TableRows table_rows(const FactRows& rows);
TableRows table_rows(const RejectRows& rows);
TableRows table_rows(const DuplicateRows& rows);
TableRows table_rows(const AuditRows& rows);

}  // namespace adweave::event
