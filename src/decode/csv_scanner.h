// SPDX-License-Identifier: Apache-2.0
// Splits CSV text into records and fields (RFC 4180 and its dialects): quoted fields may hold
// delimiters, line ends and quotes, doubled or escaped. A record ends at LF, CR LF or CR alone.
//
// A record with broken quoting ends at its first line end, so that it loses only itself: text
// after a closing quote, or a quote that is not closed within the record limit. A quote inside an
// unquoted field stands for itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "decode/byte_search.h"
#include "decode/made_texts.h"
#include "decode/spec.h"

namespace adweave::decode {

struct CsvRecord {
  size_t end = 0;                        // offset just after the record and its line end
  size_t length = 0;                     // bytes without the line end
  bool comment = false;                  // no record but a comment
  std::vector<std::string_view> fields;  // unquoted; valid until the next record is read
  std::optional<std::string> problem;    // broken quoting, too many fields
};

// Names for the columns of a header row, without blanks around them: one without a name is `column`
// and its number from 0, one whose name another has had is that name with _1, _2, ...
std::vector<std::string> column_names(const std::vector<std::string_view>& header);

class CsvScanner {
 public:
  CsvScanner(const CsvDialect& dialect, int64_t record_bytes_max);

  // The record that begins at `begin`, until the next is read; null when its end is not within
  // `bytes` and more may come.
  CsvRecord* next(std::string_view bytes, size_t begin, bool at_end);

  // The first row after the lines to skip, and comments and blank lines: the names of the columns.
  // Null: not within `bytes`. Without a header row its end is the end of the skipped lines and its
  // fields are empty.
  CsvRecord* header(std::string_view bytes, size_t begin, bool at_end);

 private:
  enum class Step { field, record, more, broken };
  bool is_comment(std::string_view bytes, size_t begin) const;
  bool skip_line(std::string_view bytes, size_t begin, bool at_end);
  Step quoted_field(std::string_view bytes, size_t& at, bool at_end, ByteMarks& marks);
  Step plain_field(std::string_view bytes, size_t& at, bool at_end, ByteMarks& marks);
  Step after_field(std::string_view bytes, size_t& at, bool at_end) const;
  Step unclosed(std::string_view bytes, size_t begin, bool at_end);
  std::string_view unescaped(std::string_view field);

  CsvDialect dialect_;
  size_t bytes_max_;
  ByteMarks::Bytes marks_;
  CsvRecord record_;
  MadeTexts unescaped_;
};

}  // namespace adweave::decode
