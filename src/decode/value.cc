// SPDX-License-Identifier: Apache-2.0
#include "decode/value.h"

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "base/time.h"

namespace adweave::decode {

namespace {

std::string number_text(int64_t number) {
  char digits[40];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  return {digits, end};
}

}  // namespace

std::string_view text_of(const Value& value, std::string& scratch) {
  switch (value.kind) {
    case Value::Kind::integer:
      return scratch = number_text(value.integer);
    case Value::Kind::time:
      return scratch = format_time(value.integer);
    default:
      return value.text;
  }
}

void append_json(std::string& out, const Value& value) {
  std::string scratch;
  switch (value.kind) {
    case Value::Kind::absent:
    case Value::Kind::null:
      out += "null";
      return;
    case Value::Kind::boolean:
    case Value::Kind::number:
    case Value::Kind::json:
    case Value::Kind::integer:
      out += text_of(value, scratch);
      return;
    case Value::Kind::text:
    case Value::Kind::time:
      append_json_string(out, text_of(value, scratch));
      return;
  }
}

void ExtraObject::add(std::string_view key, const Value& value) {
  std::string json;
  append_json(json, value);
  add(key, std::move(json));
}

void ExtraObject::drop(std::string_view key) {
  std::erase_if(members_, [&](const auto& member) {
    const std::string_view name = member.first;
    return name.starts_with(key) && (name.size() == key.size() || name[key.size()] == '[');
  });
}

std::string ExtraObject::to_json() const {
  auto sorted = members_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const auto& [key, json] = sorted[i];
    if (i + 1 < sorted.size() && sorted[i + 1].first == key) continue;
    out += out.empty() ? '{' : ',';
    append_json_string(out, key);
    out.append(":").append(json);
  }
  if (!out.empty()) out += '}';
  return out;
}

}  // namespace adweave::decode
