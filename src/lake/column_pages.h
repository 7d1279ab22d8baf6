// SPDX-License-Identifier: Apache-2.0
// The pages of a column in a row group: how values are encoded is decided by what they are.
//
//   Dict                a dictionary; PLAIN when it would be large
//   Time, Int, Money    a dictionary when few differ; else DELTA_BINARY_PACKED, or PLAIN when the
//                       differences are as wide as the values
//   Str, Id, Bytes      DELTA_BYTE_ARRAY when neighbours begin alike, else DELTA_LENGTH_BYTE_ARRAY
//   all others          PLAIN
//
// Each page has its statistics; nulls are in its definition levels. Inside lake/ only.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <arrow/buffer.h>
#include <parquet/bloom_filter.h>
#include <parquet/column_writer.h>
#include <parquet/metadata.h>

#include "event/schema.h"
#include "lake/column_values.h"
#include "lake/encodings.h"

namespace adweave::lake {

// Keeps its memory from column to column.
class ColumnPages {
 public:
  // Writes the column's pages and closes `pages`; its statistics go to `metadata`, its values to
  // `filter` where there is one. Returns the bytes before compression. Throws ParquetException.
  int64_t write(event::Type type, const ColumnValues& values, parquet::PageWriter& pages,
                parquet::ColumnChunkMetaDataBuilder& metadata, parquet::BloomFilter* filter);

 private:
  struct Chunk;

  template <class Values>
  int64_t write_pages(const Chunk& chunk, Values&& values);
  template <class Value>
  int64_t write_coded(const Chunk& chunk, std::span<const int32_t> codes,
                      std::span<const Value> dictionary);
  int64_t write_dict(const Chunk& chunk);
  int64_t write_texts(const Chunk& chunk, std::span<const std::string_view> texts);
  int64_t write_ints(const Chunk& chunk, std::span<const int64_t> ints);
  std::shared_ptr<arrow::Buffer> compressed(parquet::PageWriter& pages);

  bool has_dictionary_ = false;
  TextEncoder texts_;
  std::string page_;
  std::shared_ptr<arrow::ResizableBuffer> compressed_;
  std::vector<int32_t> codes_;
  std::vector<std::string_view> views_;
  std::vector<uint64_t> hashes_;
};

}  // namespace adweave::lake
