// SPDX-License-Identifier: Apache-2.0
#include "event/row_json.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/time.h"

namespace adweave::event {

namespace {

void append_value(std::string& out, const StrColumn& column, int64_t row) {
  append_json_string(out, column[row]);
}
void append_value(std::string& out, const DictColumn& column, int64_t row) {
  append_json_string(out, column[row]);
}
void append_value(std::string& out, const IdColumn& column, int64_t row) {
  append_json_string(out, column[row]);
}
void append_value(std::string& out, const BytesColumn& column, int64_t row) {
  append_json_string(out, encode_base64(column[row]));
}
void append_value(std::string& out, const TimeColumn& column, int64_t row) {
  append_json_string(out, format_time(column[row]));
}
void append_value(std::string& out, const MoneyColumn& column, int64_t row) {
  append_json_string(out, format_nanos(column[row]));
}
void append_value(std::string& out, const WideMoneyColumn& column, int64_t row) {
  append_json_string(out, format_nanos(column[row]));
}
void append_value(std::string& out, const IntColumn& column, int64_t row) {
  out += std::to_string(column[row]);
}
void append_value(std::string& out, const FloatColumn& column, int64_t row) {
  fmt::format_to(std::back_inserter(out), "{}", column[row]);
}
void append_value(std::string& out, const BoolColumn& column, int64_t row) {
  out += column[row] != 0 ? "true" : "false";
}

}  // namespace

void append_row_json(std::string& out, const TableRows& rows, int64_t row) {
  out += "{\"table\":";
  append_json_string(out, rows.table->name);
  for (size_t i = 0; i < rows.columns.size(); ++i) {
    std::visit(
        [&](const auto* column) {
          if (!column->has(row)) return;
          out += ",\"";
          out += rows.table->columns[i].name;
          out += "\":";
          append_value(out, *column, row);
        },
        rows.columns[i]);
  }
  out += '}';
}

}  // namespace adweave::event
