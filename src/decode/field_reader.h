// SPDX-License-Identifier: Apache-2.0
// One field rule applied to one record: the value as the field's type, or why not. Used by every
// format, so that a rule means the same everywhere.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "decode/byte_search.h"
#include "decode/made_texts.h"
#include "decode/mapping.h"
#include "event/reject.h"

namespace adweave::decode {

// A field's value before it is written to its column.
struct Cell {
  bool present = false;
  int32_t code = -1;      // dict: of a text that the column has had; else -1 and `text`
  int64_t integer = 0;    // time, money, int, bool
  std::string_view text;  // str, dict, id

  bool put(int64_t number) {
    present = true;
    integer = number;
    return true;
  }
  bool put(std::string_view words) {
    present = true;
    text = words;
    return true;
  }
};

// A macro that the ad server or exchange did not fill in (semantics, pitfall 3).
inline bool is_macro(std::string_view text) {
  if (has_byte(text, '$') && text.find("${") != std::string_view::npos) return true;
  return text.size() >= 2 &&
         ((text[0] == '%' && text[1] == '%') || (text[0] == 'A' && text == "AUDIT"));
}

// Whether a user id means "no user" in the feeds we know (semantics c.5 rule 13), without case.
bool is_nil_user(std::string_view text);

// Why a value does not fit.
struct Misfit {
  event::Reason reason = event::Reason::malformed;
  std::string message;
};

// Reads fields of one record after the other; texts that had to be made live until clear().
class FieldReader {
 public:
  // `cell` is without a value; false when the value does not fit: misfit() says why.
  bool read(const CompiledField& field, std::span<const Value> slots, int64_t received_time,
            Cell& cell) {
    if (!field.plain) return read_picked(field, slots, received_time, cell);
    const Value& value = slots[static_cast<size_t>(field.slots[0])];
    return !value.has_value() || convert(field, value, cell);
  }
  Misfit& misfit() { return misfit_; }
  void clear() { made_.clear(); }

 private:
  bool read_picked(const CompiledField& field, std::span<const Value> slots, int64_t received_time,
                   Cell& cell);
  std::optional<Value> pick(const CompiledField& field, std::span<const Value> slots);
  std::optional<Value> compute(const CompiledField& field, std::span<const Value> slots);
  bool refuse(event::Reason reason, const CompiledField& field, std::string_view text,
              std::string_view what);

  bool convert(const CompiledField& field, const Value& value, Cell& cell);
  bool convert_by_rule(const CompiledField& field, const Value& value, Cell& cell);
  bool convert_as(const CompiledField& field, const Value& value, std::string_view text,
                  Cell& cell);
  bool read_text(const CompiledField& field, std::string_view text, Cell& cell);
  bool read_time(const CompiledField& field, const Value& value, std::string_view text, Cell& cell);
  bool read_money(const CompiledField& field, const Value& value, std::string_view text,
                  Cell& cell);
  bool read_integer(const CompiledField& field, const Value& value, std::string_view text,
                    Cell& cell);
  bool read_bool(const CompiledField& field, const Value& value, std::string_view text, Cell& cell);

  MadeTexts made_;
  Misfit misfit_;
  std::vector<std::optional<Int128>> operands_;
};

}  // namespace adweave::decode
