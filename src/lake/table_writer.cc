// SPDX-License-Identifier: Apache-2.0
#include "lake/table_writer.h"

#include <algorithm>
#include <map>

#include <arrow/api.h>
#include <parquet/arrow/writer.h>

#include "base/limits.h"
#include "base/time.h"
#include "lake/arrow_columns.h"
#include "lake/file_streams.h"

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

std::shared_ptr<arrow::Schema> schema_of(const TableInfo& table) {
  arrow::FieldVector fields;
  for (const ColumnInfo& column : table.columns) {
    const auto id =
        arrow::key_value_metadata({"PARQUET:field_id"}, {std::to_string(column.parquet_id)});
    fields.push_back(
        arrow::field(std::string(column.name), arrow_type(column.type), !column.required, id));
  }
  return arrow::schema(std::move(fields));
}

std::shared_ptr<parquet::WriterProperties> properties_of(const TableInfo& table) {
  parquet::WriterProperties::Builder builder;
  builder.compression(arrow::Compression::ZSTD)
      ->compression_level(limits::kZstdLevel)
      ->max_row_group_length(limits::kRowGroupRows)
      ->created_by("adweave")
      ->enable_store_decimal_as_integer()
      ->enable_write_page_index();
  for (const ColumnInfo& column : table.columns) {
    const std::string name(column.name);
    switch (column.type) {
      case event::Type::Id:
      case event::Type::Str:
      case event::Type::Bytes:
        builder.disable_dictionary(name)->encoding(name,
                                                   parquet::Encoding::DELTA_LENGTH_BYTE_ARRAY);
        break;
      case event::Type::Time:
      case event::Type::Int:
        builder.disable_dictionary(name)->encoding(name, parquet::Encoding::DELTA_BINARY_PACKED);
        break;
      default:
        break;
    }
  }
  return builder.build();
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
  return arrow::RecordBatch::Make(schema_of(table), rows, std::move(arrays));
}

arrow::Status write_parquet(const std::shared_ptr<OutputFile>& out, const TableInfo& table,
                            const arrow::RecordBatch& batch) {
  const auto arrow_properties = parquet::ArrowWriterProperties::Builder().build();
  ARROW_ASSIGN_OR_RAISE(const auto writer, parquet::arrow::FileWriter::Open(
                                               *batch.schema(), arrow::default_memory_pool(), out,
                                               properties_of(table), arrow_properties));
  ARROW_RETURN_NOT_OK(writer->AddKeyValueMetadata(arrow::key_value_metadata(
      {"adweave.format_version", "adweave.table"},
      {std::to_string(limits::kFormatVersion), std::string(table.name)})));
  ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(batch));
  ARROW_RETURN_NOT_OK(writer->Close());
  return out->Close();
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
  file.commit = options.commit;
  const std::string folder = "lake/" + file.table + "/_recent/dt=" + file.date;
  file.path = folder + "/part-" + std::to_string(options.epoch) + "-" +
              std::to_string(options.commit) + "-" + std::to_string(index) + ".parquet";
  const std::string path = join_path(options.dir, file.path);

  const auto batch = make_batch(options, table, parts);
  if (!batch.ok()) return Error{ErrorCode::internal, path + ": " + batch.status().message()};
  ADWEAVE_TRY(make_dirs(fs, join_path(options.dir, folder)));
  ADWEAVE_ASSIGN(std::unique_ptr<File> created, fs.create_exclusive(path));
  const auto out = std::make_shared<OutputFile>(std::move(created));
  const arrow::Status written = write_parquet(out, table, **batch);
  if (out->failure()) return *out->failure();
  if (!written.ok()) return arrow_error(written, path);
  ADWEAVE_TRY(fs.sync_dir(join_path(options.dir, folder)));

  file.rows = (*batch)->num_rows();
  file.bytes = out->size();
  file.checksum = out->checksum();
  set_time_range(file, parts);
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
