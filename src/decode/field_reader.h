// SPDX-License-Identifier: Apache-2.0
// One field rule applied to one record: the value as the field's type, or why not. Used by every
// format, so that a rule means the same everywhere.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>

#include "decode/mapping.h"
#include "event/reject.h"

namespace adweave::decode {

// A field's value before it is written to its column.
struct Cell {
  bool present = false;
  int64_t integer = 0;    // time, money, int, bool
  std::string_view text;  // str, dict, id
};

// Why a value does not fit.
struct Misfit {
  event::Reason reason;
  std::string message;
};

struct FieldResult {
  Cell cell;
  std::optional<Misfit> misfit;
};

// Reads fields of one record after the other; texts that had to be made live until clear().
class FieldReader {
 public:
  FieldResult read(const CompiledField& field, std::span<const Value> slots, int64_t received_time);
  void clear() { made_.clear(); }

 private:
  std::optional<Value> pick(const CompiledField& field, std::span<const Value> slots);
  std::optional<Value> compute(const CompiledField& field, std::span<const Value> slots);
  std::string_view keep(std::string text) { return made_.emplace_back(std::move(text)); }

  FieldResult convert(const CompiledField& field, const Value& value);
  FieldResult read_text(const CompiledField& field, std::string_view text);
  FieldResult read_time(const CompiledField& field, const Value& value, std::string_view text);

  std::deque<std::string> made_;
  std::vector<std::optional<Int128>> operands_;
};

}  // namespace adweave::decode
