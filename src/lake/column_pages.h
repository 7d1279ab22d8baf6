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
#include <parquet/column_page.h>
#include <parquet/column_writer.h>
#include <parquet/metadata.h>

#include "event/schema.h"
#include "lake/column_values.h"
#include "lake/encodings.h"

namespace adweave::lake {

// Keeps its memory from column to column.
class ColumnPages {
 public:
  // Writes the column's pages and closes `pages`; its statistics go to `metadata`, ids to `filter`
  // where there is one. `values` may be taken. Returns the bytes before compression. Throws
  // ParquetException.
  int64_t write(event::Type type, ColumnValues& values, parquet::PageWriter& pages,
                parquet::ColumnChunkMetaDataBuilder& metadata, parquet::BloomFilter* filter);

 private:
  struct Chunk;

  // The last ids that were written, and how: the person is the user where nothing is known to link
  // users, and the same pages are written again then.
  struct KeptIds {
    bool nullable = false;  // pages have levels then
    std::vector<uint8_t> present;
    std::vector<std::string_view> texts;
    std::vector<std::shared_ptr<const void>> held;  // what they point into
    std::vector<uint64_t> hashes;
    std::vector<parquet::DataPageV1> pages;
    parquet::EncodedStatistics statistics;
    parquet::SizeStatistics sizes;
  };

  template <class Values>
  int64_t write_pages(const Chunk& chunk, Values&& values, KeptIds* keep = nullptr);
  int64_t write_again(const Chunk& chunk, const KeptIds& ids);
  template <class Value>
  int64_t write_coded(const Chunk& chunk, std::span<const int32_t> codes,
                      std::span<const Value> dictionary);
  int64_t write_dict(const Chunk& chunk);
  int64_t write_texts(const Chunk& chunk, KeptIds* keep);
  int64_t write_ids(const Chunk& chunk, parquet::BloomFilter* filter);
  int64_t write_ints(const Chunk& chunk, std::span<const int64_t> ints);
  std::shared_ptr<arrow::Buffer> compressed(parquet::PageWriter& pages);

  bool has_dictionary_ = false;
  TextEncoder texts_;
  std::string page_;
  std::shared_ptr<arrow::ResizableBuffer> compressed_;
  std::vector<int32_t> codes_;
  std::vector<std::string_view> views_;
  KeptIds ids_;
};

}  // namespace adweave::lake
