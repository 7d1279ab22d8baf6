// SPDX-License-Identifier: Apache-2.0
#include "lake/merge_files.h"

#include <algorithm>

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include "base/hash.h"
#include "base/limits.h"
#include "event/schema.h"
#include "lake/file_streams.h"
#include "lake/parquet_file.h"

namespace adweave::lake {

namespace {

using event::TableInfo;
using TablePtr = std::shared_ptr<arrow::Table>;

// The table's columns, those that the file was written without as nulls.
arrow::Result<TablePtr> with_schema(const TableInfo& table, const arrow::Table& read) {
  const std::shared_ptr<arrow::Schema> schema = arrow_schema(table);
  std::vector<std::shared_ptr<arrow::ChunkedArray>> columns;
  for (const auto& field : schema->fields()) {
    auto column = read.GetColumnByName(field->name());
    if (column == nullptr) {
      ARROW_ASSIGN_OR_RAISE(auto nulls, arrow::MakeArrayOfNull(field->type(), read.num_rows()));
      column = std::make_shared<arrow::ChunkedArray>(std::move(nulls));
    }
    if (!column->type()->Equals(field->type())) {
      return arrow::Status::Invalid("column ", field->name(), " is ", column->type()->ToString(),
                                    ", not ", field->type()->ToString());
    }
    columns.push_back(std::move(column));
  }
  return arrow::Table::Make(schema, std::move(columns), read.num_rows());
}

arrow::Result<TablePtr> decode(const TableInfo& table, const std::string& bytes) {
  parquet::arrow::FileReaderBuilder builder;
  parquet::ReaderProperties checked;
  checked.set_page_checksum_verification(true);
  ARROW_RETURN_NOT_OK(builder.Open(
      std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(bytes)), checked));
  parquet::ArrowReaderProperties properties;
  const auto* columns = builder.raw_reader()->metadata()->schema();
  for (const event::ColumnInfo& column : table.columns) {
    const int index = columns->ColumnIndex(std::string(column.name));
    if (index >= 0 && column.type == event::Type::Dict) properties.set_read_dictionary(index, true);
  }
  ARROW_ASSIGN_OR_RAISE(const auto reader, builder.properties(properties)->Build());
  ARROW_ASSIGN_OR_RAISE(const TablePtr read, reader->ReadTable());
  return with_schema(table, *read);
}

// Damage must not be copied into a new file with a checksum that fits.
Result<TablePtr> read_checked(const FileSystem& fs, const std::string& dir, const TableInfo& table,
                              const event::DataFile& file) {
  const std::string path = join_path(dir, file.path);
  const auto damaged = [&](const std::string& what) {
    return Error{ErrorCode::corrupt, path + ": " + what,
                 "run adweave verify; restore the file from a backup"};
  };
  const Result<std::string> bytes = read_file(fs, path, file.bytes);
  if (!bytes) return bytes.error();
  if (to_hex(hash128(*bytes)) != file.checksum)
    return damaged("its bytes do not have the ledger's checksum");
  try {
    arrow::Result<TablePtr> rows = decode(table, *bytes);
    if (!rows.ok()) return damaged(rows.status().message());
    return *std::move(rows);
  } catch (const parquet::ParquetException& e) {
    return damaged(e.what());
  }
}

struct TimedRow {
  int64_t time = 0;
  int64_t row = 0;
};

bool is_earlier(const TimedRow& a, const TimedRow& b) {
  return a.time < b.time;
}

// Merges neighbouring runs that are in order until one is left: rows come nearly in order.
void sort_by_time(std::vector<TimedRow>& rows) {
  std::vector<size_t> ends;
  for (size_t i = 1; i <= rows.size(); ++i) {
    if (i == rows.size() || rows[i].time < rows[i - 1].time) ends.push_back(i);
  }
  std::vector<TimedRow> merged(rows.size());
  while (ends.size() > 1) {
    std::vector<size_t> longer;
    size_t begin = 0;
    for (size_t i = 0; i < ends.size(); i += 2) {
      const size_t middle = ends[i];
      const size_t end = i + 1 < ends.size() ? ends[i + 1] : middle;
      const auto at = [&](size_t index) {
        return rows.begin() + static_cast<std::ptrdiff_t>(index);
      };
      std::merge(at(begin), at(middle), at(middle), at(end),
                 merged.begin() + static_cast<std::ptrdiff_t>(begin), is_earlier);
      longer.push_back(end);
      begin = end;
    }
    rows.swap(merged);
    ends.swap(longer);
  }
}

// Rows by the table's time column; null when they are in that order.
arrow::Result<std::shared_ptr<arrow::Array>> order_by_time(const arrow::Table& table,
                                                           std::string_view time_column) {
  std::vector<TimedRow> rows;
  rows.reserve(static_cast<size_t>(table.num_rows()));
  for (const auto& chunk : table.GetColumnByName(std::string(time_column))->chunks()) {
    const auto& times = static_cast<const arrow::TimestampArray&>(*chunk);
    for (int64_t i = 0; i < times.length(); ++i)
      rows.push_back({times.Value(i), static_cast<int64_t>(rows.size())});
  }
  if (std::is_sorted(rows.begin(), rows.end(), is_earlier)) return nullptr;
  sort_by_time(rows);
  arrow::Int64Builder builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(rows.size())));
  for (const TimedRow& row : rows) builder.UnsafeAppend(row.row);
  return builder.Finish();
}

// One table, each column one array with one dictionary.
arrow::Result<TablePtr> concatenate(const std::vector<TablePtr>& tables) {
  ARROW_ASSIGN_OR_RAISE(const TablePtr all, arrow::ConcatenateTables(tables));
  ARROW_ASSIGN_OR_RAISE(const TablePtr unified, arrow::DictionaryUnifier::UnifyTable(*all));
  return unified->CombineChunks();
}

// Column by column, so that no more than one is there twice.
arrow::Result<TablePtr> sorted(TablePtr table, std::string_view time_column) {
  ARROW_ASSIGN_OR_RAISE(const auto order, order_by_time(*table, time_column));
  if (order == nullptr) return table;
  for (int i = 0; i < table->num_columns(); ++i) {
    ARROW_ASSIGN_OR_RAISE(const arrow::Datum taken,
                          arrow::compute::Take(table->column(i), order,
                                               arrow::compute::TakeOptions::NoBoundsCheck()));
    ARROW_ASSIGN_OR_RAISE(table, table->SetColumn(i, table->field(i), taken.chunked_array()));
  }
  return table;
}

// What the merged file says of itself before its rows are written.
event::DataFile describe(const WriteOptions& options, MergedPlace place,
                         std::span<const event::DataFile> files, int64_t n) {
  event::DataFile merged = files.front();
  for (const event::DataFile& file : files) {
    merged.first_commit = std::min(merged.first_commit, file.first_commit);
    merged.commit = std::max(merged.commit, file.commit);
    merged.time_min = std::min(merged.time_min, file.time_min);
    merged.time_max = std::max(merged.time_max, file.time_max);
  }
  merged.path = "lake/" + merged.table +
                (place == MergedPlace::sealed ? "/_sealed/dt=" : "/_recent/dt=") + merged.date +
                "/" + event::file_name(options.epoch, options.commit, n);
  return merged;
}

}  // namespace

Result<event::DataFile> merge_files(FileSystem& fs, const WriteOptions& options, MergedPlace place,
                                    std::span<const event::DataFile> files, int64_t n) {
  CHECK(!files.empty());
  const TableInfo* table = event::find_table(files.front().table);
  CHECK(table != nullptr);
  event::DataFile merged = describe(options, place, files, n);
  std::vector<TablePtr> tables;
  for (const event::DataFile& file : files) {
    ADWEAVE_ASSIGN(TablePtr read, read_checked(fs, options.dir, *table, file));
    tables.push_back(std::move(read));
  }
  arrow::Result<TablePtr> rows = concatenate(tables);
  tables.clear();
  if (rows.ok() && place == MergedPlace::sealed)
    rows = sorted(*std::move(rows), table->time_column);
  if (!rows.ok()) return Error{ErrorCode::internal, merged.path + ": " + rows.status().message()};

  ParquetShape shape;
  if (place == MergedPlace::sealed) shape = {limits::kSealedRowGroupRows, true};
  ADWEAVE_TRY(write_parquet_file(fs, options, shape, **rows, merged));
  int64_t expected = 0;
  for (const event::DataFile& file : files) expected += file.rows;
  CHECK(merged.rows == expected);
  return merged;
}

Result<event::DataFile> link_sealed(FileSystem& fs, const WriteOptions& options,
                                    const event::DataFile& file, int64_t n) {
  event::DataFile sealed = describe(options, MergedPlace::sealed, {&file, 1}, n);
  const std::string path = join_path(options.dir, sealed.path);
  ADWEAVE_TRY(make_dirs(fs, parent_path(path)));
  ADWEAVE_TRY(fs.link(join_path(options.dir, file.path), path));
  ADWEAVE_TRY(fs.sync_dir(parent_path(path)));
  return sealed;
}

}  // namespace adweave::lake
