// SPDX-License-Identifier: Apache-2.0
#include "decode/csv_scanner.h"

#include <algorithm>

namespace adweave::decode {

std::optional<CsvRecord> CsvScanner::next(std::string_view bytes, size_t begin, bool at_end) {
  CsvRecord record;
  unescaped_.clear();
  size_t at = begin;
  Step step = Step::field;
  while (step == Step::field) {
    const bool quoted = at < bytes.size() && bytes[at] == quote_;
    step =
        quoted ? quoted_field(bytes, at, at_end, record) : plain_field(bytes, at, at_end, record);
  }
  if (step == Step::more) return std::nullopt;
  if (step == Step::broken) {
    const size_t line_end = bytes.find('\n', begin);
    if (line_end == std::string_view::npos && !at_end) return std::nullopt;
    at = std::min(line_end, bytes.size() - 1) + 1;
    record.problem = problem_;
    record.fields.clear();
  }
  record.end = at;
  std::string_view text = bytes.substr(begin, at - begin);
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  record.length = text.size();
  return record;
}

// `at` stands after a field's last byte: on a delimiter, a line end or the end of the text.
CsvScanner::Step CsvScanner::after_field(std::string_view bytes, size_t& at, bool at_end) const {
  if (at == bytes.size()) return at_end ? Step::record : Step::more;
  if (bytes[at] == delimiter_) return ++at, Step::field;
  if (bytes[at] == '\n') return ++at, Step::record;
  if (bytes[at] == '\r') {
    if (at + 1 == bytes.size()) return at_end ? (++at, Step::record) : Step::more;
    if (bytes[at + 1] == '\n') return at += 2, Step::record;
  }
  return Step::broken;
}

CsvScanner::Step CsvScanner::quoted_field(std::string_view bytes, size_t& at, bool at_end,
                                          CsvRecord& record) {
  const size_t begin = ++at;
  bool doubled = false;
  while (true) {
    const size_t quote = bytes.find(quote_, at);
    const bool open = quote == std::string_view::npos || quote - begin > bytes_max_;
    if (open && !at_end && bytes.size() - begin <= bytes_max_) return Step::more;
    if (open) return problem_ = "a quote is not closed", Step::broken;
    at = quote + 1;
    if (at == bytes.size() && !at_end) return Step::more;
    if (at == bytes.size() || bytes[at] != quote_) break;
    doubled = true;
    ++at;
  }
  std::string_view field = bytes.substr(begin, at - 1 - begin);
  if (doubled) {
    std::string& text = unescaped_.emplace_back();
    for (size_t i = 0; i < field.size(); ++i) {
      text += field[i];
      if (field[i] == quote_) ++i;
    }
    field = text;
  }
  record.fields.push_back(field);
  const Step step = after_field(bytes, at, at_end);
  if (step == Step::broken) problem_ = "text after a closing quote";
  return step;
}

CsvScanner::Step CsvScanner::plain_field(std::string_view bytes, size_t& at, bool at_end,
                                         CsvRecord& record) {
  const size_t begin = at;
  while (at < bytes.size() && bytes[at] != delimiter_ && bytes[at] != '\n' && bytes[at] != quote_)
    ++at;
  if (at < bytes.size() && bytes[at] == quote_) {
    problem_ = "a quote inside an unquoted field";
    return Step::broken;
  }
  size_t end = at;
  if (end > begin && bytes[end - 1] == '\r' && (at == bytes.size() || bytes[at] == '\n')) --end;
  record.fields.push_back(bytes.substr(begin, end - begin));
  return after_field(bytes, at, at_end);
}

}  // namespace adweave::decode
