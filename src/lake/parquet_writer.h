// SPDX-License-Identifier: Apache-2.0
// A Parquet file, row group by row group, as Arrow's writer makes it but for the columns that say
// the same in every row of a group: null, or one string of a dictionary. Half the columns of most
// feeds are so; their pages are written at once, without a look at each row. Inside lake/ only.
#pragma once

#include <memory>

#include <arrow/io/interfaces.h>
#include <arrow/table.h>
#include <parquet/bloom_filter_writer.h>
#include <parquet/metadata.h>
#include <parquet/page_index.h>
#include <parquet/properties.h>

namespace adweave::lake {

class ParquetWriter {
 public:
  static arrow::Result<std::unique_ptr<ParquetWriter>> open(
      std::shared_ptr<arrow::io::OutputStream> out, const arrow::Schema& schema,
      std::shared_ptr<parquet::WriterProperties> properties);

  arrow::Status write_group(const arrow::Table& rows);

  // Writes what stands at the end of a file. Nothing may follow.
  arrow::Status finish(const std::shared_ptr<const arrow::KeyValueMetadata>& footer);

 private:
  ParquetWriter(std::shared_ptr<arrow::io::OutputStream> out,
                std::shared_ptr<parquet::SchemaDescriptor> schema,
                std::shared_ptr<parquet::WriterProperties> properties);

  int64_t write_column(int index, const arrow::ChunkedArray& rows,
                       parquet::ColumnChunkMetaDataBuilder* metadata);

  std::shared_ptr<arrow::io::OutputStream> out_;
  std::shared_ptr<parquet::SchemaDescriptor> schema_;
  std::shared_ptr<parquet::WriterProperties> properties_;
  std::unique_ptr<parquet::FileMetaDataBuilder> metadata_;
  std::unique_ptr<parquet::PageIndexBuilder> page_index_;
  std::unique_ptr<parquet::BloomFilterBuilder> filters_;
  int16_t groups_ = 0;
};

}  // namespace adweave::lake
