// SPDX-License-Identifier: Apache-2.0
#include "lake/merge_files.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <vector>

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/statistics.h>

#include "base/hash.h"
#include "event/schema.h"
#include "lake/column_values.h"
#include "lake/file_streams.h"
#include "lake/parquet_file.h"
#include "lake/parquet_writer.h"
#include "lake/text_chunk.h"

namespace adweave::lake {

namespace {

using event::ColumnInfo;
using event::TableInfo;
using ArrayPtr = std::shared_ptr<arrow::Array>;

// A row of the inputs.
struct RowPlace {
  uint32_t piece = 0;  // a row group of a file
  uint32_t row = 0;    // within it
};

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

// A column of a table in all pieces of its files: no array where a piece has no value.
class InputColumn {
 public:
  InputColumn(event::Type type, std::vector<ArrayPtr> pieces)
      : type_(type), pieces_(std::move(pieces)) {
    const auto has_null = [](const ArrayPtr& piece) { return !piece || piece->null_count() > 0; };
    const auto is_absent = [](const ArrayPtr& piece) { return !piece; };
    has_nulls_ = std::any_of(pieces_.begin(), pieces_.end(), has_null);
    is_all_null_ = std::all_of(pieces_.begin(), pieces_.end(), is_absent);
  }

  const std::vector<ArrayPtr>& pieces() const { return pieces_; }

  // Fills in the empty `values`.
  void gather(std::span<const RowPlace> rows, ColumnValues& values) const {
    if (is_all_null_) return values.add_presence(rows.size(), false);
    const auto view = [](const auto& array, int64_t row) { return array.GetView(row); };
    const auto value = [](const auto& array, int64_t row) { return array.Value(row); };
    switch (type_) {
      case event::Type::Str:
      case event::Type::Id:
      case event::Type::Bytes:
        return gather_as<arrow::BinaryArray>(rows, values, values.texts, view);
      case event::Type::Time:
        return gather_as<arrow::TimestampArray>(rows, values, values.ints, value);
      case event::Type::Int:
        return gather_as<arrow::Int64Array>(rows, values, values.ints, value);
      case event::Type::Float:
        return gather_as<arrow::DoubleArray>(rows, values, values.floats, value);
      case event::Type::Money:
        return gather_as<arrow::Decimal128Array>(rows, values, values.ints,
                                                 [](const auto& array, int64_t row) {
                                                   return static_cast<int64_t>(wide_at(array, row));
                                                 });
      case event::Type::WideMoney:
        return gather_as<arrow::Decimal128Array>(rows, values, values.wide, wide_at);
      case event::Type::Bool:
        return gather_as<arrow::BooleanArray>(
            rows, values, values.bools, [](const auto& array, int64_t row) {
              return static_cast<uint8_t>(array.Value(row) ? 1 : 0);
            });
      case event::Type::Dict:
        return gather_codes(rows, values);
    }
  }

 private:
  static Int128 wide_at(const arrow::Decimal128Array& array, int64_t row) {
    Int128 value = 0;
    std::memcpy(&value, array.GetValue(row), sizeof(value));
    return value;
  }

  // Puts into `into`, which is empty, what get(array, place) gives for the rows that have a value.
  template <class Array, class Value, class Get>
  void gather_places(std::span<const RowPlace> rows, ColumnValues& values, std::vector<Value>& into,
                     Get get) const {
    values.present.assign(rows.size(), 1);
    into.resize(rows.size());
    size_t count = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto* array = static_cast<const Array*>(pieces_[rows[i].piece].get());
      if (has_nulls_ && (array == nullptr || array->IsNull(rows[i].row))) {
        values.present[i] = 0;
      } else {
        into[count++] = get(*array, rows[i]);
      }
    }
    into.resize(count);
    values.nulls = static_cast<int64_t>(rows.size() - count);
  }

  template <class Array, class Value, class Get>
  void gather_as(std::span<const RowPlace> rows, ColumnValues& values, std::vector<Value>& into,
                 Get get) const {
    gather_places<Array>(rows, values, into,
                         [&](const Array& array, RowPlace place) { return get(array, place.row); });
  }

  void gather_codes(std::span<const RowPlace> rows, ColumnValues& values) const {
    struct Piece {
      const int32_t* codes = nullptr;
      std::vector<int32_t> new_codes;  // by old code
    };
    std::vector<Piece> pieces(pieces_.size());
    for (size_t i = 0; i < pieces_.size(); ++i) {
      if (pieces_[i] == nullptr) continue;
      const auto& array = static_cast<const arrow::DictionaryArray&>(*pieces_[i]);
      pieces[i].codes = static_cast<const arrow::Int32Array&>(*array.indices()).raw_values();
      pieces[i].new_codes.assign(static_cast<size_t>(array.dictionary()->length()), -1);
    }
    gather_places<arrow::DictionaryArray>(
        rows, values, values.codes, [&](const arrow::DictionaryArray& array, RowPlace place) {
          Piece& piece = pieces[place.piece];
          const int32_t old_code = piece.codes[place.row];
          int32_t& code = piece.new_codes[static_cast<size_t>(old_code)];
          if (code < 0) {
            const auto& texts = static_cast<const arrow::BinaryArray&>(*array.dictionary());
            code = values.dictionary.code_of(texts.GetView(old_code));
          }
          return code;
        });
  }

  event::Type type_;
  std::vector<ArrayPtr> pieces_;
  bool has_nulls_ = false;
  bool is_all_null_ = false;  // half the columns of most feeds
};

// Files of a table, open to be read column by column.
class Inputs {
 public:
  Inputs(const TableInfo& table, std::span<const event::DataFile> files)
      : table_(table), files_(files) {}

  // Reads the files and compares them with what their commits said: damage must not be copied into
  // a new file with a checksum that fits.
  Status open(const FileSystem& fs, const std::string& dir) {
    for (const event::DataFile& file : files_) {
      const std::string path = join_path(dir, file.path);
      ADWEAVE_ASSIGN(std::string bytes, read_file(fs, path, file.bytes));
      if (to_hex(hash128(bytes)) != file.checksum)
        return damaged_file(path, "its bytes do not have the ledger's checksum");
      try {
        auto input = open_input(std::move(bytes));
        if (!input.ok()) return damaged_file(path, input.status().message());
        inputs_.push_back(*std::move(input));
      } catch (const parquet::ParquetException& e) {
        return damaged_file(path, e.what());
      }
    }
    return {};
  }

  arrow::Result<InputColumn> column(const ColumnInfo& info) {
    std::vector<ArrayPtr> pieces;
    for (Input& input : inputs_) {
      const auto& metadata = *input.reader->parquet_reader()->metadata();
      const int index = metadata.schema()->ColumnIndex(std::string(info.name));
      input.last_texts.resize(static_cast<size_t>(metadata.num_row_groups()));
      for (int group = 0; group < metadata.num_row_groups(); ++group) {
        pieces.emplace_back();
        if (index < 0 || has_no_value(*metadata.RowGroup(group)->ColumnChunk(index))) continue;
        ARROW_ASSIGN_OR_RAISE(pieces.back(), read_piece(input, group, index, info.type));
        if (!pieces.back()->type()->Equals(arrow_type(info.type))) {
          return arrow::Status::Invalid("column ", info.name, " is ",
                                        pieces.back()->type()->ToString());
        }
      }
    }
    return InputColumn(info.type, std::move(pieces));
  }

 private:
  struct Texts {
    event::Type type = event::Type::Id;
    std::string_view chunk;  // as in the file
    bool nullable = false;
    ArrayPtr texts;
  };
  struct Input {
    std::shared_ptr<arrow::Buffer> bytes;
    std::unique_ptr<parquet::arrow::FileReader> reader;
    std::vector<Texts> last_texts;  // of each row group
  };

  // A column that says one string in all rows is not read: its statistics have it.
  static arrow::Result<ArrayPtr> one_string(const std::string& value, int64_t rows) {
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

  // Texts with the bytes of the column before, as those of user and person, are read once.
  static arrow::Result<ArrayPtr> read_texts(const arrow::Buffer& file, Texts& last,
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

  static arrow::Result<ArrayPtr> read_piece(Input& input, int group, int index, event::Type type) {
    const auto row_group = input.reader->parquet_reader()->RowGroup(group);
    const auto chunk = row_group->metadata()->ColumnChunk(index);
    if (type == event::Type::Dict && says_one_value(*chunk))
      return one_string(chunk->encoded_statistics()->min(), chunk->num_values());
    if (type != event::Type::Dict && is_text_chunk(*chunk))
      return read_texts(*input.bytes, input.last_texts[static_cast<size_t>(group)], *row_group,
                        index, type);
    std::shared_ptr<arrow::ChunkedArray> read;
    ARROW_RETURN_NOT_OK(input.reader->RowGroup(group)->Column(index)->Read(&read));
    if (read->num_chunks() == 1) return read->chunk(0);
    return arrow::Concatenate(read->chunks(), arrow::system_memory_pool());
  }

  arrow::Result<Input> open_input(std::string file) const {
    Input input;
    input.bytes = arrow::Buffer::FromString(std::move(file));
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(std::make_shared<arrow::io::BufferReader>(input.bytes)));
    parquet::ArrowReaderProperties properties;
    const auto* columns = builder.raw_reader()->metadata()->schema();
    for (const ColumnInfo& column : table_.columns) {
      const int index = columns->ColumnIndex(std::string(column.name));
      if (index >= 0 && column.type == event::Type::Dict)
        properties.set_read_dictionary(index, true);
    }
    ARROW_ASSIGN_OR_RAISE(
        input.reader,
        builder.properties(properties)->memory_pool(arrow::system_memory_pool())->Build());
    return input;
  }

  const TableInfo& table_;
  std::span<const event::DataFile> files_;
  std::vector<Input> inputs_;
};

struct TimedRow {
  int64_t time = 0;
  RowPlace place;
};

// All rows in the order of the files.
std::vector<TimedRow> rows_of(const InputColumn& times) {
  std::vector<TimedRow> rows;
  size_t count = 0;
  for (const ArrayPtr& piece : times.pieces())
    count += piece ? static_cast<size_t>(piece->length()) : 0;
  rows.reserve(count);
  for (size_t i = 0; i < times.pieces().size(); ++i) {
    if (times.pieces()[i] == nullptr) continue;
    const auto& array = static_cast<const arrow::TimestampArray&>(*times.pieces()[i]);
    for (int64_t row = 0; row < array.length(); ++row)
      rows.push_back({array.Value(row), {static_cast<uint32_t>(i), static_cast<uint32_t>(row)}});
  }
  return rows;
}

bool is_earlier(const TimedRow& a, const TimedRow& b) {
  return a.time < b.time;
}

// Rows of the same time stay in their order.
void sort_share(std::span<TimedRow> rows) {
  constexpr size_t kFew = 32;
  if (rows.size() > kFew) return std::stable_sort(rows.begin(), rows.end(), is_earlier);
  for (size_t i = 1; i < rows.size(); ++i) {
    const TimedRow row = rows[i];
    size_t to = i;
    for (; to > 0 && is_earlier(row, rows[to - 1]); --to) rows[to] = rows[to - 1];
    rows[to] = row;
  }
}

// A day's rows are spread over it, so that each share of the range has but few of them to sort: 3 %
// of a seal where sorting all at once took 7.
void sort_by_time(std::vector<TimedRow>& rows) {
  if (rows.empty()) return;
  const auto [first, last] = std::minmax_element(rows.begin(), rows.end(), is_earlier);
  const auto begin = static_cast<uint64_t>(first->time);
  const uint64_t range = static_cast<uint64_t>(last->time) - begin;
  constexpr size_t kRowsInShare = 8;
  const auto shift = std::bit_width(range / (rows.size() / kRowsInShare + 1));
  const auto share_of = [&](const TimedRow& row) {
    return static_cast<size_t>((static_cast<uint64_t>(row.time) - begin) >> shift);
  };
  std::vector<size_t> ends(static_cast<size_t>(range >> shift) + 2);  // of each share; its begin
  for (const TimedRow& row : rows) ++ends[share_of(row) + 1];         // until it is full
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<TimedRow> sorted(rows.size());
  for (const TimedRow& row : rows) sorted[ends[share_of(row)]++] = row;
  size_t from = 0;
  for (const size_t to : ends) {
    sort_share(std::span(sorted).subspan(from, to - from));
    from = to;
  }
  rows.swap(sorted);
}

// The columns of the inputs and the order in which their rows go into the merged file.
struct MergedRows {
  std::vector<InputColumn> columns;
  std::vector<RowPlace> order;

  arrow::Status read(const TableInfo& table, Inputs& inputs, MergedPlace place) {
    std::vector<TimedRow> rows;
    for (const ColumnInfo& column : table.columns) {
      ARROW_ASSIGN_OR_RAISE(InputColumn read, inputs.column(column));
      if (column.name == table.time_column) rows = rows_of(read);
      columns.push_back(std::move(read));
    }
    if (place == MergedPlace::sealed) sort_by_time(rows);
    order.reserve(rows.size());
    for (const TimedRow& row : rows) order.push_back(row.place);
    return arrow::Status::OK();
  }

  Gather gather() const {
    return [this](size_t column, int64_t begin, int64_t end, ColumnValues& values) {
      const auto count = static_cast<size_t>(end - begin);
      columns[column].gather(std::span(order).subspan(static_cast<size_t>(begin), count), values);
      return arrow::Status::OK();
    };
  }
};

// What the merged file says of itself before its rows are written.
event::DataFile describe(const WriteOptions& options, MergedPlace place,
                         std::span<const event::DataFile> files, int64_t n) {
  event::DataFile merged = files.front();
  for (const event::DataFile& file : files) {
    merged.first_commit = std::min(merged.first_commit, file.first_commit);
    merged.commit = std::max(merged.commit, file.commit);
    merged.time_min = std::min(merged.time_min, file.time_min);
    merged.time_max = std::max(merged.time_max, file.time_max);
  }
  merged.path = event::file_path(merged.table, merged.date, place == MergedPlace::sealed,
                                 options.epoch, options.commit, n);
  return merged;
}

}  // namespace

Result<event::DataFile> merge_files(FileSystem& fs, const WriteOptions& options, MergedPlace place,
                                    std::span<const event::DataFile> files, int64_t n) {
  CHECK(!files.empty());
  const TableInfo* table = event::find_table(files.front().table);
  CHECK(table != nullptr);
  event::DataFile merged = describe(options, place, files, n);
  Inputs inputs(*table, files);
  ADWEAVE_TRY(inputs.open(fs, options.dir));
  MergedRows rows;
  const arrow::Status read = [&] {
    try {
      return rows.read(*table, inputs, place);
    } catch (const parquet::ParquetException& e) {
      return arrow::Status::Invalid(e.what());
    }
  }();
  if (!read.ok()) return Error{ErrorCode::internal, merged.path + ": " + read.message()};
  ADWEAVE_TRY(write_parquet_file(fs, options, place == MergedPlace::sealed,
                                 static_cast<int64_t>(rows.order.size()), rows.gather(), merged));
  int64_t expected = 0;
  for (const event::DataFile& file : files) expected += file.rows;
  CHECK(merged.rows == expected);
  return merged;
}

Result<event::DataFile> link_sealed(FileSystem& fs, const WriteOptions& options,
                                    const event::DataFile& file, int64_t n) {
  event::DataFile sealed = describe(options, MergedPlace::sealed, {&file, 1}, n);
  const std::string path = join_path(options.dir, sealed.path);
  ADWEAVE_TRY(make_dirs(fs, parent_path(path)));
  ADWEAVE_TRY(fs.link(join_path(options.dir, file.path), path));
  ADWEAVE_TRY(fs.sync_dir(parent_path(path)));
  return sealed;
}

}  // namespace adweave::lake
