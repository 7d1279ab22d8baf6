// SPDX-License-Identifier: Apache-2.0
#include "app/terminal/output.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace adweave::app {

namespace {

constexpr size_t kCellWidthMin = 6;

std::string cell_text(const JsonValue& value) {
  if (value.is_null()) return "";
  if (const std::string* text = value.as_string()) return *text;
  if (const double* number = value.as_double()) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.4g", *number);
    return digits;
  }
  return value.dump();
}

// Money: a decimal string with nine digits after the point.
bool is_money(std::string_view text) {
  const size_t point = text.find('.');
  return point != std::string_view::npos && text.size() - point == 10 &&
         text.find_first_not_of("-0123456789") == point &&
         text.find_first_not_of("0123456789", point + 1) == std::string_view::npos;
}

// In a table it has at most four digits after the point: nine are for programs.
std::string round_money(const std::string& money) {
  char digits[64];
  std::snprintf(digits, sizeof digits, "%.4f", std::strtod(money.c_str(), nullptr));
  std::string text = digits;
  while (text.ends_with('0') && text[text.size() - 3] != '.') text.pop_back();
  return text;
}

size_t display_width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string cut(const std::string& text, size_t width) {
  if (display_width(text) <= width) return text;
  size_t bytes = 0;
  for (size_t shown = 0; bytes < text.size(); ++bytes) {
    if ((text[bytes] & 0xC0) != 0x80 && ++shown > width - 2) break;
  }
  return text.substr(0, bytes) + "..";
}

// Numbers and money stand to the right; ids are text even when they are digits.
bool is_number(const JsonValue& value) {
  const std::string* text = value.as_string();
  return value.is_null() || value.as_int() != nullptr || value.as_double() != nullptr ||
         (text != nullptr && is_money(*text));
}

// Makes the widest columns narrower until the table fits.
void fit(std::vector<size_t>& widths, size_t available) {
  const auto total = [&] {
    size_t sum = 2 * (widths.size() - 1);
    for (const size_t width : widths) sum += width;
    return sum;
  };
  while (!widths.empty() && total() > available) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kCellWidthMin) return;
    --*widest;
  }
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

void write_table(std::ostream& out, const query::QueryResult& result, size_t width) {
  std::vector<std::vector<std::string>> cells;
  std::vector<size_t> widths;
  std::vector<bool> right(result.columns.size(), true);
  for (const std::string& column : result.columns) widths.push_back(display_width(column));
  for (const auto& row : result.rows) {
    auto& line = cells.emplace_back();
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string text = cell_text(row[i]);
      line.push_back(is_money(text) ? round_money(text) : one_line(text));
      widths[i] = std::max(widths[i], display_width(line[i]));
      right[i] = right[i] && is_number(row[i]);
    }
  }
  fit(widths, width);
  const auto write_line = [&](const std::vector<std::string>& line) {
    std::string text;
    for (size_t i = 0; i < line.size(); ++i) {
      const std::string cell = cut(line[i], widths[i]);
      const std::string space(widths[i] - std::min(widths[i], display_width(cell)), ' ');
      text += (i > 0 ? "  " : "") + (right[i] ? space + cell : cell + space);
    }
    while (text.ends_with(' ')) text.pop_back();
    out << text << '\n';
  };
  write_line(result.columns);
  std::vector<std::string> rule;
  for (const size_t w : widths) rule.emplace_back(w, '-');
  write_line(rule);
  for (const auto& line : cells) write_line(line);
}

std::string csv_cell(const JsonValue& value) {
  const std::string text = value.as_double() != nullptr ? value.dump() : cell_text(value);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted += '"';
}

void write_csv(std::ostream& out, const query::QueryResult& result) {
  const auto write_line = [&](const std::vector<JsonValue>& row) {
    for (size_t i = 0; i < row.size(); ++i) out << (i > 0 ? "," : "") << csv_cell(row[i]);
    out << '\n';
  };
  write_line({result.columns.begin(), result.columns.end()});
  for (const auto& row : result.rows) write_line(row);
}

std::string row_json(const query::QueryResult& result, const std::vector<JsonValue>& row) {
  JsonValue::Object object;
  for (size_t i = 0; i < row.size(); ++i) object.emplace_back(result.columns[i], row[i]);
  return JsonValue(std::move(object)).dump();
}

}  // namespace

std::optional<OutputFormat> parse_output(std::string_view name) {
  if (name == "table") return OutputFormat::table;
  if (name == "json") return OutputFormat::json;
  if (name == "ndjson") return OutputFormat::ndjson;
  if (name == "csv") return OutputFormat::csv;
  return std::nullopt;
}

void write_result(std::ostream& out, const query::QueryResult& result, OutputFormat format,
                  int width) {
  switch (format) {
    case OutputFormat::table:
      return write_table(out, result, static_cast<size_t>(width));
    case OutputFormat::csv:
      return write_csv(out, result);
    case OutputFormat::ndjson:
      for (const auto& row : result.rows) out << row_json(result, row) << '\n';
      return;
    case OutputFormat::json:
      out << '[';
      for (size_t i = 0; i < result.rows.size(); ++i)
        out << (i > 0 ? ",\n " : "") << row_json(result, result.rows[i]);
      out << "]\n";
      return;
  }
}

}  // namespace adweave::app
