// SPDX-License-Identifier: Apache-2.0
#include "decode/line_pattern.h"

namespace adweave::decode {

namespace {

Error pattern_error(std::string_view pattern, size_t at, std::string_view what) {
  return {ErrorCode::config,
          "pattern '" + std::string(pattern) + "', character " + std::to_string(at + 1) + ": " +
              std::string(what),
          "a pattern is literal text with {field} names in it"};
}

// Where `literal` begins at or after `from`; a literal that begins with a double quote is not found
// behind a backslash.
size_t find_literal(std::string_view line, std::string_view literal, size_t from) {
  if (literal.front() != '"') return line.find(literal, from);
  for (size_t at = from; at < line.size(); ++at) {
    if (line[at] == '\\') {
      ++at;
    } else if (line.substr(at).starts_with(literal)) {
      return at;
    }
  }
  return std::string_view::npos;
}

}  // namespace

Result<LinePattern> LinePattern::compile(std::string_view pattern) {
  LinePattern compiled;
  std::string* literal = &compiled.begin_;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const bool doubled = i + 1 < pattern.size() && pattern[i + 1] == pattern[i];
    if (pattern[i] != '{' || doubled) {
      if (doubled && (pattern[i] == '{' || pattern[i] == '}')) ++i;
      *literal += pattern[i];
      continue;
    }
    const size_t close = pattern.find('}', i);
    if (close == std::string_view::npos)
      return pattern_error(pattern, i, "the brace is not closed");
    if (close == i + 1) return pattern_error(pattern, i, "the field has no name");
    if (!compiled.fields_.empty() && literal->empty()) {
      return pattern_error(pattern, i, "two fields without text between them");
    }
    compiled.fields_.emplace_back(pattern.substr(i + 1, close - i - 1));
    literal = &compiled.literals_.emplace_back();
    i = close;
  }
  if (compiled.fields_.empty()) return pattern_error(pattern, 0, "there is no field in it");
  return compiled;
}

LinePattern::Match LinePattern::match(std::string_view line,
                                      std::vector<std::string_view>& values) const {
  values.clear();
  if (!line.starts_with(begin_)) return {false, "begin"};
  size_t at = begin_.size();
  for (size_t i = 0; i < fields_.size(); ++i) {
    const std::string& literal = literals_[i];
    const size_t end = literal.empty() ? line.size() : find_literal(line, literal, at);
    if (end == std::string_view::npos) return {false, fields_[i]};
    values.push_back(line.substr(at, end - at));
    at = end + literal.size();
  }
  return at == line.size() ? Match{true, ""} : Match{false, "end"};
}

}  // namespace adweave::decode
