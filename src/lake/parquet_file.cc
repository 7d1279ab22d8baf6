// SPDX-License-Identifier: Apache-2.0
#include "lake/parquet_file.h"

#include <algorithm>

#include <arrow/api.h>
#include <parquet/properties.h>

#include "lake/arrow_columns.h"
#include "lake/file_streams.h"
#include "lake/parquet_writer.h"

namespace adweave::lake {

namespace {

using event::ColumnInfo;
using event::TableInfo;

// Rows that are encoded at once: those of a page. A page ends only after such a batch, so fewer
// where values are large.
int64_t batch_rows(const arrow::Table& rows) {
  int64_t batch = limits::kPageRows;
  for (const auto& column : rows.columns()) {
    int64_t bytes = 0;
    for (const auto& chunk : column->chunks()) {
      if (const auto* values = dynamic_cast<const arrow::BinaryArray*>(chunk.get()))
        bytes += values->total_values_length();
    }
    if (bytes > 0) batch = std::min(batch, rows.num_rows() * limits::kPageBytes / bytes);
  }
  return std::max(batch, limits::kPageBatchRowsMin);
}

std::shared_ptr<parquet::WriterProperties> properties_of(const TableInfo& table,
                                                         const arrow::Table& rows,
                                                         const ParquetShape& shape,
                                                         const std::string& program) {
  parquet::WriterProperties::Builder builder;
  builder.memory_pool(arrow::system_memory_pool())
      ->compression(arrow::Compression::ZSTD)
      ->compression_level(limits::kZstdLevel)
      ->max_row_group_length(shape.row_group_rows)
      ->max_rows_per_page(limits::kPageRows)
      ->data_pagesize(limits::kPageBytes)
      ->write_batch_size(batch_rows(rows))
      ->created_by("adweave version " + program)
      ->enable_store_decimal_as_integer()
      ->enable_page_checksum()
      ->enable_write_page_index();
  for (const ColumnInfo& column : table.columns) {
    const std::string name(column.name);
    if (column.name == event::info(event::Field::content_hash).name) {
      builder.disable_dictionary(name)->encoding(name, parquet::Encoding::PLAIN);
      continue;
    }
    switch (column.type) {
      case event::Type::Id:
        if (shape.id_filters) builder.enable_bloom_filter(name, parquet::BloomFilterOptions());
        [[fallthrough]];
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

std::shared_ptr<const arrow::KeyValueMetadata> footer_of(const WriteOptions& options,
                                                         const event::DataFile& file) {
  return arrow::key_value_metadata(
      {"adweave.format_version", "adweave.table", "adweave.schema", "adweave.ledger_id",
       "adweave.first_commit", "adweave.last_commit"},
      {std::to_string(limits::kFormatVersion), file.table, event::schema_hash(), options.ledger_id,
       std::to_string(file.first_commit), std::to_string(file.commit)});
}

arrow::Status write_rows(const std::shared_ptr<OutputFile>& out, const WriteOptions& options,
                         const ParquetShape& shape, const arrow::Table& rows,
                         const event::DataFile& file) {
  const auto properties =
      properties_of(*event::find_table(file.table), rows, shape, options.program);
  ARROW_ASSIGN_OR_RAISE(const auto writer, ParquetWriter::open(out, *rows.schema(), properties));
  for (int64_t row = 0; row < rows.num_rows(); row += shape.row_group_rows)
    ARROW_RETURN_NOT_OK(writer->write_group(*rows.Slice(row, shape.row_group_rows)));
  ARROW_RETURN_NOT_OK(writer->finish(footer_of(options, file)));
  return out->Close();
}

}  // namespace

std::shared_ptr<arrow::Schema> arrow_schema(const TableInfo& table) {
  arrow::FieldVector fields;
  for (const ColumnInfo& column : table.columns) {
    const auto id =
        arrow::key_value_metadata({"PARQUET:field_id"}, {std::to_string(column.parquet_id)});
    fields.push_back(
        arrow::field(std::string(column.name), arrow_type(column.type), !column.required, id));
  }
  return arrow::schema(std::move(fields));
}

Status write_parquet_file(FileSystem& fs, const WriteOptions& options, const ParquetShape& shape,
                          const arrow::Table& rows, event::DataFile& file) {
  const std::string path = join_path(options.dir, file.path);
  ADWEAVE_TRY(make_dirs(fs, parent_path(path)));
  ADWEAVE_ASSIGN(std::unique_ptr<File> created, fs.create_exclusive(path));
  const auto out = std::make_shared<OutputFile>(std::move(created));
  const arrow::Status written = write_rows(out, options, shape, rows, file);
  if (out->failure()) return *out->failure();
  if (!written.ok()) return arrow_error(written, path);
  ADWEAVE_TRY(fs.sync_dir(parent_path(path)));
  file.rows = rows.num_rows();
  file.bytes = out->size();
  file.checksum = out->checksum();
  return {};
}

}  // namespace adweave::lake
