// SPDX-License-Identifier: Apache-2.0
#include "lake/text_chunk.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/api.h>
#include <arrow/buffer_builder.h>
#include <parquet/column_page.h>
#include <parquet/column_reader.h>
#include <parquet/metadata.h>

#include "lake/encodings.h"

namespace adweave::lake {

namespace {

using parquet::Encoding;

class TextChunk {
 public:
  TextChunk(bool nullable, const parquet::ColumnChunkMetaData& chunk) : nullable_(nullable) {
    const auto size = [](int64_t number) {
      return static_cast<size_t>(std::clamp(number, int64_t{0}, int64_t{INT32_MAX}));
    };
    const auto sizes = chunk.size_statistics();
    if (sizes != nullptr && sizes->unencoded_byte_array_data_bytes)
      bytes_.reserve(size(*sizes->unencoded_byte_array_data_bytes) + kCopySlack);
    ends_.reserve(size(chunk.num_values()) + 1);
    ends_.push_back(0);
  }

  arrow::Status add(const parquet::DataPageV1& page) {
    std::string_view body(reinterpret_cast<const char*>(page.data()),
                          static_cast<size_t>(page.size()));
    const size_t first = ends_.size();
    const size_t texts =
        nullable_ ? take_levels(page, body) : static_cast<size_t>(page.num_values());
    if (texts > 0 && !take_texts(page.encoding(), body, texts))
      return arrow::Status::Invalid("a page of texts is damaged");
    if (texts < static_cast<size_t>(page.num_values())) spread(first);
    return nullable_ ? add_validity() : arrow::Status::OK();
  }

  arrow::Result<std::shared_ptr<arrow::Array>> finish(
      const std::shared_ptr<arrow::DataType>& type) {
    const auto rows = static_cast<int64_t>(ends_.size()) - 1;
    std::shared_ptr<arrow::Buffer> validity;
    if (nulls_ > 0) {
      ARROW_ASSIGN_OR_RAISE(validity, validity_.Finish());
    }
    const auto ends = arrow::Buffer::FromVector(std::move(ends_));
    const auto bytes = arrow::Buffer::FromString(std::move(bytes_));
    return arrow::MakeArray(arrow::ArrayData::Make(type, rows, {validity, ends, bytes}, nulls_));
  }

 private:
  // Returns how many rows of the page have a text.
  size_t take_levels(const parquet::DataPageV1& page, std::string_view& body) {
    const int rows = page.num_values();
    const int size = decoder_.SetData(page.definition_level_encoding(), 1, rows,
                                      reinterpret_cast<const uint8_t*>(body.data()),
                                      static_cast<int32_t>(body.size()));
    body.remove_prefix(static_cast<size_t>(size));
    levels_.assign(static_cast<size_t>(rows), 0);
    decoder_.Decode(rows, levels_.data());
    return static_cast<size_t>(std::count(levels_.begin(), levels_.end(), 1));
  }

  bool take_texts(Encoding::type encoding, std::string_view body, size_t count) {
    if (encoding == Encoding::DELTA_LENGTH_BYTE_ARRAY)
      return take_lengths_and_bytes(body, count, bytes_, ends_);
    return encoding == Encoding::DELTA_BYTE_ARRAY && take_changed_ends(body, count, bytes_, ends_);
  }

  // The ends from `first` on become those of all rows of the page: a null ends where the one before
  // does.
  void spread(size_t first) {
    size_t from = ends_.size();
    ends_.resize(first + levels_.size());
    for (size_t row = levels_.size(); row-- > 0;) {
      // `from` is behind the last end that is not in its place yet.
      ends_[first + row] = ends_[from - 1];
      if (levels_[row] != 0) --from;
    }
  }

  arrow::Status add_validity() {
    nulls_ += std::count(levels_.begin(), levels_.end(), 0);
    ARROW_RETURN_NOT_OK(validity_.Reserve(static_cast<int64_t>(levels_.size())));
    for (const int16_t level : levels_) validity_.UnsafeAppend(level != 0);
    return arrow::Status::OK();
  }

  bool nullable_;
  std::string bytes_;
  std::vector<int32_t> ends_;
  arrow::TypedBufferBuilder<bool> validity_;
  int64_t nulls_ = 0;
  parquet::LevelDecoder decoder_;
  std::vector<int16_t> levels_;  // of a page
};

}  // namespace

bool is_text_chunk(const parquet::ColumnChunkMetaData& chunk) {
  const auto& encodings = chunk.encodings();
  return chunk.type() == parquet::Type::BYTE_ARRAY &&
         std::all_of(encodings.begin(), encodings.end(), [](Encoding::type encoding) {
           // PLAIN is a page without a text.
           return encoding == Encoding::RLE || encoding == Encoding::PLAIN ||
                  encoding == Encoding::DELTA_LENGTH_BYTE_ARRAY ||
                  encoding == Encoding::DELTA_BYTE_ARRAY;
         });
}

arrow::Result<std::shared_ptr<arrow::Array>> read_text_chunk(
    parquet::RowGroupReader& group, int column, const std::shared_ptr<arrow::DataType>& type) {
  const parquet::RowGroupMetaData& metadata = *group.metadata();
  TextChunk chunk(metadata.schema()->Column(column)->max_definition_level() > 0,
                  *metadata.ColumnChunk(column));
  const auto pages = group.GetColumnPageReader(column);
  while (const auto page = pages->NextPage()) {
    if (page->type() != parquet::PageType::DATA_PAGE)
      return arrow::Status::Invalid("a page of texts is of another kind");
    ARROW_RETURN_NOT_OK(chunk.add(static_cast<const parquet::DataPageV1&>(*page)));
  }
  return chunk.finish(type);
}

}  // namespace adweave::lake
