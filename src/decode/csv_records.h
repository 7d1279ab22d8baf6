// SPDX-License-Identifier: Apache-2.0
// The records of CSV text, and where it is cut: as CsvScanner reads them, but found by CsvMarks
// where quoting is regular: the cutter takes two fifths of the instructions. Inside decode/ only.
#pragma once

#include <optional>
#include <string_view>

#include "decode/csv_marks.h"
#include "decode/csv_scanner.h"

namespace adweave::decode {

// Of a slice, which ends with a record.
class CsvRecords {
 public:
  CsvRecords(const CsvDialect& dialect, int64_t record_bytes_max, std::string_view bytes);

  // The record that begins at `begin`, where the one before ends, until the next is read.
  CsvRecord* next(size_t begin);

 private:
  bool next_regular(size_t begin);
  std::string_view unquoted(std::string_view field);

  std::string_view bytes_;
  CsvScanner scanner_;
  bool by_marks_;
  CsvMarks marks_;
  char quote_;
  bool quoting_;
  size_t bytes_max_;
  CsvRecord record_;
  MadeTexts unescaped_;
};

// End of the first record that ends at or after `target`; null when it is not within `bytes`, or
// all of them at their end.
std::optional<size_t> find_csv_cut(const CsvDialect& dialect, int64_t record_bytes_max,
                                   std::string_view bytes, size_t target, bool at_end);

}  // namespace adweave::decode
