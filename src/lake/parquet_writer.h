// SPDX-License-Identifier: Apache-2.0
// A Parquet file, row group by row group: our pages in Arrow's frame of headers, indexes and
// footer. Inside lake/ only.
#pragma once

#include <memory>

#include <arrow/io/interfaces.h>
#include <parquet/bloom_filter_writer.h>
#include <parquet/metadata.h>
#include <parquet/page_index.h>
#include <parquet/properties.h>

#include "event/schema.h"
#include "lake/column_pages.h"

namespace adweave::lake {

// Arrow type of a column: dict columns are dictionary(int32, utf8).
std::shared_ptr<arrow::DataType> arrow_type(event::Type type);

class ParquetWriter {
 public:
  static arrow::Result<std::unique_ptr<ParquetWriter>> open(
      std::shared_ptr<arrow::io::OutputStream> out, const event::TableInfo& table,
      std::shared_ptr<parquet::WriterProperties> properties);

  // Writes the rows [begin, end) of what is gathered as a row group.
  arrow::Status write_group(const Gather& gather, int64_t begin, int64_t end);

  // Writes what stands at the end of a file. Nothing may follow.
  arrow::Status finish(const std::shared_ptr<const arrow::KeyValueMetadata>& footer);

 private:
  ParquetWriter(std::shared_ptr<arrow::io::OutputStream> out, const event::TableInfo& table,
                std::shared_ptr<parquet::SchemaDescriptor> schema,
                std::shared_ptr<parquet::WriterProperties> properties);

  arrow::Status gather_column(const Gather& gather, size_t column, int64_t begin, int64_t end);
  int64_t write_column(int index, parquet::ColumnChunkMetaDataBuilder& metadata);

  const event::TableInfo& table_;
  std::shared_ptr<arrow::io::OutputStream> out_;
  std::shared_ptr<parquet::SchemaDescriptor> schema_;
  std::shared_ptr<parquet::WriterProperties> properties_;
  std::unique_ptr<parquet::FileMetaDataBuilder> metadata_;
  std::unique_ptr<parquet::PageIndexBuilder> page_index_;
  std::unique_ptr<parquet::BloomFilterBuilder> filters_;
  int16_t groups_ = 0;
  ColumnValues values_;
  ColumnPages pages_;
};

}  // namespace adweave::lake
