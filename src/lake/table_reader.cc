// SPDX-License-Identifier: Apache-2.0
#include "lake/table_reader.h"

#include <arrow/api.h>
#include <arrow/util/decimal.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include "lake/file_streams.h"

namespace adweave::lake {

namespace {

using TableResult = arrow::Result<std::shared_ptr<arrow::Table>>;

TableResult read_arrow(const std::shared_ptr<arrow::io::RandomAccessFile>& input,
                       std::span<const std::string> names) {
  ARROW_ASSIGN_OR_RAISE(const auto reader,
                        parquet::arrow::OpenFile(input, arrow::default_memory_pool()));
  if (names.empty()) return reader->ReadTable();
  const auto* schema = reader->parquet_reader()->metadata()->schema();
  std::vector<int> columns;
  for (const std::string& name : names) columns.push_back(schema->ColumnIndex(name));
  return reader->ReadTable(columns);
}

Result<std::shared_ptr<arrow::Table>> read_table(const FileSystem& fs, const std::string& dir,
                                                 const event::DataFile& file,
                                                 std::span<const std::string> names) {
  const std::string path = join_path(dir, file.path);
  ADWEAVE_ASSIGN(std::unique_ptr<File> opened, fs.open(path));
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
  try {
    TableResult table =
        read_arrow(std::make_shared<InputFile>(std::move(opened), info.size), names);
    if (table.ok()) return *std::move(table);
    return Error{ErrorCode::corrupt, path + ": " + table.status().message(),
                 "run adweave verify; restore the file from a backup"};
  } catch (const parquet::ParquetException& e) {
    return Error{ErrorCode::corrupt, path + ": " + e.what(),
                 "run adweave verify; restore the file from a backup"};
  }
}

template <class Array, class Column, class Convert>
void copy(const arrow::ChunkedArray& chunks, Column& column, Convert convert) {
  int64_t row = 0;
  for (const auto& chunk : chunks.chunks()) {
    const auto& array = static_cast<const Array&>(*chunk);
    for (int64_t i = 0; i < array.length(); ++i, ++row) {
      if (!array.IsNull(i)) column.put(row, convert(array, i));
    }
  }
}

constexpr auto kView = [](const auto& array, int64_t i) { return array.GetView(i); };
constexpr auto kValue = [](const auto& array, int64_t i) { return array.Value(i); };

void fill(const arrow::ChunkedArray& chunks, event::StrColumn& column) {
  copy<arrow::StringArray>(chunks, column, kView);
}
void fill(const arrow::ChunkedArray& chunks, event::BytesColumn& column) {
  copy<arrow::BinaryArray>(chunks, column, kView);
}
void fill(const arrow::ChunkedArray& chunks, event::IdColumn& column) {
  copy<arrow::StringArray>(chunks, column, kView);
}
void fill(const arrow::ChunkedArray& chunks, event::DictColumn& column) {
  copy<arrow::StringArray>(chunks, column, kView);
}
void fill(const arrow::ChunkedArray& chunks, event::TimeColumn& column) {
  copy<arrow::TimestampArray>(chunks, column, kValue);
}
void fill(const arrow::ChunkedArray& chunks, event::IntColumn& column) {
  copy<arrow::Int64Array>(chunks, column, kValue);
}
void fill(const arrow::ChunkedArray& chunks, event::FloatColumn& column) {
  copy<arrow::DoubleArray>(chunks, column, kValue);
}
void fill(const arrow::ChunkedArray& chunks, event::BoolColumn& column) {
  copy<arrow::BooleanArray>(chunks, column, [](const auto& array, int64_t i) {
    return static_cast<uint8_t>(array.Value(i) ? 1 : 0);
  });
}
void fill(const arrow::ChunkedArray& chunks, event::MoneyColumn& column) {
  copy<arrow::Decimal128Array>(chunks, column, [](const auto& array, int64_t i) {
    return static_cast<int64_t>(arrow::Decimal128(array.GetValue(i)).low_bits());
  });
}
void fill(const arrow::ChunkedArray& chunks, event::WideMoneyColumn& column) {
  copy<arrow::Decimal128Array>(chunks, column, [](const auto& array, int64_t i) {
    const arrow::Decimal128 value(array.GetValue(i));
    return (static_cast<Int128>(value.high_bits()) << 64) | static_cast<Int128>(value.low_bits());
  });
}

// Copies one column when the file has it and it is of the type that the schema says.
template <class Column>
void fill_named(const arrow::Table& table, std::string_view name, Column& column) {
  const auto chunks = table.GetColumnByName(std::string(name));
  if (chunks) fill(*chunks, column);
}

template <class Rows>
void fill_rows(const arrow::Table& table, Rows& rows);

#define ADWEAVE_FILL(name, type, id, required, description) fill_named(table, #name, rows.name);
#define ADWEAVE_FILL_ROWS(Rows, FIELDS, table_name, time)        \
  template <>                                                    \
  void fill_rows(const arrow::Table& table, event::Rows& rows) { \
    rows.rows = table.num_rows();                                \
    FIELDS(ADWEAVE_FILL)                                         \
  }
ADWEAVE_OTHER_TABLES(ADWEAVE_FILL_ROWS)

}  // namespace

Result<event::Batch> read_events(const FileSystem& fs, const std::string& dir,
                                 const event::DataFile& file,
                                 std::span<const event::Field> fields) {
  const event::TableInfo* info = event::find_table(file.table);
  CHECK(info != nullptr && info->kind);
  std::vector<std::string> names;
  for (const event::Field field : fields) {
    if (event::info(field).in(*info->kind)) names.emplace_back(event::info(field).name);
  }
  ADWEAVE_ASSIGN(const std::shared_ptr<arrow::Table> table, read_table(fs, dir, file, names));
  event::Batch batch(*info->kind);
  batch.rows = table->num_rows();
  event::for_each_column(batch, [&](const event::FieldInfo& field, auto& column) {
    fill_named(*table, field.name, column);
  });
  return batch;
}

template <class Rows>
Result<Rows> read_rows(const FileSystem& fs, const std::string& dir, const event::DataFile& file) {
  ADWEAVE_ASSIGN(const std::shared_ptr<arrow::Table> table, read_table(fs, dir, file, {}));
  Rows rows;
  fill_rows(*table, rows);
  return rows;
}

#define ADWEAVE_INSTANTIATE(Rows, FIELDS, table_name, time)                                  \
  template Result<event::Rows> read_rows<event::Rows>(const FileSystem&, const std::string&, \
                                                      const event::DataFile&);
ADWEAVE_OTHER_TABLES(ADWEAVE_INSTANTIATE)

}  // namespace adweave::lake
