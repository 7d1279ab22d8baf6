// SPDX-License-Identifier: Apache-2.0
#include "lake/table_writer.h"

#include <algorithm>
#include <map>

#include <arrow/api.h>

#include "base/limits.h"
#include "base/time.h"
#include "lake/arrow_columns.h"
#include "lake/parquet_file.h"

namespace adweave::lake {

namespace {

using event::ColumnInfo;
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

// The columns that only the writer knows: the same value in every row.
arrow::Result<std::shared_ptr<arrow::Array>> constant_column(const WriteOptions& options,
                                                             std::string_view name, int64_t rows) {
  if (name == "commit") return arrow::MakeArrayFromScalar(arrow::Int64Scalar(options.commit), rows);
  ARROW_ASSIGN_OR_RAISE(const auto codes, arrow::MakeArrayFromScalar(arrow::Int32Scalar(0), rows));
  ARROW_ASSIGN_OR_RAISE(const auto dictionary,
                        arrow::MakeArrayFromScalar(arrow::StringScalar(options.ledger_id), 1));
  return arrow::DictionaryArray::FromArrays(arrow_type(event::Type::Dict), codes, dictionary);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> make_batch(const WriteOptions& options,
                                                              const TableInfo& table,
                                                              std::span<const PartRows> parts) {
  int64_t rows = 0;
  for (const PartRows& part : parts) rows += static_cast<int64_t>(part.rows.size());
  arrow::ArrayVector arrays;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const ColumnInfo& column = table.columns[i];
    const bool constant = column.name == "commit" || column.name == "ledger_id";
    ARROW_ASSIGN_OR_RAISE(auto array, constant ? constant_column(options, column.name, rows)
                                               : arrow_array(column.type, i, parts));
    if (column.required && array->null_count() != 0) {
      return arrow::Status::UnknownError("null in the required column ", std::string(table.name),
                                         ".", std::string(column.name));
    }
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(arrow_schema(table), rows, std::move(arrays));
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
  const auto batch = make_batch(options, table, parts);
  if (!batch.ok()) return Error{ErrorCode::internal, file.path + ": " + batch.status().message()};
  const auto rows = arrow::Table::FromRecordBatches({*batch});
  if (!rows.ok()) return Error{ErrorCode::internal, file.path + ": " + rows.status().message()};
  ADWEAVE_TRY(write_parquet_file(fs, options, {}, **rows, file));
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
