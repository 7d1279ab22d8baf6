// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/money.h"
#include "base/time.h"
#include "decode/avro_reader.h"
#include "decode/avro_skip.h"
#include "decode/byte_search.h"
#include "decode/json_check.h"

namespace adweave::decode {

namespace {

// A two's-complement big-endian integer as a decimal with `scale` digits after the point; empty
// when over 128 bits.
std::string decimal_text(std::string_view bytes, int scale) {
  if (bytes.size() > sizeof(Int128)) return {};
  Int128 number = !bytes.empty() && (bytes[0] & 0x80) != 0 ? -1 : 0;
  for (const char byte : bytes) number = (number << 8) | static_cast<uint8_t>(byte);
  const bool negative = number < 0;
  std::string digits;
  for (; number != 0; number /= 10)
    digits += static_cast<char>('0' + static_cast<int>(negative ? -(number % 10) : number % 10));
  while (digits.size() <= static_cast<size_t>(scale)) digits += '0';
  if (scale > 0) digits.insert(static_cast<size_t>(scale), ".");
  if (negative) digits += '-';
  return {digits.rbegin(), digits.rend()};
}

std::string uuid_text(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<uint8_t>(bytes[i]));
  }
  return text;
}

std::string duration_text(std::string_view bytes) {
  uint32_t parts[3];
  std::memcpy(parts, bytes.data(), sizeof parts);
  return fmt::format(R"({{"months":{},"days":{},"milliseconds":{}}})", parts[0], parts[1],
                     parts[2]);
}

// As Avro's JSON encoding: bytes are the characters U+0000 to U+00FF.
std::string latin1_text(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    const auto code = static_cast<uint8_t>(byte);
    if (code >= 0x80) text += static_cast<char>(0xC0 | code >> 6);
    text += static_cast<char>(code >= 0x80 ? 0x80 | (code & 0x3F) : code);
  }
  return text;
}

int64_t floor_div(int64_t number, int64_t by) {
  return number / by - (number % by < 0 ? 1 : 0);
}

// Microseconds of a count of other units; null when they do not fit.
std::optional<int64_t> micros_of(int64_t number, AvroLogical logical) {
  int64_t micros = number;
  switch (logical) {
    case AvroLogical::timestamp_millis:
    case AvroLogical::local_timestamp_millis:
    case AvroLogical::time_millis:
      if (__builtin_mul_overflow(number, 1000, &micros)) return std::nullopt;
      return micros;
    case AvroLogical::timestamp_nanos:
    case AvroLogical::local_timestamp_nanos:
      return floor_div(number, 1000);
    case AvroLogical::date:
      if (__builtin_mul_overflow(number, limits::kDayUs, &micros)) return std::nullopt;
      return micros;
    default:
      return micros;
  }
}

Value read_integer(AvroBytes& in, const AvroNode& schema, MadeTexts& made) {
  const int64_t number = in.read_long();
  if (schema.type == AvroType::int_type && number != static_cast<int32_t>(number)) in.fail();
  if (schema.logical == AvroLogical::none || !in.ok()) return Value::of_integer(number);
  const std::optional<int64_t> micros = micros_of(number, schema.logical);
  // Beyond the years 1 to 9999 the number is what can be told.
  if (!micros || *micros < limits::kCivilTimeMin || *micros > limits::kCivilTimeMax)
    return Value::of_integer(number);
  const auto without_zone = [&] {
    std::string text = format_time(*micros);
    text.pop_back();
    return text;
  };
  switch (schema.logical) {
    case AvroLogical::date:
      return Value::of_text(made.add(format_date(*micros)));
    case AvroLogical::time_millis:
    case AvroLogical::time_micros:  // "1970-01-01T10:00:00Z"
      return Value::of_text(made.add(without_zone().substr(11)));
    case AvroLogical::local_timestamp_millis:
    case AvroLogical::local_timestamp_micros:
    case AvroLogical::local_timestamp_nanos:
      return Value::of_text(made.add(without_zone()));
    default:
      return {Value::Kind::time, {}, *micros};
  }
}

template <class Number>
Value read_real(Number number, MadeTexts& made) {
  if (number != number) return Value::of_text("nan");  // whatever its sign bit
  char digits[40];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  const std::string_view text = made.add(std::string_view(digits, end));
  const bool finite = number - number == 0;
  return finite ? Value::of_number(text) : Value::of_text(text);
}

Value read_bytes(std::string_view bytes, const AvroNode& schema, MadeTexts& made) {
  if (schema.logical == AvroLogical::decimal) {
    std::string text = decimal_text(bytes, schema.scale);
    if (!text.empty()) return Value::of_number(made.add(text));
  }
  if (schema.logical == AvroLogical::uuid && bytes.size() == 16)
    return Value::of_text(made.add(uuid_text(bytes)));
  if (schema.logical == AvroLogical::duration && bytes.size() == 12)
    return Value::of_json(made.add(duration_text(bytes)));
  return Value::of_text(made.add(latin1_text(bytes)));
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

// Most texts are short and of ASCII, which is seen before simdjson could be called.
bool is_utf8(std::string_view text) {
  return is_ascii(text) || simdjson::validate_utf8(text.data(), text.size());
}

Value read_avro_scalar(AvroBytes& in, const AvroNode& schema, MadeTexts& made) {
  switch (schema.type) {
    case AvroType::null_type:
      return Value::null();
    case AvroType::boolean:
      return Value::of_boolean(in.read_fixed<uint8_t>() != 0);
    case AvroType::int_type:
    case AvroType::long_type:
      return read_integer(in, schema, made);
    case AvroType::float_type:
      return read_real(in.read_fixed<float>(), made);
    case AvroType::double_type:
      return read_real(in.read_fixed<double>(), made);
    case AvroType::string: {
      const std::string_view text = in.read_sized();
      if (!is_utf8(text)) in.fail();
      return Value::of_text(text);
    }
    case AvroType::bytes:
      return read_bytes(in.read_sized(), schema, made);
    case AvroType::fixed:
      return read_bytes(in.read(schema.size), schema, made);
    case AvroType::enumeration: {
      const int64_t index = in.read_long();
      const bool known = index >= 0 && index < static_cast<int64_t>(schema.symbols.size()) &&
                         !schema.symbols[static_cast<size_t>(index)].empty();
      if (known) return Value::of_text(schema.symbols[static_cast<size_t>(index)]);
      break;
    }
    default:
      break;
  }
  in.fail();
  return Value();
}

void AvroJson::append(std::string& out, AvroBytes& in, const AvroNode& schema, int depth) {
  if (depth > limits::kNestingMax || static_cast<int64_t>(out.size()) > limits::kAvroBlockBytesMax)
    in.fail();
  if (!in.ok()) return;
  switch (schema.type) {
    case AvroType::union_type: {
      const int64_t branch = in.read_long();
      if (branch < 0 || branch >= static_cast<int64_t>(schema.items.size())) return in.fail();
      return append(out, in, *schema.items[static_cast<size_t>(branch)], depth);
    }
    case AvroType::record:
      return append_record(out, in, schema, depth);
    case AvroType::array:
    case AvroType::map:
      return append_items(out, in, schema, depth);
    default: {
      made_.clear();
      const Value value = read_avro_scalar(in, schema, made_);
      const bool is_json = std::exchange(next_is_json_, false) &&
                           check_json(value.text, limits::kNestingMax) == JsonCheck::ok;
      if (in.ok()) append_json(out, is_json ? Value::of_json(value.text) : value);
    }
  }
}

void AvroJson::append_record(std::string& out, AvroBytes& in, const AvroNode& schema, int depth) {
  merge_next_ = false;
  out += '{';
  for (const AvroField& field : schema.fields) {
    if (!in.ok()) return;
    if (field.encoded) {
      AvroBytes fallback(*field.encoded);
      append_member(out, field.name, fallback, *field.type, depth + 1);
    } else if (field.skipped) {
      skip_avro(in, *field.type, depth + 1);
    } else {
      append_member(out, field.name, in, *field.type, depth + 1);
    }
  }
  out += '}';
}

void AvroJson::append_member(std::string& out, std::string_view name, AvroBytes& in,
                             const AvroNode& schema, int depth) {
  std::string value;
  next_is_json_ = undo_ != nullptr && has(undo_->json_text, name);
  const bool merged = merge_next_ = undo_ != nullptr && has(undo_->merge, name);
  append(value, in, schema, depth);
  if (undo_ != nullptr && (has(undo_->ignore, name) || value == "null")) return;
  if (merged && value.starts_with('{')) {
    const std::string_view members = std::string_view(value).substr(1, value.size() - 2);
    if (!members.empty() && out.back() != '{') out += ',';
    out += members;
    return;
  }
  if (out.back() != '{') out += ',';
  append_json_string(out, name);
  out.append(":").append(value);
}

void AvroJson::append_items(std::string& out, AvroBytes& in, const AvroNode& schema, int depth) {
  const bool array = schema.type == AvroType::array;
  const bool merged = std::exchange(merge_next_, false);
  out += array ? '[' : '{';
  for_each_avro_item(in, [&](int64_t index) {
    if (array) {
      if (index > 0) out += ',';
      return append(out, in, *schema.items[0], depth + 1);
    }
    const std::string_view name = in.read_sized();
    if (!is_utf8(name)) in.fail();
    if (!merged) return append_member(out, name, in, *schema.items[0], depth + 1);
    if (index > 0) out += ',';
    append_json_string(out, name);
    out += ':';
    next_is_json_ = true;
    append(out, in, *schema.items[0], depth + 1);
  });
  out += array ? ']' : '}';
}

}  // namespace adweave::decode
