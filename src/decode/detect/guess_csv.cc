// SPDX-License-Identifier: Apache-2.0
// The dialect by which most rows have the same number of fields.
#include <algorithm>
#include <charconv>
#include <map>

#include "base/limits.h"
#include "base/time.h"
#include "decode/csv_scanner.h"
#include "decode/detect/detect.h"
#include "decode/json_check.h"
#include "decode/time_form.h"

namespace adweave::decode {

namespace {

constexpr size_t kRowsMax = 2000;                 // looked at for each dialect
constexpr size_t kBytesMax = size_t{256} * 1024;  // likewise
constexpr double kOneColumn = 0.5;                // worth of a dialect that splits nothing
constexpr double kTableSure = 0.95;
constexpr double kBrokenRow = 2;  // weight of a row with broken quoting among odd ones

using Row = std::vector<std::string>;

// How a dialect reads the sample.
struct Reading {
  CsvDialect dialect;
  size_t rows = 0;    // from the first of the common width on
  size_t width = 0;   // fields that most rows have
  size_t quoted = 0;  // fields in quotes
  size_t broken = 0;  // rows with broken quoting
  double share = 0;   // of the rows that have it, in 0 to 1

  double score() const { return share * (width > 1 ? 1 : kOneColumn); }
};

size_t count_quoted(std::string_view record, const CsvDialect& dialect) {
  if (!dialect.quote) return 0;
  size_t count = 0;
  for (size_t i = 0; i < record.size(); ++i) {
    const bool at_begin = i == 0 || record[i - 1] == dialect.delimiter;
    if (at_begin && record[i] == *dialect.quote) ++count;
  }
  return count;
}

// Lines before an offset; CR LF, LF and CR each end one.
int lines_before(std::string_view text, size_t offset) {
  int lines = 0;
  for (size_t i = 0; i < offset; ++i) {
    const bool pair = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (text[i] == '\n' || (text[i] == '\r' && !pair)) ++lines;
  }
  return lines;
}

struct ScannedRow {
  size_t begin = 0;
  size_t width = 0;  // 0: broken quoting
};

// The width that most rows have; of equals the larger.
size_t common_width(const std::vector<ScannedRow>& rows) {
  std::map<size_t, size_t> counts;
  for (const ScannedRow& row : rows) ++counts[row.width];
  counts.erase(0);
  size_t width = 0;
  size_t most = 0;
  for (const auto& [candidate, count] : counts) {
    if (count >= most) width = candidate, most = count;
  }
  return width;
}

Reading read_with(std::string_view text, bool whole, const CsvDialect& dialect) {
  Reading reading;
  reading.dialect = dialect;
  CsvScanner scanner(dialect, limits::kEventBytesMax);
  std::vector<ScannedRow> rows;
  for (size_t begin = 0; begin < text.size() && rows.size() < kRowsMax;) {
    const auto record = scanner.next(text, begin, whole);
    if (!record) break;
    const size_t at = begin;
    begin = record->end;
    if (record->comment || record->length == 0) continue;
    if (record->problem) ++reading.broken;
    rows.push_back({at, record->problem ? 0 : record->fields.size()});
    reading.quoted += count_quoted(text.substr(at, record->length), dialect);
  }
  reading.width = common_width(rows);
  const auto first = std::find_if(
      rows.begin(), rows.end(), [&](const ScannedRow& row) { return row.width == reading.width; });
  if (first == rows.end()) return reading;
  if (first != rows.begin() && reading.width > 1)
    reading.dialect.skip = lines_before(text, first->begin);
  double good = 0;
  double bad = 0;
  for (auto row = first; row != rows.end(); ++row) {
    if (row->width == reading.width) ++good;
    if (row->width != reading.width) bad += row->width == 0 ? kBrokenRow : 1;
  }
  bad += static_cast<double>(first - rows.begin()) / 2;
  reading.rows = static_cast<size_t>(rows.end() - first);
  reading.share = good / (good + bad);
  return reading;
}

// Whether `a` explains the sample better; of equals the one that was tried first stays.
bool better(const Reading& a, const Reading& b) {
  if (a.score() != b.score()) return a.score() > b.score();
  if (a.width != b.width) return a.width > b.width;
  return a.quoted > b.quoted;
}

std::vector<CsvDialect> dialects(std::string_view text) {
  std::vector<std::optional<char>> comments = {std::nullopt};
  for (const std::string_view begin : {"\n#", "\n #"}) {
    const bool at_begin = text.starts_with(begin.substr(1));
    if ((at_begin || text.find(begin) != std::string_view::npos) && comments.size() == 1)
      comments.push_back('#');
  }
  std::vector<std::pair<char, std::optional<char>>> quotes = {{'"', std::nullopt}};
  if (text.find("\\\"") != std::string_view::npos) quotes.push_back({'"', '\\'});
  if (text.find('\'') != std::string_view::npos) quotes.push_back({'\'', std::nullopt});
  if (text.find("\\'") != std::string_view::npos) quotes.push_back({'\'', '\\'});
  std::vector<CsvDialect> all;
  for (const char delimiter : {',', '|', ';', '\t'}) {
    for (const auto& [quote, escape] : quotes) {
      for (const auto& comment : comments) {
        CsvDialect dialect;
        dialect.delimiter = delimiter;
        dialect.quote = quote;
        dialect.escape = escape;
        dialect.comment = comment;
        all.push_back(dialect);
      }
    }
  }
  return all;
}

// What a cell holds, as far as it tells a header from values.
enum class CellKind { empty, number, time, boolean, text };

CellKind cell_of(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.empty()) return CellKind::empty;
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return CellKind::number;
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  if (lower == "true" || lower == "false") return CellKind::boolean;
  const bool digits = text.find_first_not_of("0123456789-/.: TZ+") == std::string_view::npos;
  const auto marks = std::count_if(text.begin(), text.end(), [](char c) {
    return c == '-' || c == '/' || c == ':' || c == '.';
  });
  return digits && marks >= 2 ? CellKind::time : CellKind::text;
}

// The first row is a header when some column's other rows hold what its first does not, when all is
// text and every column has a name, or when it has no values at all.
bool has_header(const std::vector<Row>& rows) {
  bool all_text = true;
  bool all_named = true;
  bool none_named = rows.size() > 1;
  for (size_t column = 0; column < rows[0].size(); ++column) {
    const CellKind first = cell_of(rows[0][column]);
    CellKind rest = CellKind::empty;
    for (size_t i = 1; i < rows.size(); ++i) {
      const CellKind cell = cell_of(rows[i][column]);
      if (cell == CellKind::empty) continue;
      rest = rest == CellKind::empty || rest == cell ? cell : CellKind::text;
    }
    const bool empty_below = rest == CellKind::empty && rows.size() > 1 && rows[0].size() > 1;
    if (first == CellKind::text && rest != CellKind::text &&
        (rest != CellKind::empty || empty_below))
      return true;
    none_named = none_named && first == CellKind::empty;
    all_text =
        all_text && (rest == CellKind::text || rest == CellKind::empty) && first == CellKind::text;
    all_named = all_named && first != CellKind::empty;
  }
  return none_named || (all_text && all_named);
}

// Rows of the common width, unquoted.
std::vector<Row> read_rows(std::string_view text, bool whole, const Reading& reading) {
  CsvScanner scanner(reading.dialect, limits::kEventBytesMax);
  std::vector<Row> rows;
  size_t begin = 0;
  for (int line = 0; line < reading.dialect.skip; ++line) {
    const size_t end = text.find_first_of("\r\n", begin);
    begin = end + (text.substr(end, 2) == "\r\n" ? 2 : 1);
  }
  while (begin < text.size() && rows.size() < kRowsMax) {
    const auto record = scanner.next(text, begin, whole);
    if (!record) break;
    begin = record->end;
    if (record->fields.size() == reading.width && !record->comment && record->length > 0)
      rows.emplace_back(record->fields.begin(), record->fields.end());
  }
  return rows;
}

}  // namespace

CsvGuess guess_csv(std::string_view text, bool whole) {
  whole = whole && text.size() <= kBytesMax;
  text = text.substr(0, kBytesMax);
  const std::vector<CsvDialect> candidates = dialects(text);
  Reading best = read_with(text, whole, candidates.front());
  for (size_t i = 1; i < candidates.size(); ++i) {
    const Reading reading = read_with(text, whole, candidates[i]);
    if (better(reading, best)) best = reading;
  }
  // Quotes that never fit are no quotes.
  if (best.broken > 0 && best.quoted <= best.broken) {
    CsvDialect unquoted = best.dialect;
    unquoted.quote = unquoted.escape = std::nullopt;
    unquoted.skip = 0;
    const Reading reading = read_with(text, whole, unquoted);
    if (better(reading, best)) best = reading;
  }
  CsvGuess guess{best.dialect, best.score() * kTableSure};
  const std::vector<Row> rows = best.rows > 0 ? read_rows(text, whole, best) : std::vector<Row>();
  guess.dialect.header = !rows.empty() && has_header(rows);
  if (!guess.dialect.header) {
    for (size_t i = 0; i < std::max<size_t>(best.width, 1); ++i)
      guess.dialect.columns.push_back("column" + std::to_string(i));
  }
  return guess;
}

}  // namespace adweave::decode
