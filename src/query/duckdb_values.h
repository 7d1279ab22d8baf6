// SPDX-License-Identifier: Apache-2.0
// Values of DuckDB vectors as they are shown. Inside query/ only.
#pragma once

#include <duckdb.h>

#include "base/json.h"

namespace adweave::query {

// Reads one column of any type; nested types become JSON arrays and objects.
class ColumnReader {
 public:
  explicit ColumnReader(duckdb_logical_type type) : type_(type) {}
  ~ColumnReader() { duckdb_destroy_logical_type(&type_); }
  ColumnReader(ColumnReader&& other) noexcept : type_(other.type_) { other.type_ = nullptr; }
  ColumnReader(const ColumnReader&) = delete;
  ColumnReader& operator=(const ColumnReader&) = delete;
  ColumnReader& operator=(ColumnReader&&) = delete;

  JsonValue value(duckdb_vector vector, idx_t row) const;

 private:
  duckdb_logical_type type_;
};

}  // namespace adweave::query
