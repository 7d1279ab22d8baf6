// SPDX-License-Identifier: Apache-2.0
#include "lake/parquet_writer.h"

#include <string_view>

#include <arrow/api.h>
#include <parquet/arrow/schema.h>
#include <parquet/column_writer.h>
#include <parquet/exception.h>
#include <parquet/file_writer.h>

namespace adweave::lake {

namespace {

constexpr std::string_view kMagic = "PAR1";

std::shared_ptr<arrow::Schema> arrow_schema(const event::TableInfo& table) {
  arrow::FieldVector fields;
  for (const event::ColumnInfo& column : table.columns) {
    const auto id =
        arrow::key_value_metadata({"PARQUET:field_id"}, {std::to_string(column.parquet_id)});
    fields.push_back(
        arrow::field(std::string(column.name), arrow_type(column.type), !column.required, id));
  }
  return arrow::schema(std::move(fields));
}

}  // namespace

std::shared_ptr<arrow::DataType> arrow_type(event::Type type) {
  switch (type) {
    case event::Type::Str:
    case event::Type::Id:
      return arrow::utf8();
    case event::Type::Bytes:
      return arrow::binary();
    case event::Type::Dict:
      return arrow::dictionary(arrow::int32(), arrow::utf8());
    case event::Type::Time:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case event::Type::Money:
      return arrow::decimal128(18, 9);
    case event::Type::WideMoney:
      return arrow::decimal128(38, 9);
    case event::Type::Int:
      return arrow::int64();
    case event::Type::Float:
      return arrow::float64();
    case event::Type::Bool:
      return arrow::boolean();
  }
  return arrow::null();
}

ParquetWriter::ParquetWriter(std::shared_ptr<arrow::io::OutputStream> out,
                             const event::TableInfo& table,
                             std::shared_ptr<parquet::SchemaDescriptor> schema,
                             std::shared_ptr<parquet::WriterProperties> properties)
    : table_(table),
      out_(std::move(out)),
      schema_(std::move(schema)),
      properties_(std::move(properties)),
      metadata_(parquet::FileMetaDataBuilder::Make(schema_.get(), properties_)),
      page_index_(parquet::PageIndexBuilder::Make(schema_.get())),
      filters_(parquet::BloomFilterBuilder::Make(schema_.get(), properties_.get())) {}

arrow::Result<std::unique_ptr<ParquetWriter>> ParquetWriter::open(
    std::shared_ptr<arrow::io::OutputStream> out, const event::TableInfo& table,
    std::shared_ptr<parquet::WriterProperties> properties) {
  std::shared_ptr<parquet::SchemaDescriptor> columns;
  ARROW_RETURN_NOT_OK(
      parquet::arrow::ToParquetSchema(arrow_schema(table).get(), *properties, &columns));
  ARROW_RETURN_NOT_OK(out->Write(kMagic));
  return std::unique_ptr<ParquetWriter>(
      new ParquetWriter(std::move(out), table, std::move(columns), std::move(properties)));
}

arrow::Status ParquetWriter::gather_column(const Gather& gather, size_t column, int64_t begin,
                                           int64_t end) {
  values_.clear();
  ARROW_RETURN_NOT_OK(gather(column, begin, end, values_));
  if (table_.columns[column].required && values_.nulls > 0) {
    return arrow::Status::Invalid("null in the required column ", table_.name, ".",
                                  table_.columns[column].name);
  }
  return arrow::Status::OK();
}

int64_t ParquetWriter::write_column(int index, parquet::ColumnChunkMetaDataBuilder& metadata) {
  const auto path = schema_->Column(index)->path();
  const auto codec = properties_->compression(path);
  const parquet::CodecOptions options = codec == parquet::Compression::UNCOMPRESSED
                                            ? parquet::CodecOptions()
                                            : *properties_->codec_options(path);
  const auto pages = parquet::PageWriter::Open(
      out_, codec, &metadata, groups_, static_cast<int16_t>(index), properties_->memory_pool(),
      false, nullptr, nullptr, properties_->page_checksum_enabled(),
      page_index_->GetColumnIndexBuilder(index), page_index_->GetOffsetIndexBuilder(index),
      options);
  return pages_.write(table_.columns[static_cast<size_t>(index)].type, values_, *pages, metadata,
                      filters_->CreateBloomFilter(index));
}

arrow::Status ParquetWriter::write_group(const Gather& gather, int64_t begin, int64_t end) {
  BEGIN_PARQUET_CATCH_EXCEPTIONS
  auto* group = metadata_->AppendRowGroup();
  page_index_->AppendRowGroup();
  filters_->AppendRowGroup();
  int64_t bytes = 0;
  for (int i = 0; i < schema_->num_columns(); ++i) {
    ARROW_RETURN_NOT_OK(gather_column(gather, static_cast<size_t>(i), begin, end));
    bytes += write_column(i, *group->NextColumnChunk());
  }
  group->set_num_rows(end - begin);
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
