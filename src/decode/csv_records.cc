// SPDX-License-Identifier: Apache-2.0
#include "decode/csv_records.h"

#include <algorithm>

#include "base/limits.h"

namespace adweave::decode {

CsvRecords::CsvRecords(const CsvDialect& dialect, int64_t record_bytes_max, std::string_view bytes)
    : bytes_(bytes),
      scanner_(dialect, record_bytes_max),
      by_marks_(CsvMarks::serve(dialect)),
      marks_(dialect, CsvMarks::Of::fields, bytes),
      quote_(dialect.quote.value_or('"')),
      quoting_(dialect.quote.has_value()),
      bytes_max_(static_cast<size_t>(record_bytes_max)) {}

CsvRecord* CsvRecords::next(size_t begin) {
  if (by_marks_ && next_regular(begin)) return &record_;
  CsvRecord* record = scanner_.next(bytes_, begin, true);
  if (by_marks_) marks_.restart(record->end);
  return record;
}

// False when the record is not regular, or over a limit.
bool CsvRecords::next_regular(size_t begin) {
  record_.fields.clear();
  unescaped_.clear();
  for (size_t field = begin;;) {
    const size_t at = marks_.next();
    if (at == CsvMarks::kNone) return false;
    const char* const text = bytes_.data();
    const bool ends = is_line_end(text[at]);
    const bool two = text[at] == '\n' && at > field && text[at - 1] == '\r';
    const std::string_view value(text + field, at - two - field);
    const bool quoted = text[field] == quote_ && quoting_;
    record_.fields.push_back(quoted ? unquoted(value) : value);
    field = at + 1;
    if (!ends) continue;
    record_.end = field;
    record_.length = at - two - begin;
    return record_.end - begin <= bytes_max_ &&
           record_.fields.size() <= static_cast<size_t>(limits::kCsvFieldsMax);
  }
}

std::string_view CsvRecords::unquoted(std::string_view field) {
  const auto offset = static_cast<size_t>(field.data() - bytes_.data());
  field.remove_prefix(1);
  field.remove_suffix(1);
  if (!marks_.may_have_doubled(offset) || !has_byte(field, quote_)) return field;
  std::string& text = unescaped_.add();
  for (size_t i = 0; i < field.size(); ++i) {
    if (field[i] == quote_) ++i;
    text += field[i];
  }
  return text;
}

std::optional<size_t> find_csv_cut(const CsvDialect& dialect, int64_t record_bytes_max,
                                   std::string_view bytes, size_t target, bool at_end) {
  CsvScanner scanner(dialect, record_bytes_max);
  CsvMarks marks(dialect, CsvMarks::Of::records, bytes);
  const bool by_marks = CsvMarks::serve(dialect);
  // A record of at most this length is not over a limit, and one over it ends at its first line
  // end.
  const size_t length_max =
      static_cast<size_t>(std::min(record_bytes_max, int64_t{limits::kCsvFieldsMax}));
  size_t at = 0;
  while (at < bytes.size()) {
    while (by_marks) {
      const size_t mark = marks.next();
      if (mark == CsvMarks::kNone) break;
      if (mark + 1 - at > length_max && marks.may_have_quoted_line_end(at)) break;
      at = mark + 1;
      if (at >= target) return at;
    }
    if (at == bytes.size()) break;
    const CsvRecord* record = scanner.next(bytes, at, at_end);
    if (record == nullptr) return std::nullopt;
    at = record->end;
    if (at >= target) return at;
    marks.restart(at);
  }
  return at_end ? std::optional(at) : std::nullopt;
}

}  // namespace adweave::decode
