// SPDX-License-Identifier: Apache-2.0
#include "decode/field_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "decode/time_form.h"

namespace adweave::decode {

namespace {

using event::Reason;
using event::Type;

// Ids that mean "no user" in the feeds we know (semantics c.5 rule 13); compared without case.
constexpr std::array<std::string_view, 7> kNilUsers = {"0",
                                                       "-1",
                                                       "unknown",
                                                       "null",
                                                       "none",
                                                       "00000000-0000-0000-0000-000000000000",
                                                       "00000000000000000000000000000000"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return out;
}

// The host of an absolute URL or of a bare "host/path", without user, port and a trailing dot.
std::string host_of(std::string_view url) {
  if (const size_t scheme = url.find("://"); scheme != std::string_view::npos)
    url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const size_t user = url.rfind('@'); user != std::string_view::npos)
    url.remove_prefix(user + 1);
  const size_t port = url.rfind(':');
  if (port != std::string_view::npos && url.find(']', port) == std::string_view::npos)
    url = url.substr(0, port);
  while (url.ends_with('.')) url.remove_suffix(1);
  return lower(url);
}

bool has_separators(const FieldRule& rule) {
  return rule.decimal != '.' || rule.thousands;
}

// Nanos as a decimal without zeros at its end.
std::string decimal_text(Int128 nanos) {
  std::string text = format_nanos(nanos);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

// A number as the feed writes it, with '.' and without groups; null when the groups are not of
// three digits.
std::optional<std::string> plain_number(std::string_view text, const FieldRule& rule) {
  const size_t point = std::min(text.find(rule.decimal), text.size());
  std::string number;
  size_t group = 0;      // digits since the last separator
  bool grouped = false;  // there is one
  for (const char c : text.substr(0, point)) {
    if (rule.thousands && c == *rule.thousands) {
      if (group == 0 || group > 3 || (grouped && group != 3)) return std::nullopt;
      grouped = true;
      group = 0;
      continue;
    }
    if (c == '.') return std::nullopt;
    if (c >= '0' && c <= '9') ++group;
    number += c;
  }
  if (grouped && group != 3) return std::nullopt;
  if (point == text.size()) return number;
  const std::string_view fraction = text.substr(point + 1);
  if (fraction.find_first_of(".,") != std::string_view::npos) return std::nullopt;
  return number.append(".").append(fraction);
}

}  // namespace

bool is_nil_user(std::string_view text) {
  // The first letters are told apart first: nearly no id begins as one of them.
  constexpr std::string_view kFirst = "0-unUN";
  if (text.empty() || kFirst.find(text[0]) == std::string_view::npos) return false;
  const auto is_text = [&](std::string_view nil) {
    return nil.size() == text.size() && std::equal(nil.begin(), nil.end(), text.begin(),
                                                   [](char a, char b) { return a == lower(b); });
  };
  return std::any_of(kNilUsers.begin(), kNilUsers.end(), is_text);
}

bool FieldReader::refuse(Reason reason, const CompiledField& field, std::string_view text,
                         std::string_view what) {
  misfit_ = {reason, std::string(event::info(field.rule.field).name) + ": " + event::quoted(text) +
                         " " + std::string(what)};
  return false;
}

// The rule's value: constant, joined, or the first of its paths that has one. None: the field is
// null.
std::optional<Value> FieldReader::pick(const CompiledField& field, std::span<const Value> slots) {
  const FieldRule& rule = field.rule;
  if (rule.constant) return Value::of_text(*rule.constant);
  if (field.expression) return compute(field, slots);
  std::string* joined = rule.join ? &made_.add() : nullptr;
  std::string scratch;
  for (size_t i = 0; i < field.slots.size(); ++i) {
    const Value& value = slots[static_cast<size_t>(field.slots[i])];
    const bool named_null = value.has_value() && !rule.nulls.empty() &&
                            std::find(rule.nulls.begin(), rule.nulls.end(),
                                      text_of(value, scratch)) != rule.nulls.end();
    const bool has_value = value.has_value() && !named_null;
    if (joined != nullptr) {
      if (!has_value) return std::nullopt;
      if (i > 0) *joined += *rule.join;
      *joined += text_of(value, scratch);
    } else if (has_value) {
      return value;
    }
  }
  if (joined != nullptr && !joined->empty()) return Value::of_text(*joined);
  if (rule.fallback) return Value::of_text(*rule.fallback);
  return std::nullopt;
}

// The expression's value, or the fallback when it has none.
std::optional<Value> FieldReader::compute(const CompiledField& field,
                                          std::span<const Value> slots) {
  operands_.clear();
  std::string scratch;
  for (const int slot : field.slots) {
    const Value& value = slots[static_cast<size_t>(slot)];
    const std::string_view text = value.has_value() ? text_of(value, scratch) : std::string_view();
    const bool spelled = value.kind == Value::Kind::text && has_separators(field.rule);
    const std::optional<std::string> plain =
        spelled ? plain_number(text, field.rule) : std::nullopt;
    operands_.push_back(parse_nanos(spelled ? plain.value_or("") : text));
  }
  if (const std::optional<Int128> nanos = field.expression->evaluate(operands_))
    return Value::of_number(made_.add(decimal_text(*nanos)));
  if (field.rule.fallback) return Value::of_text(*field.rule.fallback);
  return std::nullopt;
}

bool FieldReader::read_picked(const CompiledField& field, std::span<const Value> slots,
                              int64_t received_time, Cell& cell) {
  if (field.rule.from_receipt) return cell.put(received_time);
  const std::optional<Value> value = pick(field, slots);
  return !value || convert(field, *value, cell);
}

bool FieldReader::convert(const CompiledField& field, const Value& value, Cell& cell) {
  if (!field.bare || value.kind == Value::Kind::json) return convert_by_rule(field, value, cell);
  if (value.kind == Value::Kind::integer && field.type == Type::Money) {
    const std::optional<int64_t> nanos = money_of(value.integer, field.rule.unit);
    if (nanos && *nanos >= 0) return cell.put(*nanos);
  }
  if (value.kind == Value::Kind::integer || value.kind == Value::Kind::time) {
    const bool fits = field.type == (value.kind == Value::Kind::time ? Type::Time : Type::Int);
    return fits ? cell.put(value.integer)
                : convert_as(field, value, text_of(value, made_.add()), cell);
  }
  return convert_as(field, value, value.text, cell);
}

// With the rule's words and separators.
bool FieldReader::convert_by_rule(const CompiledField& field, const Value& value, Cell& cell) {
  std::string_view text = text_of(value, made_.add());
  for (const auto& [from, to] : field.rule.values) {
    if (from == text) return read_text(field, to, cell);
  }
  if (!field.rule.values.empty() && field.rule.other)
    return read_text(field, *field.rule.other, cell);
  if (value.kind == Value::Kind::json && field.type != Type::Str) {
    return refuse(Reason::wrong_type, field, text, "is an object or array, not a single value");
  }
  const bool number = field.type == Type::Money || field.type == Type::Int;
  if (number && value.kind == Value::Kind::text && has_separators(field.rule)) {
    const std::optional<std::string> plain = plain_number(text, field.rule);
    if (!plain) {
      return refuse(
          field.type == Type::Money ? Reason::bad_money : Reason::bad_number, field, text,
          "is no number with the decimal and thousands separators that the mapping gives");
    }
    text = made_.add(*plain);
  }
  return convert_as(field, value, text, cell);
}

bool FieldReader::convert_as(const CompiledField& field, const Value& value, std::string_view text,
                             Cell& cell) {
  switch (field.type) {
    case Type::Time:
      return read_time(field, value, text, cell);
    case Type::Money:
      return read_money(field, value, text, cell);
    case Type::Int:
      return read_integer(field, value, text, cell);
    case Type::Bool:
      return read_bool(field, value, text, cell);
    default:
      return read_text(field, text, cell);
  }
}

bool FieldReader::read_integer(const CompiledField& field, const Value& value,
                               std::string_view text, Cell& cell) {
  if (value.kind == Value::Kind::integer) return cell.put(value.integer);
  if (value.kind == Value::Kind::boolean)
    return refuse(Reason::wrong_type, field, text, "is no whole number");
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  const bool whole =
      rest.empty() || (rest.starts_with('.') && rest.find_first_not_of('0', 1) == rest.npos);
  if (error != std::errc() || !whole)
    return refuse(Reason::bad_number, field, text, "is no whole number of 64 bits");
  return cell.put(number);
}

bool FieldReader::read_bool(const CompiledField& field, const Value& value, std::string_view text,
                            Cell& cell) {
  if (value.kind == Value::Kind::boolean) return cell.put(value.integer);
  const std::string word = lower(text);
  if (word == "1" || word == "true" || word == "yes" || word == "t") return cell.put(int64_t{1});
  if (word == "0" || word == "false" || word == "no" || word == "f") return cell.put(int64_t{0});
  return refuse(Reason::wrong_type, field, text, "is neither true nor false");
}

bool FieldReader::read_money(const CompiledField& field, const Value& value, std::string_view text,
                             Cell& cell) {
  const std::optional<int64_t> nanos = parse_money(text, field.rule.unit);
  if (!nanos && is_macro(text))
    return refuse(Reason::unexpanded_macro, field, text, "is a macro that nobody filled in");
  if (value.kind == Value::Kind::boolean)
    return refuse(Reason::wrong_type, field, text, "is no amount");
  if (!nanos) return refuse(Reason::bad_money, field, text, "is no amount, or one over 10^9 units");
  const bool may_be_negative = field.rule.field == event::Field::value;
  if (*nanos < 0 && !may_be_negative)
    return refuse(Reason::negative_money, field, text, "is negative");
  return cell.put(*nanos);
}

bool FieldReader::read_time(const CompiledField& field, const Value& value, std::string_view text,
                            Cell& cell) {
  if (value.kind == Value::Kind::time) return cell.put(value.integer);
  if (is_macro(text))
    return refuse(Reason::unexpanded_macro, field, text, "is a macro that nobody filled in");
  for (const TimeForm& form : field.rule.times) {
    if (const std::optional<int64_t> micros = parse_time(form, text, field.zone))
      return cell.put(*micros);
  }
  return refuse(Reason::bad_time, field, text, "is no time of the form that the mapping gives");
}

bool FieldReader::read_text(const CompiledField& field, std::string_view text, Cell& cell) {
  if (field.type != Type::Str && field.type != Type::Dict && field.type != Type::Id) {
    const CompiledField bare{
        {.field = field.rule.field, .times = field.rule.times, .unit = field.rule.unit},
        field.type,
        field.zone};
    return convert_as(bare, Value::of_text(text), text, cell);
  }
  if (field.type == Type::Id && is_macro(text)) {
    return refuse(Reason::unexpanded_macro, field, text, "is a macro that nobody filled in");
  }
  switch (field.rule.transform) {
    case Transform::none:
      break;
    case Transform::host:
      text = made_.add(host_of(text));
      break;
    case Transform::lower:
      text = made_.add(lower(text));
      break;
    case Transform::upper:
      text = made_.add(upper(text));
      break;
  }
  if (field.rule.field == event::Field::user_id && is_nil_user(text)) return true;
  if (field.rule.field == event::Field::currency && !is_currency(text)) {
    text = made_.add(upper(text));
    if (!is_currency(text))
      return refuse(Reason::bad_currency, field, text, "is no ISO 4217 currency code");
  }
  return text.empty() || cell.put(text);
}

}  // namespace adweave::decode
