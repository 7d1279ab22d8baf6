// SPDX-License-Identifier: Apache-2.0
// A value as a record holds it, before a rule makes a field of it. Views point into the record or
// its reader.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace adweave::decode {

struct Value {
  enum class Kind : uint8_t {
    absent,
    null,
    boolean,  // text is "true" or "false"
    integer,  // in `integer`
    number,   // decimal text, exactly as the feed spells it
    text,
    json,  // an object or array, as JSON text
    time,  // microseconds UTC in `integer`
  };
  Kind kind = Kind::absent;
  std::string_view text;
  int64_t integer = 0;

  bool has_value() const {
    return kind != Kind::absent && kind != Kind::null && !(kind == Kind::text && text.empty());
  }

  static Value of_text(std::string_view text) { return {Kind::text, text, 0}; }
  static Value of_number(std::string_view text) { return {Kind::number, text, 0}; }
  static Value of_json(std::string_view text) { return {Kind::json, text, 0}; }
  static Value of_integer(int64_t integer) { return {Kind::integer, {}, integer}; }
  static Value of_boolean(bool value) {
    return {Kind::boolean, value ? "true" : "false", value ? 1 : 0};
  }
  static Value null() { return {Kind::null, {}, 0}; }
};

// The value as text; numbers are written into `scratch`.
std::string_view text_of(const Value& value, std::string& scratch);

// The value as JSON text, appended to `out`.
void append_json(std::string& out, const Value& value);

// Members of an object that no rule reads: key and JSON text. to_json() sorts them by key, so that
// their order in the feed does not matter; of equal keys the last counts. Empty: no text.
class ExtraObject {
 public:
  void add(std::string_view key, std::string json) { members_.emplace_back(key, std::move(json)); }
  void add(std::string_view key, const Value& value);
  void append(const ExtraObject& other) {
    members_.insert(members_.end(), other.members_.begin(), other.members_.end());
  }
  // Leaves out a member and, of an array that is kept by its elements, `key[0]`, `key[1]`, ...
  void drop(std::string_view key);
  bool empty() const { return members_.empty(); }
  void clear() { members_.clear(); }
  std::string to_json() const;

 private:
  std::vector<std::pair<std::string, std::string>> members_;
};

}  // namespace adweave::decode
