// SPDX-License-Identifier: Apache-2.0
#include "decode/csv_scanner.h"

#include <algorithm>
#include <set>

#include "base/limits.h"
#include "decode/byte_search.h"
#include "decode/csv_marks.h"

namespace adweave::decode {

namespace {

// Offset after the line end at `at`; null when a line feed may still follow.
std::optional<size_t> after_line_end(std::string_view bytes, size_t at, bool at_end) {
  if (bytes[at] == '\n') return at + 1;
  if (at + 1 == bytes.size()) return at_end ? std::optional(at + 1) : std::nullopt;
  return at + (bytes[at + 1] == '\n' ? 2 : 1);
}

std::string_view without_blanks(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

}  // namespace

std::vector<std::string> column_names(const std::vector<std::string_view>& header) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (size_t i = 0; i < header.size(); ++i) {
    const std::string_view text = without_blanks(header[i]);
    const std::string name = text.empty() ? "column" + std::to_string(i) : std::string(text);
    std::string unique = name;
    for (int n = 1; !taken.insert(unique).second; ++n) unique = name + "_" + std::to_string(n);
    names.push_back(std::move(unique));
  }
  return names;
}

CsvScanner::CsvScanner(const CsvDialect& dialect, int64_t record_bytes_max)
    : dialect_(dialect), bytes_max_(static_cast<size_t>(record_bytes_max)) {
  const char quote = dialect.quote.value_or('\n');
  marks_ = {dialect.delimiter, quote, dialect.escape.value_or(quote)};
}

// `at` stands after a field's last byte: on a delimiter, a line end or the end of the text.
inline CsvScanner::Step CsvScanner::after_field(std::string_view bytes, size_t& at,
                                                bool at_end) const {
  if (at == bytes.size()) return at_end ? Step::record : Step::more;
  if (bytes[at] == dialect_.delimiter) return ++at, Step::field;
  if (!is_line_end(bytes[at])) return Step::broken;
  const std::optional<size_t> after = after_line_end(bytes, at, at_end);
  if (!after) return Step::more;
  at = *after;
  return Step::record;
}

// The quote at `at` opens the field, and its mark has been taken.
CsvScanner::Step CsvScanner::quoted_field(std::string_view bytes, size_t& at, bool at_end,
                                          ByteMarks& marks) {
  const char quote = *dialect_.quote;
  const char escape = dialect_.escape.value_or(quote);
  const size_t begin = ++at;
  bool escaped = false;
  while (true) {
    const size_t stop = marks.next();
    if (stop == bytes.size() || stop - begin > bytes_max_) return unclosed(bytes, begin, at_end);
    // An escaped byte is at `at` - 1 when it is a mark.
    if (stop < at || (bytes[stop] != quote && bytes[stop] != escape)) continue;
    at = stop + 1;
    if (at == bytes.size() && !at_end) return Step::more;
    const bool escapes =
        bytes[stop] == escape && at < bytes.size() && (escape != quote || bytes[at] == quote);
    if (!escapes && bytes[stop] == quote) break;
    escaped = true;
    if (escapes) ++at;
  }
  const std::string_view field = bytes.substr(begin, at - 1 - begin);
  record_.fields.push_back(escaped ? unescaped(field) : field);
  const Step step = marks.next() == at ? after_field(bytes, at, at_end) : Step::broken;
  if (step == Step::broken) record_.problem = "text after a closing quote";
  return step;
}

CsvScanner::Step CsvScanner::unclosed(std::string_view bytes, size_t begin, bool at_end) {
  if (!at_end && bytes.size() - begin <= bytes_max_) return Step::more;
  record_.problem = "a quote is not closed";
  return Step::broken;
}

// What follows an escape stands for itself.
std::string_view CsvScanner::unescaped(std::string_view field) {
  const char escape = dialect_.escape.value_or(*dialect_.quote);
  std::string& text = unescaped_.add();
  for (size_t i = 0; i < field.size(); ++i) {
    if (field[i] == escape && i + 1 < field.size()) ++i;
    text += field[i];
  }
  return text;
}

// A quote inside stands for itself: 37'37.8"N.
inline CsvScanner::Step CsvScanner::plain_field(std::string_view bytes, size_t& at, bool at_end,
                                                ByteMarks& marks) {
  const size_t begin = at;
  do {
    at = marks.next();
  } while (at < bytes.size() && bytes[at] != dialect_.delimiter && !is_line_end(bytes[at]));
  record_.fields.push_back(bytes.substr(begin, at - begin));
  return after_field(bytes, at, at_end);
}

CsvRecord* CsvScanner::next(std::string_view bytes, size_t begin, bool at_end) {
  record_.fields.clear();
  record_.problem.reset();
  record_.comment = is_comment(bytes, begin);
  if (record_.comment) return skip_line(bytes, begin, at_end) ? &record_ : nullptr;
  unescaped_.clear();
  ByteMarks marks(bytes, begin, marks_);
  size_t at = begin;
  Step step = Step::field;
  while (step == Step::field) {
    const bool quoted = dialect_.quote && at < bytes.size() && bytes[at] == *dialect_.quote;
    if (quoted) marks.next();
    step = quoted ? quoted_field(bytes, at, at_end, marks) : plain_field(bytes, at, at_end, marks);
    if (record_.fields.size() > static_cast<size_t>(limits::kCsvFieldsMax)) {
      record_.problem = "more than " + std::to_string(limits::kCsvFieldsMax) + " fields";
      step = Step::broken;
    }
  }
  if (step == Step::more) return nullptr;
  if (step == Step::broken) {
    record_.fields.clear();
    return skip_line(bytes, begin, at_end) ? &record_ : nullptr;
  }
  record_.end = at;
  std::string_view text = bytes.substr(begin, at - begin);
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  record_.length = text.size();
  return &record_;
}

CsvRecord* CsvScanner::header(std::string_view bytes, size_t begin, bool at_end) {
  record_ = {};
  record_.end = begin;
  for (int i = 0; i < dialect_.skip; ++i) {
    if (!skip_line(bytes, record_.end, at_end)) return nullptr;
  }
  if (!dialect_.header) return &record_;
  while (record_.end < bytes.size()) {
    if (next(bytes, record_.end, at_end) == nullptr) return nullptr;
    if (!record_.comment && record_.length > 0) return &record_;
  }
  if (!at_end) return nullptr;
  record_.fields.clear();
  return &record_;
}

// Blanks before the comment's sign do not matter.
bool CsvScanner::is_comment(std::string_view bytes, size_t begin) const {
  if (!dialect_.comment) return false;
  const size_t first = bytes.find_first_not_of(' ', begin);
  return first != std::string_view::npos && bytes[first] == *dialect_.comment;
}

// The rest of a line as it stands; false when its end is not known.
bool CsvScanner::skip_line(std::string_view bytes, size_t begin, bool at_end) {
  const size_t end = ByteSearch('\n', '\r', '\r').find(bytes, begin);
  if (end == bytes.size() && !at_end) return false;
  const std::optional<size_t> after =
      end == bytes.size() ? end : after_line_end(bytes, end, at_end);
  if (!after) return false;
  record_.end = *after;
  record_.length = end - begin;
  return true;
}

}  // namespace adweave::decode
