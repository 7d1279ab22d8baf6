// SPDX-License-Identifier: Apache-2.0
#include "lake/parquet_writer.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/api.h>
#include <parquet/arrow/schema.h>
#include <parquet/column_page.h>
#include <parquet/column_writer.h>
#include <parquet/exception.h>
#include <parquet/file_writer.h>

#include "lake/arrow_columns.h"

namespace adweave::lake {

namespace {

using parquet::Encoding;

constexpr std::string_view kMagic = "PAR1";

void put_length(std::string& bytes, size_t length) {
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(length >> shift));
}

// `count` times 0 or 1, bit width 1, in the RLE / bit-packing hybrid encoding.
std::string run_of(int value, int64_t count) {
  std::string run;
  uint64_t header = static_cast<uint64_t>(count) << 1;
  for (; header >= 0x80; header >>= 7) run.push_back(static_cast<char>(header | 0x80));
  run.push_back(static_cast<char>(header));
  run.push_back(static_cast<char>(value));
  return run;
}

// Pages of a column that says the same in all rows of a group.
class SamePages {
 public:
  SamePages(const parquet::WriterProperties& properties, const parquet::ColumnDescriptor& column,
            const SameInAll& same, parquet::PageWriter& pages)
      : properties_(properties), column_(column), same_(same), pages_(pages) {}

  // Returns the bytes before compression.
  int64_t write(int64_t rows, parquet::ColumnChunkMetaDataBuilder& metadata) {
    int64_t bytes = 0;
    if (same_.value) bytes += write_dictionary();
    const int64_t page_rows = properties_.max_rows_per_page();
    for (int64_t row = 0; row < rows; row += page_rows)
      bytes += write_page(row, std::min(page_rows, rows - row));
    metadata.SetStatistics(statistics(rows));
    metadata.SetSizeStatistics(sizes(rows));
    pages_.Close(same_.value.has_value(), false);
    return bytes;
  }

 private:
  int64_t write_dictionary() {
    std::string entry;
    put_length(entry, same_.value->size());
    entry += *same_.value;
    return pages_.WriteDictionaryPage({arrow::Buffer::FromString(entry), 1, Encoding::PLAIN});
  }

  int64_t write_page(int64_t first_row, int64_t rows) {
    std::string bytes;
    if (column_.max_definition_level() > 0) {
      const std::string levels = run_of(same_.value ? 1 : 0, rows);
      put_length(bytes, levels.size());
      bytes += levels;
    }
    if (same_.value) bytes += '\1' + run_of(0, rows);  // the bit width, then the codes
    const auto size = static_cast<int64_t>(bytes.size());
    return pages_.WriteDataPage(parquet::DataPageV1(
        compressed(arrow::Buffer::FromString(std::move(bytes))), static_cast<int32_t>(rows),
        same_.value ? Encoding::RLE_DICTIONARY : Encoding::PLAIN, Encoding::RLE, Encoding::RLE,
        size, statistics(rows), first_row, sizes(rows)));
  }

  std::shared_ptr<arrow::Buffer> compressed(std::shared_ptr<arrow::Buffer> bytes) {
    if (!pages_.has_compressor()) return bytes;
    std::shared_ptr<arrow::ResizableBuffer> smaller =
        parquet::AllocateBuffer(properties_.memory_pool(), 0);
    pages_.Compress(*bytes, smaller.get());
    return smaller;
  }

  parquet::EncodedStatistics statistics(int64_t rows) const {
    parquet::EncodedStatistics statistics;
    statistics.set_null_count(same_.value ? 0 : rows);
    statistics.all_null_value = !same_.value;
    if (same_.value) {
      statistics.set_min(*same_.value).set_max(*same_.value);
      statistics.is_min_value_exact = true;
      statistics.is_max_value_exact = true;
    }
    statistics.ApplyStatSizeLimits(properties_.max_statistics_size(column_.path()));
    return statistics;
  }

  parquet::SizeStatistics sizes(int64_t rows) const {
    parquet::SizeStatistics sizes = *parquet::SizeStatistics::Make(&column_);
    if (column_.max_definition_level() > 0)
      sizes.definition_level_histogram[same_.value ? 1 : 0] = rows;
    if (same_.value)
      sizes.IncrementUnencodedByteArrayDataBytes(rows * static_cast<int64_t>(same_.value->size()));
    return sizes;
  }

  const parquet::WriterProperties& properties_;
  const parquet::ColumnDescriptor& column_;
  const SameInAll& same_;
  parquet::PageWriter& pages_;
};

// 1 for a value, 0 for null; none when the column is never null.
std::vector<int16_t> levels_of(const arrow::Array& rows, const parquet::ColumnDescriptor& column) {
  if (column.max_definition_level() == 0) return {};
  std::vector<int16_t> levels(static_cast<size_t>(rows.length()), 1);
  if (rows.null_count() == 0) return levels;
  for (int64_t i = 0; i < rows.length(); ++i)
    levels[static_cast<size_t>(i)] = rows.IsValid(i) ? 1 : 0;
  return levels;
}

}  // namespace

ParquetWriter::ParquetWriter(std::shared_ptr<arrow::io::OutputStream> out,
                             std::shared_ptr<parquet::SchemaDescriptor> schema,
                             std::shared_ptr<parquet::WriterProperties> properties)
    : out_(std::move(out)),
      schema_(std::move(schema)),
      properties_(std::move(properties)),
      metadata_(parquet::FileMetaDataBuilder::Make(schema_.get(), properties_)),
      page_index_(parquet::PageIndexBuilder::Make(schema_.get())),
      filters_(parquet::BloomFilterBuilder::Make(schema_.get(), properties_.get())) {}

arrow::Result<std::unique_ptr<ParquetWriter>> ParquetWriter::open(
    std::shared_ptr<arrow::io::OutputStream> out, const arrow::Schema& schema,
    std::shared_ptr<parquet::WriterProperties> properties) {
  std::shared_ptr<parquet::SchemaDescriptor> columns;
  ARROW_RETURN_NOT_OK(parquet::arrow::ToParquetSchema(&schema, *properties, &columns));
  ARROW_RETURN_NOT_OK(out->Write(kMagic));
  return std::unique_ptr<ParquetWriter>(
      new ParquetWriter(std::move(out), std::move(columns), std::move(properties)));
}

int64_t ParquetWriter::write_column(int index, const arrow::ChunkedArray& rows,
                                    parquet::ColumnChunkMetaDataBuilder* metadata) {
  const parquet::ColumnDescriptor& column = *schema_->Column(index);
  const auto codec = properties_->compression(column.path());
  auto pages = parquet::PageWriter::Open(
      out_, codec, metadata, groups_, static_cast<int16_t>(index), properties_->memory_pool(),
      false, nullptr, nullptr, properties_->page_checksum_enabled(),
      page_index_->GetColumnIndexBuilder(index), page_index_->GetOffsetIndexBuilder(index),
      *properties_->codec_options(column.path()));
  if (const auto same = same_in_all(rows))
    return SamePages(*properties_, column, *same, *pages).write(rows.length(), *metadata);

  const auto writer = parquet::ColumnWriter::Make(metadata, std::move(pages), properties_.get(),
                                                  filters_->CreateBloomFilter(index));
  const auto arrow_properties = parquet::default_arrow_writer_properties();
  parquet::ArrowWriteContext context(properties_->memory_pool(), arrow_properties.get());
  for (const auto& chunk : rows.chunks()) {
    const std::vector<int16_t> levels = levels_of(*chunk, column);
    PARQUET_THROW_NOT_OK(writer->WriteArrow(levels.data(), nullptr, chunk->length(), *chunk,
                                            &context, column.max_definition_level() > 0));
  }
  return writer->Close();
}

arrow::Status ParquetWriter::write_group(const arrow::Table& rows) {
  BEGIN_PARQUET_CATCH_EXCEPTIONS
  auto* group = metadata_->AppendRowGroup();
  page_index_->AppendRowGroup();
  filters_->AppendRowGroup();
  int64_t bytes = 0;
  for (int i = 0; i < rows.num_columns(); ++i)
    bytes += write_column(i, *rows.column(i), group->NextColumnChunk());
  group->set_num_rows(rows.num_rows());
  group->Finish(bytes, groups_++);
  END_PARQUET_CATCH_EXCEPTIONS
  return arrow::Status::OK();
}

arrow::Status ParquetWriter::finish(const std::shared_ptr<const arrow::KeyValueMetadata>& footer) {
  BEGIN_PARQUET_CATCH_EXCEPTIONS
  metadata_->SetIndexLocations(parquet::IndexKind::kBloomFilter, filters_->WriteTo(out_.get()));
  page_index_->Finish();
  const auto written = page_index_->WriteTo(out_.get());
  metadata_->SetIndexLocations(parquet::IndexKind::kColumnIndex, written.column_index_locations);
  metadata_->SetIndexLocations(parquet::IndexKind::kOffsetIndex, written.offset_index_locations);
  parquet::WriteFileMetaData(*metadata_->Finish(footer), out_.get());
  END_PARQUET_CATCH_EXCEPTIONS
  return arrow::Status::OK();
}

}  // namespace adweave::lake
