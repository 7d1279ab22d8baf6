// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace adweave {

namespace {

// What can be printed of a text; the rest as "?".
std::string plain_text(std::string_view text) {
  std::string plain(text);
  std::replace_if(plain.begin(), plain.end(), [](char c) { return c < ' ' || c == '\x7f'; }, '?');
  return plain;
}

JsonValue convert(const nlohmann::ordered_json& json) {
  switch (json.type()) {
    case nlohmann::json::value_t::boolean:
      return json.get<bool>();
    case nlohmann::json::value_t::number_integer:
      return json.get<int64_t>();
    case nlohmann::json::value_t::number_unsigned: {
      const auto value = json.get<uint64_t>();
      if (value > INT64_MAX) return static_cast<double>(value);
      return static_cast<int64_t>(value);
    }
    case nlohmann::json::value_t::number_float:
      return json.get<double>();
    case nlohmann::json::value_t::string:
      return json.get_ref<const std::string&>();
    case nlohmann::json::value_t::array: {
      JsonValue::Array array;
      for (const auto& element : json) array.push_back(convert(element));
      return array;
    }
    case nlohmann::json::value_t::object: {
      JsonValue::Object object;
      for (const auto& [key, value] : json.items()) object.emplace_back(key, convert(value));
      return object;
    }
    default:
      return {};
  }
}

Error missing(std::string_view key, std::string_view type) {
  return {ErrorCode::corrupt, fmt::format("no {} named '{}' where one must be", type, key), ""};
}

struct Dump {
  std::string& out;
  void operator()(std::monostate) const { out += "null"; }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(int64_t value) const { fmt::format_to(std::back_inserter(out), "{}", value); }
  void operator()(double value) const {
    if (!std::isfinite(value)) {
      out += "null";
      return;
    }
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
  void operator()(const std::string& value) const { append_json_string(out, value); }
  void operator()(const JsonValue::Array& array) const {
    out += '[';
    for (size_t i = 0; i < array.size(); ++i) {
      if (i > 0) out += ',';
      out += array[i].dump();
    }
    out += ']';
  }
  void operator()(const JsonValue::Object& object) const {
    out += '{';
    for (size_t i = 0; i < object.size(); ++i) {
      if (i > 0) out += ',';
      append_json_string(out, object[i].first);
      out += ':';
      out += object[i].second.dump();
    }
    out += '}';
  }
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view key) const {
  if (const Object* object = as_object()) {
    for (const Member& member : *object) {
      if (member.first == key) return &member.second;
    }
  }
  return nullptr;
}

Result<int64_t> JsonValue::int_at(std::string_view key) const {
  const JsonValue* value = find(key);
  if (value == nullptr || value->as_int() == nullptr) return missing(key, "integer");
  return *value->as_int();
}

Result<std::string> JsonValue::string_at(std::string_view key) const {
  const JsonValue* value = find(key);
  if (value == nullptr || value->as_string() == nullptr) return missing(key, "string");
  return *value->as_string();
}

Result<const JsonValue::Array*> JsonValue::array_at(std::string_view key) const {
  const JsonValue* value = find(key);
  if (value == nullptr || value->as_array() == nullptr) return missing(key, "array");
  return value->as_array();
}

void JsonValue::set(std::string key, JsonValue value) {
  if (is_null()) value_ = Object{};
  CHECK(std::holds_alternative<Object>(value_));
  std::get<Object>(value_).emplace_back(std::move(key), std::move(value));
}

void JsonValue::push(JsonValue value) {
  if (is_null()) value_ = Array{};
  CHECK(std::holds_alternative<Array>(value_));
  std::get<Array>(value_).push_back(std::move(value));
}

std::string JsonValue::dump() const {
  std::string out;
  std::visit(Dump{out}, value_);
  return out;
}

Result<JsonValue> parse_json(std::string_view text) {
  try {
    return convert(nlohmann::ordered_json::parse(text));
  } catch (const nlohmann::json::exception& e) {
    // Without the bytes it quotes: they may be anything.
    return Error{ErrorCode::corrupt, fmt::format("not JSON: {}", plain_text(e.what())), ""};
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace adweave
