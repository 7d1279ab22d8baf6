// SPDX-License-Identifier: Apache-2.0
#include "base/limits.h"
#include "decode/detect/detect.h"
#include "decode/json_check.h"

namespace adweave::decode {

namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr double kSure = 0.99;
constexpr double kScalars = 0.7;
constexpr double kBroken = 0.6;  // begins like JSON, but is none

bool is_json(std::string_view value) {
  return check_json(value, limits::kNestingMax) == JsonCheck::ok;
}

// Text that begins like an object or array of JSON, whatever follows.
bool begins_like_json(std::string_view text) {
  const size_t second = text.find_first_not_of(kSpace, 1);
  if (second == std::string_view::npos) return false;
  if (text.front() == '{') return text[second] == '"' || text[second] == '}';
  return text[second] == '{' || text[second] == '[' || text[second] == '"';
}

// Whether every line is a JSON word, text or number.
bool lines_of_scalars(std::string_view text, bool whole) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos && !whole) break;
    if (!is_json(text.substr(0, end))) return false;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return true;
}

// By the lines, when the first value tells nothing: JSON of which some lines are broken.
JsonFraming framing_by_lines(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  if (line.size() < text.size() && is_json(line)) return JsonFraming::lines;
  const size_t second = text.find_first_not_of(kSpace, line.size());
  if (second != std::string_view::npos && text[second] == '{' && text.front() == '{')
    return JsonFraming::lines;
  return text.front() == '[' ? JsonFraming::array : JsonFraming::document;
}

}  // namespace

std::optional<JsonGuess> guess_json(std::string_view text, bool whole, bool named_json) {
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin);
  if (text.front() != '{' && text.front() != '[') {
    if (!named_json || !lines_of_scalars(text, whole)) return std::nullopt;
    return JsonGuess{JsonFraming::lines, kScalars};
  }
  const size_t end = find_json_end(text, 0);
  const bool good = end != std::string_view::npos && is_json(text.substr(0, end));
  if (!good && (end != std::string_view::npos || whole)) {
    if (!begins_like_json(text)) return std::nullopt;
    return JsonGuess{framing_by_lines(text), kBroken};
  }
  // An array or object that is larger than the sample.
  if (!good) {
    if (!begins_like_json(text)) return std::nullopt;
    return JsonGuess{text.front() == '[' ? JsonFraming::array : JsonFraming::document, kBroken};
  }
  const bool one_line = text.substr(0, end).find('\n') == std::string_view::npos;
  const size_t next = text.find_first_not_of(kSpace, end);
  if (next == std::string_view::npos) {
    if (text.front() == '[') return JsonGuess{JsonFraming::array, kSure};
    return JsonGuess{one_line ? JsonFraming::lines : JsonFraming::document, kSure};
  }
  const bool new_line = text.substr(end, next - end).find('\n') != std::string_view::npos;
  const bool value = text[next] == '{' || text[next] == '[';
  if (one_line && new_line) return JsonGuess{JsonFraming::lines, value ? kSure : kBroken};
  if (value) return JsonGuess{JsonFraming::concatenated, kSure};
  return JsonGuess{JsonFraming::document, kBroken};
}

}  // namespace adweave::decode
