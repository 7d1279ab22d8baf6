// SPDX-License-Identifier: Apache-2.0
#include "lake/input_files.h"

#include <cstring>

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/statistics.h>

#include "base/hash.h"
#include "lake/file_streams.h"
#include "lake/parquet_writer.h"
#include "lake/text_chunk.h"

namespace adweave::lake {

using ArrayPtr = std::shared_ptr<arrow::Array>;

namespace {

// As the statistics of a column in a row group say.
bool says_one_value(const parquet::ColumnChunkMetaData& chunk) {
  const auto statistics = chunk.encoded_statistics();
  return statistics != nullptr && statistics->has_null_count && statistics->null_count == 0 &&
         statistics->has_min && statistics->has_max &&
         statistics->is_min_value_exact.value_or(false) &&
         statistics->is_max_value_exact.value_or(false) && statistics->min() == statistics->max();
}

bool has_no_value(const parquet::ColumnChunkMetaData& chunk) {
  const auto statistics = chunk.encoded_statistics();
  return statistics != nullptr && statistics->has_null_count &&
         statistics->null_count == chunk.num_values();
}

// A column that says one string in all rows is not read: its statistics have it.
arrow::Result<ArrayPtr> one_string(const std::string& value, int64_t rows) {
  const auto pool = arrow::system_memory_pool();
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> codes,
                        arrow::AllocateBuffer(rows * int64_t{sizeof(int32_t)}, pool));
  std::memset(codes->mutable_data(), 0, static_cast<size_t>(codes->size()));
  ARROW_ASSIGN_OR_RAISE(const auto dictionary,
                        arrow::MakeArrayFromScalar(arrow::StringScalar(value), 1, pool));
  return std::make_shared<arrow::DictionaryArray>(
      arrow_type(event::Type::Dict), std::make_shared<arrow::Int32Array>(rows, std::move(codes)),
      dictionary);
}

}  // namespace

Result<InputFiles> InputFiles::open(const FileSystem& fs, const std::string& dir,
                                    const event::TableInfo& table,
                                    std::span<const event::DataFile> files) {
  InputFiles opened;
  for (const event::DataFile& file : files) {
    const std::string path = join_path(dir, file.path);
    ADWEAVE_ASSIGN(std::string bytes, read_file(fs, path, file.bytes));
    if (to_hex(hash128(bytes)) != file.checksum)
      return damaged_file(path, "its bytes do not have the ledger's checksum");
    try {
      auto input = open_input(table, std::move(bytes));
      if (!input.ok()) return damaged_file(path, input.status().message());
      const int groups = input->reader->parquet_reader()->metadata()->num_row_groups();
      for (int group = 0; group < groups; ++group)
        opened.pieces_.push_back({opened.inputs_.size(), group, {}});
      opened.inputs_.push_back(*std::move(input));
    } catch (const parquet::ParquetException& e) {
      return damaged_file(path, e.what());
    }
  }
  return opened;
}

arrow::Result<InputFiles::Input> InputFiles::open_input(const event::TableInfo& table,
                                                        std::string file) {
  Input input;
  input.bytes = arrow::Buffer::FromString(std::move(file));
  parquet::arrow::FileReaderBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Open(std::make_shared<arrow::io::BufferReader>(input.bytes)));
  parquet::ArrowReaderProperties properties;
  const auto* columns = builder.raw_reader()->metadata()->schema();
  for (const event::ColumnInfo& column : table.columns) {
    const int index = columns->ColumnIndex(std::string(column.name));
    if (index >= 0 && column.type == event::Type::Dict) properties.set_read_dictionary(index, true);
  }
  ARROW_ASSIGN_OR_RAISE(
      input.reader,
      builder.properties(properties)->memory_pool(arrow::system_memory_pool())->Build());
  return input;
}

int64_t InputFiles::rows(size_t piece) const {
  const Piece& at = pieces_[piece];
  return inputs_[at.file].reader->parquet_reader()->metadata()->RowGroup(at.group)->num_rows();
}

arrow::Result<ArrayPtr> InputFiles::read(size_t piece, const event::ColumnInfo& column) {
  Piece& at = pieces_[piece];
  const auto& metadata = *inputs_[at.file].reader->parquet_reader()->metadata();
  const int index = metadata.schema()->ColumnIndex(std::string(column.name));
  if (index < 0 || has_no_value(*metadata.RowGroup(at.group)->ColumnChunk(index)))
    return ArrayPtr();
  ARROW_ASSIGN_OR_RAISE(ArrayPtr array, read_chunk(at, index, column.type));
  if (!array->type()->Equals(arrow_type(column.type)))
    return arrow::Status::Invalid("column ", column.name, " is ", array->type()->ToString());
  return array;
}

arrow::Result<ArrayPtr> InputFiles::read_chunk(Piece& piece, int index, event::Type type) {
  const Input& input = inputs_[piece.file];
  const auto group = input.reader->parquet_reader()->RowGroup(piece.group);
  const auto chunk = group->metadata()->ColumnChunk(index);
  if (type == event::Type::Dict && says_one_value(*chunk))
    return one_string(chunk->encoded_statistics()->min(), chunk->num_values());
  if (type != event::Type::Dict && is_text_chunk(*chunk))
    return read_texts(*input.bytes, piece.last, *group, index, type);
  std::shared_ptr<arrow::ChunkedArray> read;
  ARROW_RETURN_NOT_OK(input.reader->RowGroup(piece.group)->Column(index)->Read(&read));
  if (read->num_chunks() == 1) return read->chunk(0);
  return arrow::Concatenate(read->chunks(), arrow::system_memory_pool());
}

// Texts with the bytes of the column before, as those of user and person, are read once.
arrow::Result<ArrayPtr> InputFiles::read_texts(const arrow::Buffer& file, Texts& last,
                                               parquet::RowGroupReader& group, int index,
                                               event::Type type) {
  const auto chunk = group.metadata()->ColumnChunk(index);
  const std::string_view bytes =
      std::string_view(file).substr(static_cast<size_t>(chunk->data_page_offset()),
                                    static_cast<size_t>(chunk->total_compressed_size()));
  const bool nullable = group.metadata()->schema()->Column(index)->max_definition_level() > 0;
  if (last.chunk == bytes && last.nullable == nullable && last.type == type) return last.texts;
  ARROW_ASSIGN_OR_RAISE(ArrayPtr texts, read_text_chunk(group, index, arrow_type(type)));
  last = {type, bytes, nullable, texts};
  return texts;
}

}  // namespace adweave::lake
