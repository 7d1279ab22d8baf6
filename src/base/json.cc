// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/limits.h"

namespace adweave {

namespace {

// What can be printed of a text; the rest as "?".
std::string plain_text(std::string_view text) {
  std::string plain(text);
  std::replace_if(plain.begin(), plain.end(), [](char c) { return c < ' ' || c == '\x7f'; }, '?');
  return plain;
}

// Builds the value while nlohmann's parser goes over the text.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonValue take() { return std::move(root_); }
  const std::string& error() const { return error_; }

  bool null() override { return put({}); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(int64_t value) override { return put(value); }
  bool number_unsigned(uint64_t value) override {
    if (value > INT64_MAX) return put(static_cast<double>(value));
    return put(static_cast<int64_t>(value));
  }
  bool number_float(double value, const std::string&) override { return put(value); }
  bool string(std::string& value) override { return put(std::move(value)); }
  bool binary(nlohmann::json::binary_t&) override { return false; }  // JSON has none
  bool start_object(size_t) override { return begin(JsonValue::Object()); }
  bool key(std::string& key) override {
    open_.back().key = std::move(key);
    return true;
  }
  bool end_object() override { return end(); }
  bool start_array(size_t) override { return begin(JsonValue::Array()); }
  bool end_array() override { return end(); }
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception& e) override {
    error_ = e.what();
    return false;
  }

 private:
  struct Open {
    JsonValue value;
    std::string key;  // of an object's member that comes next
  };

  bool begin(JsonValue value) {
    if (open_.size() == limits::kJsonDepthMax) {
      error_ = fmt::format("it is nested over {} deep", limits::kJsonDepthMax);
      return false;
    }
    open_.push_back({std::move(value), {}});
    return true;
  }
  bool end() {
    JsonValue value = std::move(open_.back().value);
    open_.pop_back();
    return put(std::move(value));
  }
  bool put(JsonValue value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().value.as_array() != nullptr) {
      open_.back().value.push(std::move(value));
    } else {
      open_.back().value.set(std::move(open_.back().key), std::move(value));
    }
    return true;
  }

  std::vector<Open> open_;
  JsonValue root_;
  std::string error_;
};

bool is_plain(char c) {
  return c >= ' ' && c < '\x7f' && c != '"' && c != '\\';
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
      array[i].dump_to(out);
    }
    out += ']';
  }
  void operator()(const JsonValue::Object& object) const {
    out += '{';
    for (size_t i = 0; i < object.size(); ++i) {
      if (i > 0) out += ',';
      append_json_string(out, object[i].first);
      out += ':';
      object[i].second.dump_to(out);
    }
    out += '}';
  }
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view key) const {
  if (const Object* object = as_object()) {
    for (auto member = object->rbegin(); member != object->rend(); ++member) {
      if (member->first == key) return &member->second;
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
  dump_to(out);
  return out;
}

void JsonValue::dump_to(std::string& out) const {
  std::visit(Dump{out}, value_);
}

Result<JsonValue> parse_json(std::string_view text) {
  Builder builder;
  if (nlohmann::json::sax_parse(text, &builder)) return builder.take();
  // Without the bytes it quotes: they may be anything.
  return Error{ErrorCode::corrupt, fmt::format("not JSON: {}", plain_text(builder.error())), ""};
}

void append_json_string(std::string& out, std::string_view text) {
  if (std::all_of(text.begin(), text.end(), is_plain)) {
    out.append("\"").append(text).append("\"");
  } else {
    out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
}

}  // namespace adweave
