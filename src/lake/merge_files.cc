// SPDX-License-Identifier: Apache-2.0
#include "lake/merge_files.h"

#include <algorithm>
#include <map>

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/exec.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/statistics.h>

#include "base/hash.h"
#include "base/limits.h"
#include "event/schema.h"
#include "lake/arrow_columns.h"
#include "lake/file_streams.h"
#include "lake/parquet_file.h"

namespace adweave::lake {

namespace {

using event::TableInfo;
using TablePtr = std::shared_ptr<arrow::Table>;

using Column = std::shared_ptr<arrow::ChunkedArray>;

// As the statistics of a column say.
bool has_no_value(const parquet::FileMetaData& file, int column) {
  for (int group = 0; group < file.num_row_groups(); ++group) {
    const auto chunk = file.RowGroup(group)->ColumnChunk(column);
    const auto statistics = chunk->encoded_statistics();
    const bool empty = statistics != nullptr && statistics->has_null_count &&
                       statistics->null_count == chunk->num_values();
    if (!empty) return false;
  }
  return true;
}

// Files of a table, open to be read column by column.
class Inputs {
 public:
  Inputs(const TableInfo& table, std::span<const event::DataFile> files)
      : table_(table), files_(files) {}

  // Reads the files and compares them with what their commits said: damage must not be copied into
  // a new file with a checksum that fits.
  Status open(const FileSystem& fs, const std::string& dir) {
    for (const event::DataFile& file : files_) {
      const std::string path = join_path(dir, file.path);
      ADWEAVE_ASSIGN(std::string bytes, read_file(fs, path, file.bytes));
      if (to_hex(hash128(bytes)) != file.checksum)
        return damaged_file(path, "its bytes do not have the ledger's checksum");
      try {
        auto reader = open_reader(std::move(bytes));
        if (!reader.ok()) return damaged_file(path, reader.status().message());
        readers_.push_back(*std::move(reader));
      } catch (const parquet::ParquetException& e) {
        return damaged_file(path, e.what());
      }
    }
    return {};
  }

  // A column in all files, with one dictionary; nulls for the files that were written without it.
  arrow::Result<Column> column(const arrow::Field& field) {
    arrow::ArrayVector chunks;
    for (const auto& reader : readers_) {
      const auto* metadata = reader->parquet_reader()->metadata().get();
      const int index = metadata->schema()->ColumnIndex(field.name());
      if (index < 0 || has_no_value(*metadata, index)) {
        ARROW_ASSIGN_OR_RAISE(auto nulls, nulls_of(field.type(), metadata->num_rows()));
        chunks.push_back(std::move(nulls));
        continue;
      }
      Column read;
      ARROW_RETURN_NOT_OK(reader->ReadColumn(index, &read));
      if (!read->type()->Equals(field.type())) {
        return arrow::Status::Invalid("column ", field.name(), " is ", read->type()->ToString(),
                                      ", not ", field.type()->ToString());
      }
      chunks.insert(chunks.end(), read->chunks().begin(), read->chunks().end());
    }
    const auto all = std::make_shared<arrow::ChunkedArray>(std::move(chunks), field.type());
    return arrow::DictionaryUnifier::UnifyChunkedArray(all);
  }

 private:
  arrow::Result<std::unique_ptr<parquet::arrow::FileReader>> open_reader(std::string bytes) const {
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(
        std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::move(bytes)))));
    parquet::ArrowReaderProperties properties;
    const auto* columns = builder.raw_reader()->metadata()->schema();
    for (const event::ColumnInfo& column : table_.columns) {
      const int index = columns->ColumnIndex(std::string(column.name));
      if (index >= 0 && column.type == event::Type::Dict)
        properties.set_read_dictionary(index, true);
    }
    return builder.properties(properties)->memory_pool(arrow::system_memory_pool())->Build();
  }

  // One array for all the columns of a type.
  arrow::Result<std::shared_ptr<arrow::Array>> nulls_of(
      const std::shared_ptr<arrow::DataType>& type, int64_t rows) {
    auto& nulls = nulls_[type->ToString()];
    if (nulls == nullptr || nulls->length() < rows) {
      ARROW_ASSIGN_OR_RAISE(nulls, arrow::MakeArrayOfNull(type, rows, arrow::system_memory_pool()));
    }
    return nulls->Slice(0, rows);
  }

  const TableInfo& table_;
  std::span<const event::DataFile> files_;
  std::map<std::string, std::shared_ptr<arrow::Array>> nulls_;  // by type
  std::vector<std::unique_ptr<parquet::arrow::FileReader>> readers_;
};

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

// Indices of the rows by time; null when they are in that order.
arrow::Result<std::shared_ptr<arrow::Array>> order_by_time(const arrow::ChunkedArray& column) {
  std::vector<TimedRow> rows;
  rows.reserve(static_cast<size_t>(column.length()));
  for (const auto& chunk : column.chunks()) {
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

// Column by column, so that no more than one is there twice.
arrow::Result<TablePtr> merged_rows(const TableInfo& table, Inputs& inputs, MergedPlace place) {
  const std::shared_ptr<arrow::Schema> schema = arrow_schema(table);
  const auto time = schema->GetFieldByName(std::string(table.time_column));
  ARROW_ASSIGN_OR_RAISE(const Column times, inputs.column(*time));
  std::shared_ptr<arrow::Array> order;
  if (place == MergedPlace::sealed) {
    ARROW_ASSIGN_OR_RAISE(order, order_by_time(*times));
  }
  arrow::compute::ExecContext context(arrow::system_memory_pool());
  std::vector<Column> columns;
  for (const auto& field : schema->fields()) {
    Column column = times;
    if (field != time) {
      ARROW_ASSIGN_OR_RAISE(column, inputs.column(*field));
    }
    if (order != nullptr && !same_in_all(*column)) {
      ARROW_ASSIGN_OR_RAISE(
          const arrow::Datum taken,
          arrow::compute::Take(column, order, arrow::compute::TakeOptions::NoBoundsCheck(),
                               &context));
      column = taken.chunked_array();
    }
    columns.push_back(std::move(column));
  }
  return arrow::Table::Make(schema, std::move(columns));
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
  merged.path = event::file_path(merged.table, merged.date, place == MergedPlace::sealed,
                                 options.epoch, options.commit, n);
  return merged;
}

}  // namespace

Result<event::DataFile> merge_files(FileSystem& fs, const WriteOptions& options, MergedPlace place,
                                    std::span<const event::DataFile> files, int64_t n) {
  CHECK(!files.empty());
  const TableInfo* table = event::find_table(files.front().table);
  CHECK(table != nullptr);
  event::DataFile merged = describe(options, place, files, n);
  Inputs inputs(*table, files);
  ADWEAVE_TRY(inputs.open(fs, options.dir));
  const arrow::Result<TablePtr> rows = [&]() -> arrow::Result<TablePtr> {
    try {
      return merged_rows(*table, inputs, place);
    } catch (const parquet::ParquetException& e) {
      return arrow::Status::Invalid(e.what());
    }
  }();
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
