// SPDX-License-Identifier: Apache-2.0
#include "lake/merge_files.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <optional>
#include <vector>

#include <arrow/api.h>
#include <parquet/exception.h>

#include "event/schema.h"
#include "lake/column_values.h"
#include "lake/input_files.h"
#include "lake/parquet_file.h"

namespace adweave::lake {

namespace {

using event::ColumnInfo;
using event::TableInfo;
using ArrayPtr = std::shared_ptr<arrow::Array>;

// A row of the inputs.
struct RowPlace {
  uint32_t piece = 0;
  uint32_t row = 0;  // within it
};

// A column of some pieces, by their number: no array where a piece has no value.
class InputColumn {
 public:
  explicit InputColumn(event::Type type, size_t pieces) : type_(type), pieces_(pieces) {}

  void add(size_t piece, const ArrayPtr& array) {
    has_nulls_ |= array == nullptr || array->null_count() > 0;
    is_all_null_ &= array == nullptr;
    pieces_[piece] = array.get();
  }

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
      const auto* array = static_cast<const Array*>(pieces_[rows[i].piece]);
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
  std::vector<const arrow::Array*> pieces_;
  bool has_nulls_ = false;
  bool is_all_null_ = true;  // half the columns of most feeds
};

struct TimedRow {
  int64_t time = 0;
  RowPlace place;
};

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

// The rows of the inputs in the order of the merged file. A column of a piece is read when the
// first row group that needs it is written, and let go of after the last, so that little more than
// one row group's worth of rows is in memory: 226 MB in place of 271 for a day of three row groups.
class MergedRows {
 public:
  MergedRows(const TableInfo& table, InputFiles& inputs)
      : table_(table),
        inputs_(inputs),
        arrays_(table.columns.size(), std::vector<std::optional<ArrayPtr>>(inputs.pieces())),
        ends_(inputs.pieces()) {}

  int64_t size() const { return static_cast<int64_t>(order_.size()); }

  arrow::Status arrange(MergedPlace place) {
    std::vector<TimedRow> rows;
    ARROW_ASSIGN_OR_RAISE(rows, rows_in_order_of_files(place == MergedPlace::sealed));
    if (place == MergedPlace::sealed) sort_by_time(rows);
    order_.reserve(rows.size());
    for (const TimedRow& row : rows) {
      order_.push_back(row.place);
      ends_[row.place.piece] = size();
    }
    return arrow::Status::OK();
  }

  arrow::Status gather(size_t column, int64_t begin, int64_t end, ColumnValues& values) {
    if (begin != begin_) begin_group(begin, end);
    InputColumn input(table_.columns[column].type, inputs_.pieces());
    for (const size_t piece : needed_) {
      ARROW_ASSIGN_OR_RAISE(const ArrayPtr array, read(piece, column));
      input.add(piece, array);
      values.held.push_back(array);
    }
    input.gather(rows(begin, end), values);
    for (const size_t piece : needed_) {
      if (ends_[piece] <= end) arrays_[column][piece].reset();
    }
    return arrow::Status::OK();
  }

 private:
  std::span<const RowPlace> rows(int64_t begin, int64_t end) const {
    return std::span(order_).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  }

  arrow::Result<std::vector<TimedRow>> rows_in_order_of_files(bool with_times) {
    const auto time = std::find_if(table_.columns.begin(), table_.columns.end(),
                                   [&](const auto& c) { return c.name == table_.time_column; });
    std::vector<TimedRow> rows;
    int64_t count_all = 0;
    for (size_t piece = 0; piece < inputs_.pieces(); ++piece) count_all += inputs_.rows(piece);
    rows.reserve(static_cast<size_t>(count_all));
    for (size_t piece = 0; piece < inputs_.pieces(); ++piece) {
      const arrow::TimestampArray* times = nullptr;
      if (with_times) {
        ARROW_ASSIGN_OR_RAISE(const ArrayPtr array,
                              read(piece, static_cast<size_t>(time - table_.columns.begin())));
        times = static_cast<const arrow::TimestampArray*>(array.get());
      }
      const auto count = static_cast<uint32_t>(inputs_.rows(piece));
      for (uint32_t row = 0; row < count; ++row) {
        rows.push_back(
            {times == nullptr ? 0 : times->Value(row), {static_cast<uint32_t>(piece), row}});
      }
    }
    return rows;
  }

  arrow::Result<ArrayPtr> read(size_t piece, size_t column) {
    std::optional<ArrayPtr>& array = arrays_[column][piece];
    if (!array) {
      ARROW_ASSIGN_OR_RAISE(array, inputs_.read(piece, table_.columns[column]));
    }
    return *array;
  }

  void begin_group(int64_t begin, int64_t end) {
    for (const size_t piece : needed_) {
      if (ends_[piece] <= begin) inputs_.forget(piece);
    }
    begin_ = begin;
    std::vector<bool> is_needed(inputs_.pieces());
    for (const RowPlace& row : rows(begin, end)) is_needed[row.piece] = true;
    needed_.clear();
    for (size_t piece = 0; piece < is_needed.size(); ++piece) {
      if (is_needed[piece]) needed_.push_back(piece);
    }
  }

  const TableInfo& table_;
  InputFiles& inputs_;
  std::vector<RowPlace> order_;
  std::vector<std::vector<std::optional<ArrayPtr>>> arrays_;  // by column and piece
  std::vector<int64_t> ends_;  // of each piece: behind its last row in the order

  int64_t begin_ = -1;          // of the row group that is being written
  std::vector<size_t> needed_;  // pieces with rows in it, ascending
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
  ADWEAVE_ASSIGN(InputFiles inputs, InputFiles::open(fs, options.dir, *table, files));
  MergedRows rows(*table, inputs);
  const arrow::Status arranged = [&] {
    try {
      return rows.arrange(place);
    } catch (const parquet::ParquetException& e) {
      return arrow::Status::Invalid(e.what());
    }
  }();
  if (!arranged.ok()) return Error{ErrorCode::internal, merged.path + ": " + arranged.message()};
  const Gather gather = [&](size_t column, int64_t begin, int64_t end, ColumnValues& values) {
    if (options.stop != nullptr && *options.stop) return arrow::Status::Cancelled("is to stop");
    return rows.gather(column, begin, end, values);
  };
  const Status written =
      write_parquet_file(fs, options, place == MergedPlace::sealed, rows.size(), gather, merged);
  if (!written) {
    if (written.error().code != ErrorCode::exists)
      static_cast<void>(fs.unlink(join_path(options.dir, merged.path)));
    const bool is_given_up = options.stop != nullptr && *options.stop;
    return is_given_up ? Error{ErrorCode::io, merged.path + ": given up"} : written.error();
  }
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
