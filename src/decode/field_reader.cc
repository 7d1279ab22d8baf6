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

// A macro that the ad server or exchange did not fill in (semantics, pitfall 3).
bool is_macro(std::string_view text) {
  return text.find("${") != std::string_view::npos || text.find("%%") == 0 || text == "AUDIT";
}

FieldResult misfit(Reason reason, const CompiledField& field, std::string_view text,
                   std::string_view what) {
  return {{},
          Misfit{reason, std::string(event::info(field.rule.field).name) + ": " +
                             event::quoted(text) + " " + std::string(what)}};
}

FieldResult cell(int64_t integer) {
  return {{true, integer, {}}, std::nullopt};
}
FieldResult cell(std::string_view text) {
  return {{true, 0, text}, std::nullopt};
}

FieldResult read_integer(const CompiledField& field, const Value& value, std::string_view text) {
  if (value.kind == Value::Kind::integer) return cell(value.integer);
  if (value.kind == Value::Kind::boolean)
    return misfit(Reason::wrong_type, field, text, "is no whole number");
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  const bool whole =
      rest.empty() || (rest.starts_with('.') && rest.find_first_not_of('0', 1) == rest.npos);
  if (error != std::errc() || !whole)
    return misfit(Reason::bad_number, field, text, "is no whole number of 64 bits");
  return cell(number);
}

FieldResult read_bool(const CompiledField& field, const Value& value, std::string_view text) {
  if (value.kind == Value::Kind::boolean) return cell(value.integer);
  const std::string word = lower(text);
  if (word == "1" || word == "true" || word == "yes" || word == "t") return cell(int64_t{1});
  if (word == "0" || word == "false" || word == "no" || word == "f") return cell(int64_t{0});
  return misfit(Reason::wrong_type, field, text, "is neither true nor false");
}

FieldResult read_money(const CompiledField& field, const Value& value, std::string_view text) {
  if (is_macro(text))
    return misfit(Reason::unexpanded_macro, field, text, "is a macro that nobody filled in");
  if (value.kind == Value::Kind::boolean)
    return misfit(Reason::wrong_type, field, text, "is no amount");
  const std::optional<int64_t> nanos = parse_money(text, field.rule.unit);
  if (!nanos) return misfit(Reason::bad_money, field, text, "is no amount, or one over 10^9 units");
  const bool may_be_negative = field.rule.field == event::Field::value;
  if (*nanos < 0 && !may_be_negative)
    return misfit(Reason::negative_money, field, text, "is negative");
  return cell(*nanos);
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

// The rule's value: constant, joined, or the first of its paths that has one. None: the field is
// null.
std::optional<Value> FieldReader::pick(const CompiledField& field, std::span<const Value> slots) {
  const FieldRule& rule = field.rule;
  if (rule.constant) return Value::of_text(*rule.constant);
  if (field.expression) return compute(field, slots);
  std::string joined;
  std::string scratch;
  for (size_t i = 0; i < field.slots.size(); ++i) {
    const Value& value = slots[static_cast<size_t>(field.slots[i])];
    const bool named_null = value.has_value() && !rule.nulls.empty() &&
                            std::find(rule.nulls.begin(), rule.nulls.end(),
                                      text_of(value, scratch)) != rule.nulls.end();
    const bool has_value = value.has_value() && !named_null;
    if (rule.join) {
      if (!has_value) return std::nullopt;
      if (i > 0) joined += *rule.join;
      joined += text_of(value, scratch);
    } else if (has_value) {
      return value;
    }
  }
  if (rule.join && !joined.empty()) return Value::of_text(keep(std::move(joined)));
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
    return Value::of_number(keep(decimal_text(*nanos)));
  if (field.rule.fallback) return Value::of_text(*field.rule.fallback);
  return std::nullopt;
}

FieldResult FieldReader::read(const CompiledField& field, std::span<const Value> slots,
                              int64_t received_time) {
  if (field.rule.from_receipt) return cell(received_time);
  const std::optional<Value> value = pick(field, slots);
  if (!value) return {};
  return convert(field, *value);
}

FieldResult FieldReader::convert(const CompiledField& field, const Value& value) {
  const bool is_time = value.kind == Value::Kind::time && field.type == Type::Time;
  if (is_time && field.rule.values.empty()) return cell(value.integer);
  std::string scratch;
  std::string_view text = text_of(value, scratch);
  if (!scratch.empty()) text = keep(scratch);
  for (const auto& [from, to] : field.rule.values) {
    if (from == text) return read_text(field, to);
  }
  if (!field.rule.values.empty() && field.rule.other) return read_text(field, *field.rule.other);
  if (value.kind == Value::Kind::json && field.type != Type::Str) {
    return misfit(Reason::wrong_type, field, text, "is an object or array, not a single value");
  }
  const bool number = field.type == Type::Money || field.type == Type::Int;
  if (number && value.kind == Value::Kind::text && has_separators(field.rule)) {
    std::optional<std::string> plain = plain_number(text, field.rule);
    if (!plain) {
      return misfit(
          field.type == Type::Money ? Reason::bad_money : Reason::bad_number, field, text,
          "is no number with the decimal and thousands separators that the mapping gives");
    }
    text = keep(*std::move(plain));
  }
  switch (field.type) {
    case Type::Time:
      return read_time(field, value, text);
    case Type::Money:
      return read_money(field, value, text);
    case Type::Int:
      return read_integer(field, value, text);
    case Type::Bool:
      return read_bool(field, value, text);
    default:
      return read_text(field, text);
  }
}

FieldResult FieldReader::read_time(const CompiledField& field, const Value& value,
                                   std::string_view text) {
  if (value.kind == Value::Kind::time) return cell(value.integer);
  if (is_macro(text))
    return misfit(Reason::unexpanded_macro, field, text, "is a macro that nobody filled in");
  for (const TimeForm& form : field.rule.times) {
    if (const std::optional<int64_t> micros = parse_time(form, text, field.zone))
      return cell(*micros);
  }
  return misfit(Reason::bad_time, field, text, "is no time of the form that the mapping gives");
}

FieldResult FieldReader::read_text(const CompiledField& field, std::string_view text) {
  if (field.type != Type::Str && field.type != Type::Dict && field.type != Type::Id) {
    return convert(CompiledField{FieldRule{.field = field.rule.field,
                                           .times = field.rule.times,
                                           .unit = field.rule.unit},
                                 field.type,
                                 {},
                                 std::nullopt,
                                 field.zone},
                   Value::of_text(text));
  }
  if (field.type == Type::Id && is_macro(text)) {
    return misfit(Reason::unexpanded_macro, field, text, "is a macro that nobody filled in");
  }
  switch (field.rule.transform) {
    case Transform::none:
      break;
    case Transform::host:
      text = keep(host_of(text));
      break;
    case Transform::lower:
      text = keep(lower(text));
      break;
    case Transform::upper:
      text = keep(upper(text));
      break;
  }
  if (field.rule.field == event::Field::user_id) {
    const auto is_text = [&](std::string_view nil) {
      return std::equal(nil.begin(), nil.end(), text.begin(), text.end(),
                        [](char a, char b) { return a == lower(b); });
    };
    if (std::any_of(kNilUsers.begin(), kNilUsers.end(), is_text)) return {};
  }
  if (field.rule.field == event::Field::currency && !is_currency(text)) {
    text = keep(upper(text));
    if (!is_currency(text))
      return misfit(Reason::bad_currency, field, text, "is no ISO 4217 currency code");
  }
  if (text.empty()) return {};
  return cell(text);
}

}  // namespace adweave::decode
