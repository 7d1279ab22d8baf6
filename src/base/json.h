// SPDX-License-Identifier: Apache-2.0
// A small JSON value for control data: commit records, query results, logs. Event data never passes
// through it (decode/ has its own one-pass reader).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace adweave {

class JsonValue {
 public:
  using Array = std::vector<JsonValue>;
  using Member = std::pair<std::string, JsonValue>;
  using Object = std::vector<Member>;  // keeps the order of insertion

  JsonValue() = default;                                             // null
  JsonValue(bool value) : value_(value) {}                           // NOLINT: implicit
  JsonValue(int64_t value) : value_(value) {}                        // NOLINT: implicit
  JsonValue(int value) : value_(static_cast<int64_t>(value)) {}      // NOLINT: implicit
  JsonValue(double value) : value_(value) {}                         // NOLINT: implicit
  JsonValue(std::string value) : value_(std::move(value)) {}         // NOLINT: implicit
  JsonValue(std::string_view value) : value_(std::string(value)) {}  // NOLINT: implicit
  JsonValue(const char* value) : value_(std::string(value)) {}       // NOLINT: implicit
  JsonValue(Array value) : value_(std::move(value)) {}               // NOLINT: implicit
  JsonValue(Object value) : value_(std::move(value)) {}              // NOLINT: implicit

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  const bool* as_bool() const { return std::get_if<bool>(&value_); }
  const int64_t* as_int() const { return std::get_if<int64_t>(&value_); }
  const double* as_double() const { return std::get_if<double>(&value_); }
  const std::string* as_string() const { return std::get_if<std::string>(&value_); }
  const Array* as_array() const { return std::get_if<Array>(&value_); }
  const Object* as_object() const { return std::get_if<Object>(&value_); }

  // Member of an object, the last one of that name; null when absent or when this is no object.
  const JsonValue* find(std::string_view key) const;
  // Members of control records that must be there: the value, or an Error that names the key.
  Result<int64_t> int_at(std::string_view key) const;
  Result<std::string> string_at(std::string_view key) const;
  Result<const Array*> array_at(std::string_view key) const;

  void set(std::string key, JsonValue value);  // this must be an object or null
  void push(JsonValue value);                  // this must be an array or null

  // One line, no spaces; integers exact; keys in order of insertion. Invalid UTF-8 becomes U+FFFD.
  std::string dump() const;
  void dump_to(std::string& out) const;  // appends it

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

// Fails with ErrorCode::corrupt, naming the byte where the text stops being JSON, or saying that it
// is nested too deep.
Result<JsonValue> parse_json(std::string_view text);

// Appends `text` as a quoted JSON string.
void append_json_string(std::string& out, std::string_view text);

}  // namespace adweave
