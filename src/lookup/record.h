// SPDX-License-Identifier: Apache-2.0
// A row of a table on its own: as bytes, as values, and the ids that it names. Its raw bytes, if it
// has any, are left out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "event/batch.h"

namespace adweave::lookup {

// Under which a row is found: a hash of one of its ids.
using Key = uint64_t;
Key key_of(std::string_view id);

struct Record {
  const event::TableInfo* table = nullptr;
  std::vector<JsonValue> values;  // in column order; times are microseconds UTC, money is nanos

  // Null when it has no such column, or nothing in it.
  const JsonValue& value(std::string_view column) const;
  // Empty when it is null.
  std::string_view text(std::string_view column) const;
  // Of its table's time column.
  int64_t time() const;
  // Its values by name, as they are shown; nulls are left out.
  JsonValue shown() const;
};

// Whether rows of the table can be found by an id.
bool has_ids(const event::TableInfo& table);

// Appends the row to `out`.
void put_record(const event::TableRows& rows, int64_t row, std::string& out);

// Fails with corrupt.
Result<Record> parse_record(std::string_view bytes);

// What a table's rows are found by.
class RowKeys {
 public:
  explicit RowKeys(const event::TableRows& rows);

  // The person that the row belongs to, or the user where nobody knows the person; 0 when it
  // belongs to nobody.
  Key person(int64_t row) const;
  // All ids that it names, each once, but for the person.
  void collect(int64_t row, std::vector<Key>& keys) const;

 private:
  const event::IdColumn* user_ = nullptr;
  const event::IdColumn* person_ = nullptr;
  std::vector<const event::IdColumn*> ids_;
  std::vector<const event::StrColumn*> positions_;
  const event::DictColumn* fact_ = nullptr;
  const event::StrColumn* fact_value_ = nullptr;
};

// "clicks.csv:1234#2", the second event of a record, is found by "clicks.csv:1234".
std::string_view record_position(std::string_view position);

}  // namespace adweave::lookup
