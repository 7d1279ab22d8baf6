// SPDX-License-Identifier: Apache-2.0
#include "engine/ledger_text.h"

#include <algorithm>
#include <vector>

#include "lake/table_reader.h"
#include "ledger/ledger.h"

namespace adweave::engine {

namespace {

std::string text(std::string_view value) {
  return std::string(value);
}
std::string text(Int128 value) {
  return format_nanos(value);
}
template <class Number>
std::string text(Number value) {
  return std::to_string(value);
}

void append_rows(std::vector<std::string>& lines, const event::TableRows& rows) {
  for (int64_t row = 0; row < rows.rows; ++row) {
    std::string& line = lines.emplace_back(std::string(rows.table->name) + ":");
    for (size_t i = 0; i < rows.columns.size(); ++i) {
      const std::string_view name = rows.table->columns[i].name;
      if (name == "commit" || name == "first_commit") continue;
      std::visit(
          [&](const auto* column) {
            if (column->has(row))
              line.append(" ").append(name).append("=").append(text((*column)[row]));
          },
          rows.columns[i]);
    }
  }
}

template <class Rows>
Status append_file(std::vector<std::string>& lines, const FileSystem& fs, const std::string& dir,
                   const event::DataFile& file) {
  ADWEAVE_ASSIGN(const Rows rows, lake::read_rows<Rows>(fs, dir, file));
  append_rows(lines, event::table_rows(rows));
  return {};
}

Status append_table(std::vector<std::string>& lines, const FileSystem& fs, const std::string& dir,
                    const event::DataFile& file) {
  if (event::find_table(file.table)->kind) {
    ADWEAVE_ASSIGN(const event::Batch rows, lake::read_events(fs, dir, file));
    append_rows(lines, event::table_rows(rows));
    return {};
  }
#define ADWEAVE_APPEND(Rows, FIELDS, name, time) \
  if (file.table == name) return append_file<event::Rows>(lines, fs, dir, file);
  ADWEAVE_OTHER_TABLES(ADWEAVE_APPEND)
#undef ADWEAVE_APPEND
  return Error{ErrorCode::corrupt, file.path + ": is of no table that this program knows"};
}

}  // namespace

Result<std::string> ledger_text(const FileSystem& fs, const std::string& dir) {
  ADWEAVE_ASSIGN(const ledger::Ledger ledger, ledger::Ledger::open(fs, dir));
  std::vector<std::string> lines;
  for (const event::DataFile& file : ledger.live_files("", ledger.head())) {
    ADWEAVE_TRY(append_table(lines, fs, dir, file));
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all.append(line).append("\n");
  return all;
}

}  // namespace adweave::engine
