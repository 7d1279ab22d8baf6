// SPDX-License-Identifier: Apache-2.0
#include "lake/column_pages.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include <arrow/memory_pool.h>
#include <parquet/column_page.h>

#include "base/limits.h"
#include "lake/page_values.h"

namespace adweave::lake {

namespace {

// Definition levels: 1 for a value, 0 for a null, behind their length.
void put_levels(std::span<const uint8_t> present, size_t nulls, std::string& out) {
  const size_t length_at = out.size();
  out.append(sizeof(uint32_t), '\0');
  if (nulls == 0 || nulls == present.size()) {
    put_hybrid_run(nulls == 0 ? 1 : 0, static_cast<int64_t>(present.size()), out);
  } else {
    put_hybrid(present, 1, out);
  }
  const auto length = static_cast<uint32_t>(out.size() - length_at - sizeof(uint32_t));
  std::memcpy(out.data() + length_at, &length, sizeof(length));
}

}  // namespace

// A column that is being written, and where to.
struct ColumnPages::Chunk {
  ColumnValues& values;
  parquet::PageWriter& pages;
  parquet::ColumnChunkMetaDataBuilder& metadata;
  const parquet::ColumnDescriptor& column;

  bool nullable() const { return column.max_definition_level() > 0; }

  template <class Value>
  parquet::EncodedStatistics statistics(const Facts<Value>& facts, int64_t rows,
                                        int64_t nulls) const {
    parquet::EncodedStatistics statistics;
    statistics.set_null_count(nulls);
    statistics.all_null_value = nulls == rows;
    if (facts.any) {
      statistics.set_min(plain(facts.least)).set_max(plain(facts.greatest));
      statistics.is_min_value_exact = true;
      statistics.is_max_value_exact = true;
    }
    statistics.set_is_signed(column.sort_order() == parquet::SortOrder::SIGNED);
    statistics.ApplyStatSizeLimits(parquet::DEFAULT_MAX_STATISTICS_SIZE);
    return statistics;
  }

  parquet::SizeStatistics sizes(int64_t text_bytes, int64_t rows, int64_t nulls) const {
    parquet::SizeStatistics sizes = *parquet::SizeStatistics::Make(&column);
    if (nullable()) {
      sizes.definition_level_histogram[0] = nulls;
      sizes.definition_level_histogram[1] = rows - nulls;
    }
    if (column.physical_type() == parquet::Type::BYTE_ARRAY)
      sizes.IncrementUnencodedByteArrayDataBytes(text_bytes);
    return sizes;
  }
};

std::shared_ptr<arrow::Buffer> ColumnPages::compressed(parquet::PageWriter& pages) {
  const auto page = std::make_shared<arrow::Buffer>(page_);
  if (!pages.has_compressor()) return page;
  if (compressed_ == nullptr) compressed_ = parquet::AllocateBuffer(arrow::system_memory_pool(), 0);
  pages.Compress(*page, compressed_.get());
  return compressed_;
}

template <class Values>
int64_t ColumnPages::write_pages(const Chunk& chunk, Values&& values, KeptIds* keep) {
  const std::span<const uint8_t> present(chunk.values.present);
  decltype(values.facts(0, 0)) all;
  int64_t written = 0;
  size_t value = 0;
  for (size_t row = 0; row < present.size();) {
    size_t row_end = std::min(present.size(), row + static_cast<size_t>(limits::kPageRows));
    const auto in_rows = [&](size_t end) {
      if (chunk.values.nulls == 0) return end - row;
      if (chunk.values.nulls == chunk.values.rows()) return size_t{0};
      return static_cast<size_t>(std::count(present.begin() + static_cast<std::ptrdiff_t>(row),
                                            present.begin() + static_cast<std::ptrdiff_t>(end), 1));
    };
    size_t value_end = value + in_rows(row_end);
    for (const size_t fit = values.fitting(value, value_end); value_end > fit;)
      value_end -= present[--row_end];

    const auto rows = static_cast<int64_t>(row_end - row);
    const auto nulls = rows - static_cast<int64_t>(value_end - value);
    page_.clear();
    if (chunk.nullable())
      put_levels(present.subspan(row, row_end - row), static_cast<size_t>(nulls), page_);
    // A page without a value has no bytes but the levels, whatever the others are.
    if (value_end > value) values.put(value, value_end, page_);
    const auto facts = values.facts(value, value_end);
    auto bytes = compressed(chunk.pages);
    if (keep) bytes = arrow::Buffer::FromString(bytes->ToString());
    parquet::DataPageV1 page(bytes, static_cast<int32_t>(rows),
                             value_end > value ? values.encoding() : Encoding::PLAIN, Encoding::RLE,
                             Encoding::RLE, static_cast<int64_t>(page_.size()),
                             chunk.statistics(facts, rows, nulls), static_cast<int64_t>(row),
                             chunk.sizes(facts.text_bytes, rows, nulls));
    written += chunk.pages.WriteDataPage(page);
    if (keep) keep->pages.push_back(std::move(page));
    all.add(facts);
    row = row_end;
    value = value_end;
  }
  const int64_t rows = chunk.values.rows();
  const auto statistics = chunk.statistics(all, rows, chunk.values.nulls);
  const auto sizes = chunk.sizes(all.text_bytes, rows, chunk.values.nulls);
  chunk.metadata.SetStatistics(statistics);
  chunk.metadata.SetSizeStatistics(sizes);
  if (keep) {
    keep->statistics = statistics;
    keep->sizes = sizes;
  }
  return written;
}

int64_t ColumnPages::write_again(const Chunk& chunk, const KeptIds& ids) {
  int64_t written = 0;
  for (const parquet::DataPageV1& page : ids.pages) written += chunk.pages.WriteDataPage(page);
  chunk.metadata.SetStatistics(ids.statistics);
  chunk.metadata.SetSizeStatistics(ids.sizes);
  return written;
}

template <class Value>
int64_t ColumnPages::write_coded(const Chunk& chunk, std::span<const int32_t> codes,
                                 std::span<const Value> dictionary) {
  has_dictionary_ = true;
  std::string entries;
  for (const Value& value : dictionary) put_plain(value, entries);
  const int64_t written =
      chunk.pages.WriteDictionaryPage({std::make_shared<arrow::Buffer>(entries),
                                       static_cast<int32_t>(dictionary.size()), Encoding::PLAIN});
  return written + write_pages(chunk, CodedValues<Value>(codes, dictionary));
}

int64_t ColumnPages::write_dict(const Chunk& chunk) {
  const event::Dictionary& dictionary = chunk.values.dictionary;
  views_.clear();
  if (static_cast<int64_t>(dictionary.values().bytes().size()) <= limits::kDictionaryBytesMax) {
    for (int32_t code = 0; code < dictionary.size(); ++code) views_.push_back(dictionary[code]);
    return write_coded<std::string_view>(chunk, chunk.values.codes, views_);
  }
  for (const int32_t code : chunk.values.codes) views_.push_back(dictionary[code]);
  return write_pages(chunk, TextValues(views_, Encoding::PLAIN, texts_));
}

int64_t ColumnPages::write_texts(const Chunk& chunk, KeptIds* keep) {
  const std::span<const std::string_view> texts(chunk.values.texts);
  const auto encoding =
      begin_alike(texts) ? Encoding::DELTA_BYTE_ARRAY : Encoding::DELTA_LENGTH_BYTE_ARRAY;
  return write_pages(chunk, TextValues(texts, encoding, texts_), keep);
}

int64_t ColumnPages::write_ids(const Chunk& chunk, parquet::BloomFilter* filter) {
  ColumnValues& values = chunk.values;
  const bool again = chunk.nullable() == ids_.nullable && values.present == ids_.present &&
                     values.texts == ids_.texts;
  if (filter != nullptr) {
    if (!again || ids_.hashes.empty()) {
      ids_.hashes.clear();
      for (const std::string_view text : values.texts) ids_.hashes.push_back(filter->Hash(text));
    }
    filter->InsertHashes(ids_.hashes.data(), static_cast<int>(ids_.hashes.size()));
  }
  if (again) return write_again(chunk, ids_);
  ids_.nullable = chunk.nullable();
  ids_.pages.clear();
  const int64_t written = write_texts(chunk, &ids_);
  ids_.present.swap(values.present);
  ids_.texts.swap(values.texts);
  ids_.held.swap(values.held);
  return written;
}

int64_t ColumnPages::write_ints(const Chunk& chunk, std::span<const int64_t> ints) {
  IntDictionary dictionary;
  if (dictionary.code_all(ints, codes_))
    return write_coded<int64_t>(chunk, codes_, dictionary.values());
  return write_pages(chunk, IntValues(ints));
}

int64_t ColumnPages::write(event::Type type, ColumnValues& values, parquet::PageWriter& pages,
                           parquet::ColumnChunkMetaDataBuilder& metadata,
                           parquet::BloomFilter* filter) {
  const Chunk chunk{values, pages, metadata, *metadata.descr()};
  const auto write_values = [&]() -> int64_t {
    if (values.nulls == values.rows())
      return write_pages(chunk, PlainValues(std::span<const int64_t>()));
    switch (type) {
      case event::Type::Dict:
        return write_dict(chunk);
      case event::Type::Id:
        return write_ids(chunk, filter);
      case event::Type::Str:
      case event::Type::Bytes:
        return write_texts(chunk, nullptr);
      case event::Type::Time:
      case event::Type::Int:
      case event::Type::Money:
        return write_ints(chunk, values.ints);
      case event::Type::WideMoney:
        return write_pages(chunk, PlainValues<Int128>(values.wide));
      case event::Type::Float:
        return write_pages(chunk, PlainValues<double>(values.floats));
      case event::Type::Bool:
        return write_pages(chunk, BoolValues(values.bools));
    }
    return 0;
  };
  has_dictionary_ = false;
  const int64_t written = write_values();
  pages.Close(has_dictionary_, false);
  return written;
}

}  // namespace adweave::lake
