// SPDX-License-Identifier: Apache-2.0
#include "lake/table_writer.h"

#include <algorithm>
#include <map>

#include "base/limits.h"
#include "base/time.h"
#include "lake/gather_rows.h"
#include "lake/parquet_file.h"

namespace adweave::lake {

namespace {

using event::TableInfo;
using event::TableRows;

int64_t day_of(int64_t micros) {
  const int64_t day = micros / limits::kDayUs;
  return micros % limits::kDayUs < 0 ? day - 1 : day;
}

// Rows of every day, in the order of the parts.
std::map<int64_t, std::vector<PartRows>> split_by_day(std::span<const TableRows> parts) {
  std::map<int64_t, std::vector<PartRows>> days;
  for (const TableRows& part : parts) {
    for (int64_t row = 0; row < part.rows; ++row) {
      std::vector<PartRows>& day = days[day_of((*part.partition_time)[row])];
      if (day.empty() || day.back().part != &part) day.push_back({&part, {}});
      day.back().rows.push_back(static_cast<int32_t>(row));
    }
  }
  return days;
}

// The columns that only the writer knows say the same in every row.
void put_in_all(const WriteOptions& options, std::string_view column, int64_t rows,
                ColumnValues& values) {
  values.add_presence(static_cast<size_t>(rows), true);
  if (column == "commit") {
    values.ints.assign(static_cast<size_t>(rows), options.commit);
  } else {
    values.codes.assign(static_cast<size_t>(rows), values.dictionary.code_of(options.ledger_id));
  }
}

Gather gather_of(const WriteOptions& options, std::span<const PartRows> parts) {
  return [&options, parts](size_t column, int64_t begin, int64_t end, ColumnValues& values) {
    const std::string_view name = parts.front().part->table->columns[column].name;
    if (name == "commit" || name == "ledger_id") {
      put_in_all(options, name, end - begin, values);
    } else {
      gather_rows(parts, column, begin, end, values);
    }
    return arrow::Status::OK();
  };
}

int64_t row_count(std::span<const PartRows> parts) {
  int64_t rows = 0;
  for (const PartRows& part : parts) rows += static_cast<int64_t>(part.rows.size());
  return rows;
}

void set_time_range(event::DataFile& file, std::span<const PartRows> parts) {
  file.time_min = INT64_MAX;
  file.time_max = INT64_MIN;
  for (const PartRows& part : parts) {
    for (const int32_t row : part.rows) {
      const int64_t time = (*part.part->partition_time)[row];
      file.time_min = std::min(file.time_min, time);
      file.time_max = std::max(file.time_max, time);
    }
  }
}

Result<event::DataFile> write_day(FileSystem& fs, const WriteOptions& options, int64_t day,
                                  int64_t index, std::span<const PartRows> parts) {
  const TableInfo& table = *parts.front().part->table;
  event::DataFile file;
  file.table = table.name;
  file.date = format_date(day * limits::kDayUs);
  file.first_commit = options.commit;
  file.commit = options.commit;
  file.path = event::file_path(file.table, file.date, false, options.epoch, options.commit, index);
  set_time_range(file, parts);
  ADWEAVE_TRY(
      write_parquet_file(fs, options, false, row_count(parts), gather_of(options, parts), file));
  return file;
}

}  // namespace

Result<std::vector<event::DataFile>> write_table(FileSystem& fs, const WriteOptions& options,
                                                 std::span<const TableRows> parts) {
  std::vector<event::DataFile> files;
  for (const auto& [day, rows] : split_by_day(parts)) {
    ADWEAVE_ASSIGN(event::DataFile file,
                   write_day(fs, options, day, static_cast<int64_t>(files.size()), rows));
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace adweave::lake
