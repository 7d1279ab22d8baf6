// SPDX-License-Identifier: Apache-2.0
#include "lake/table_reader.h"

#include <algorithm>
#include <vector>

#include <arrow/api.h>
#include <arrow/util/decimal.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include "lake/file_streams.h"

namespace adweave::lake {

namespace {

using TableResult = arrow::Result<std::shared_ptr<arrow::Table>>;

// An open file; its pages are checked against their CRCs.
class ArrowFile {
 public:
  // `names`: the columns to read, those that the file has; all of them when empty.
  static arrow::Result<ArrowFile> open(const std::shared_ptr<arrow::io::RandomAccessFile>& input,
                                       std::span<const std::string> names) {
    parquet::ReaderProperties checked;
    checked.set_page_checksum_verification(true);
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(input, checked));
    ArrowFile file;
    ARROW_ASSIGN_OR_RAISE(file.reader_, builder.Build());
    const auto* schema = file.reader_->parquet_reader()->metadata()->schema();
    for (int i = 0; i < schema->num_columns(); ++i) {
      const bool wanted =
          std::find(names.begin(), names.end(), schema->Column(i)->name()) != names.end();
      if (names.empty() || wanted) file.columns_.push_back(i);
    }
    return file;
  }

  TableResult all() { return reader_->ReadTable(columns_); }
  int groups() const { return reader_->num_row_groups(); }
  TableResult group(int index) { return reader_->ReadRowGroup(index, columns_); }

 private:
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::vector<int> columns_;
};

// Opens a file and hands it to `read`, which fails with an arrow::Status or throws what Parquet
// does.
template <class Read>
Status read_file_by(const FileSystem& fs, const std::string& dir, const event::DataFile& file,
                    std::span<const std::string> names, Read read) {
  const std::string path = join_path(dir, file.path);
  ADWEAVE_ASSIGN(std::unique_ptr<File> opened, fs.open(path));
  ADWEAVE_ASSIGN(const FileInfo info, fs.info(path));
  try {
    arrow::Result<ArrowFile> arrow_file =
        ArrowFile::open(std::make_shared<InputFile>(std::move(opened), info.size), names);
    const arrow::Status done = arrow_file.ok() ? read(*arrow_file) : arrow_file.status();
    return done.ok() ? Status() : damaged_file(path, done.message());
  } catch (const parquet::ParquetException& e) {
    return damaged_file(path, e.what());
  }
}

Result<std::shared_ptr<arrow::Table>> read_table(const FileSystem& fs, const std::string& dir,
                                                 const event::DataFile& file,
                                                 std::span<const std::string> names) {
  std::shared_ptr<arrow::Table> table;
  ADWEAVE_TRY(read_file_by(fs, dir, file, names,
                           [&](ArrowFile& arrow_file) { return arrow_file.all().Value(&table); }));
  return table;
}

// Row group by row group; what `visit` fails with ends it.
template <class Visit>
Status visit_groups(const FileSystem& fs, const std::string& dir, const event::DataFile& file,
                    std::span<const std::string> names, Visit visit) {
  Status visited;
  ADWEAVE_TRY(read_file_by(fs, dir, file, names, [&](ArrowFile& arrow_file) {
    for (int i = 0; visited && i < arrow_file.groups(); ++i) {
      ARROW_ASSIGN_OR_RAISE(const auto table, arrow_file.group(i));
      visited = visit(*table);
    }
    return arrow::Status::OK();
  }));
  return visited;
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

std::vector<std::string> names_of(std::span<const event::Field> fields) {
  std::vector<std::string> names;
  for (const event::Field field : fields) names.emplace_back(event::info(field).name);
  return names;
}

event::Batch batch_of(const event::DataFile& file, const arrow::Table& table) {
  const event::TableInfo* info = event::find_table(file.table);
  CHECK(info != nullptr && info->kind);
  event::Batch batch(*info->kind);
  batch.rows = table.num_rows();
  event::for_each_column(batch, [&](const event::FieldInfo& field, auto& column) {
    fill_named(table, field.name, column);
  });
  return batch;
}

}  // namespace

Result<event::Batch> read_events(const FileSystem& fs, const std::string& dir,
                                 const event::DataFile& file,
                                 std::span<const event::Field> fields) {
  ADWEAVE_ASSIGN(const std::shared_ptr<arrow::Table> table,
                 read_table(fs, dir, file, names_of(fields)));
  return batch_of(file, *table);
}

Status visit_events(const FileSystem& fs, const std::string& dir, const event::DataFile& file,
                    std::span<const event::Field> fields,
                    const std::function<Status(const event::Batch&)>& visit) {
  return visit_groups(fs, dir, file, names_of(fields),
                      [&](const arrow::Table& table) { return visit(batch_of(file, table)); });
}

template <class Rows>
Result<Rows> read_rows(const FileSystem& fs, const std::string& dir, const event::DataFile& file) {
  ADWEAVE_ASSIGN(const std::shared_ptr<arrow::Table> table, read_table(fs, dir, file, {}));
  Rows rows;
  fill_rows(*table, rows);
  return rows;
}

template <class Rows>
Status visit_rows(const FileSystem& fs, const std::string& dir, const event::DataFile& file,
                  const std::function<Status(const Rows&)>& visit) {
  return visit_groups(fs, dir, file, {}, [&](const arrow::Table& table) {
    Rows rows;
    fill_rows(table, rows);
    return visit(rows);
  });
}

#define ADWEAVE_INSTANTIATE(Rows, FIELDS, table_name, time)                                  \
  template Result<event::Rows> read_rows<event::Rows>(const FileSystem&, const std::string&, \
                                                      const event::DataFile&);               \
  template Status visit_rows<event::Rows>(const FileSystem&, const std::string&,             \
                                          const event::DataFile&,                            \
                                          const std::function<Status(const event::Rows&)>&);
ADWEAVE_OTHER_TABLES(ADWEAVE_INSTANTIATE)

}  // namespace adweave::lake
