// SPDX-License-Identifier: Apache-2.0
#include "lake/parquet_file.h"

#include <algorithm>

#include <arrow/memory_pool.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/properties.h>

#include "base/limits.h"
#include "lake/file_streams.h"
#include "lake/parquet_writer.h"

namespace adweave::lake {

namespace {

using event::ColumnInfo;
using event::TableInfo;

std::shared_ptr<parquet::WriterProperties> properties_of(const TableInfo& table, bool id_filters,
                                                         int64_t rows, const std::string& program) {
  parquet::WriterProperties::Builder builder;
  builder.memory_pool(arrow::system_memory_pool())
      ->compression(arrow::Compression::ZSTD)
      ->compression_level(limits::kZstdLevel)
      ->max_row_group_length(limits::kRowGroupRows)
      ->created_by("adweave version " + program)
      ->enable_store_decimal_as_integer()
      ->enable_page_checksum()
      ->enable_write_page_index();
  builder.compression(std::string(event::info(event::Field::content_hash).name),
                      arrow::Compression::UNCOMPRESSED);
  parquet::BloomFilterOptions filter;
  filter.ndv = std::min(rows, limits::kRowGroupRows);
  for (const ColumnInfo& column : table.columns) {
    if (id_filters && column.type == event::Type::Id)
      builder.enable_bloom_filter(std::string(column.name), filter);
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
                         bool id_filters, int64_t rows, const Gather& gather,
                         const event::DataFile& file) {
  const TableInfo& table = *event::find_table(file.table);
  const auto properties = properties_of(table, id_filters, rows, options.program);
  ARROW_ASSIGN_OR_RAISE(const auto writer, ParquetWriter::open(out, table, properties));
  for (int64_t row = 0; row < rows; row += limits::kRowGroupRows) {
    const int64_t end = std::min(rows, row + limits::kRowGroupRows);
    ARROW_RETURN_NOT_OK(writer->write_group(gather, row, end));
  }
  ARROW_RETURN_NOT_OK(writer->finish(footer_of(options, file)));
  return out->Close();
}

}  // namespace

Status write_parquet_file(FileSystem& fs, const WriteOptions& options, bool id_filters,
                          int64_t rows, const Gather& gather, event::DataFile& file) {
  const std::string path = join_path(options.dir, file.path);
  ADWEAVE_TRY(make_dirs(fs, parent_path(path)));
  ADWEAVE_ASSIGN(std::unique_ptr<File> created, fs.create_exclusive(path));
  const auto out = std::make_shared<OutputFile>(std::move(created));
  const arrow::Status written = write_rows(out, options, id_filters, rows, gather, file);
  if (out->failure()) return *out->failure();
  if (!written.ok()) return arrow_error(written, path);
  ADWEAVE_TRY(fs.sync_dir(parent_path(path)));
  file.rows = rows;
  file.bytes = out->size();
  file.checksum = out->checksum();
  return {};
}

}  // namespace adweave::lake
