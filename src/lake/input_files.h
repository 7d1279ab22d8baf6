// SPDX-License-Identifier: Apache-2.0
// Files of a table that are merged, read a column of a row group at a time. Inside lake/ only.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>
#include <parquet/arrow/reader.h>

#include "base/file_system.h"
#include "event/columns.h"
#include "event/data_file.h"
#include "event/schema.h"

namespace adweave::lake {

// A piece is a row group of one of the files; they are numbered in the order of the files.
class InputFiles {
 public:
  // Reads the files and compares them with what their commits said: damage must not be copied into
  // a new file with a checksum that fits.
  static Result<InputFiles> open(const FileSystem& fs, const std::string& dir,
                                 const event::TableInfo& table,
                                 std::span<const event::DataFile> files);

  size_t pieces() const { return pieces_.size(); }
  int64_t rows(size_t piece) const;

  // All rows of a column, Dict as dictionary codes; null when none has a value. Throws
  // ParquetException, or fails, when the file is damaged.
  arrow::Result<std::shared_ptr<arrow::Array>> read(size_t piece, const event::ColumnInfo& column);

  // Lets go of what is kept of a piece between two columns.
  void forget(size_t piece) { pieces_[piece].last = {}; }

 private:
  struct Texts {
    event::Type type = event::Type::Id;
    std::string_view chunk;  // as in the file
    bool nullable = false;
    std::shared_ptr<arrow::Array> texts;
  };
  struct Piece {
    size_t file = 0;
    int group = 0;
    Texts last;
  };
  struct Input {
    std::shared_ptr<arrow::Buffer> bytes;
    std::unique_ptr<parquet::arrow::FileReader> reader;
  };

  static arrow::Result<Input> open_input(const event::TableInfo& table, std::string file);
  static arrow::Result<std::shared_ptr<arrow::Array>> read_texts(const arrow::Buffer& file,
                                                                 Texts& last,
                                                                 parquet::RowGroupReader& group,
                                                                 int index, event::Type type);
  arrow::Result<std::shared_ptr<arrow::Array>> read_chunk(Piece& piece, int index,
                                                          event::Type type);

  std::vector<Input> inputs_;
  std::vector<Piece> pieces_;
};

}  // namespace adweave::lake
