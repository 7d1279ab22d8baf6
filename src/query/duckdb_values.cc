// SPDX-License-Identifier: Apache-2.0
#include "query/duckdb_values.h"

#include <cmath>
#include <string>

#include "base/money.h"
#include "base/time.h"

namespace adweave::query {

namespace {

template <class Number>
Number at(duckdb_vector vector, idx_t row) {
  return static_cast<const Number*>(duckdb_vector_get_data(vector))[row];
}

std::string decimal_text(Int128 number, int scale) {
  const bool negative = number < 0;
  std::string digits;
  for (; number != 0; number /= 10) {
    const auto digit = static_cast<int>(number % 10);
    digits += static_cast<char>('0' + (digit < 0 ? -digit : digit));
  }
  while (digits.size() <= static_cast<size_t>(scale)) digits += '0';
  if (scale > 0) digits.insert(static_cast<size_t>(scale), ".");
  if (negative) digits += '-';
  return {digits.rbegin(), digits.rend()};
}

Int128 wide(duckdb_hugeint number) {
  return (static_cast<Int128>(number.upper) << 64) | static_cast<Int128>(number.lower);
}

JsonValue integer(Int128 number) {
  if (number >= INT64_MIN && number <= INT64_MAX) return static_cast<int64_t>(number);
  return decimal_text(number, 0);
}

JsonValue decimal(duckdb_logical_type type, duckdb_vector vector, idx_t row) {
  const int scale = duckdb_decimal_scale(type);
  switch (duckdb_decimal_internal_type(type)) {
    case DUCKDB_TYPE_SMALLINT:
      return decimal_text(at<int16_t>(vector, row), scale);
    case DUCKDB_TYPE_INTEGER:
      return decimal_text(at<int32_t>(vector, row), scale);
    case DUCKDB_TYPE_BIGINT:
      return decimal_text(at<int64_t>(vector, row), scale);
    default:
      return decimal_text(wide(at<duckdb_hugeint>(vector, row)), scale);
  }
}

JsonValue real(double number) {
  if (!std::isfinite(number)) return JsonValue();
  return number;
}

std::string_view text(duckdb_vector vector, idx_t row) {
  auto* strings = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
  return {duckdb_string_t_data(&strings[row]), duckdb_string_t_length(strings[row])};
}

// Bytes as text where they are printable ASCII, else as \xHH, as SQL shows a BLOB.
std::string blob_text(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F && byte != '\\') {
      out += c;
    } else {
      out.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    }
  }
  return out;
}

JsonValue list(duckdb_logical_type type, duckdb_vector vector, idx_t row) {
  const auto entry = at<duckdb_list_entry>(vector, row);
  const ColumnReader child(duckdb_list_type_child_type(type));
  JsonValue::Array items;
  for (idx_t i = entry.offset; i < entry.offset + entry.length; ++i) {
    items.push_back(child.value(duckdb_list_vector_get_child(vector), i));
  }
  return items;
}

JsonValue object(duckdb_logical_type type, duckdb_vector vector, idx_t row) {
  JsonValue::Object members;
  for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
    char* name = duckdb_struct_type_child_name(type, i);
    const ColumnReader child(duckdb_struct_type_child_type(type, i));
    members.emplace_back(name, child.value(duckdb_struct_vector_get_child(vector, i), row));
    duckdb_free(name);
  }
  return members;
}

}  // namespace

JsonValue ColumnReader::value(duckdb_vector vector, idx_t row) const {
  uint64_t* validity = duckdb_vector_get_validity(vector);
  if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) return {};
  switch (duckdb_get_type_id(type_)) {
    case DUCKDB_TYPE_BOOLEAN:
      return at<bool>(vector, row);
    case DUCKDB_TYPE_TINYINT:
      return int64_t{at<int8_t>(vector, row)};
    case DUCKDB_TYPE_SMALLINT:
      return int64_t{at<int16_t>(vector, row)};
    case DUCKDB_TYPE_INTEGER:
      return int64_t{at<int32_t>(vector, row)};
    case DUCKDB_TYPE_BIGINT:
      return at<int64_t>(vector, row);
    case DUCKDB_TYPE_UTINYINT:
      return int64_t{at<uint8_t>(vector, row)};
    case DUCKDB_TYPE_USMALLINT:
      return int64_t{at<uint16_t>(vector, row)};
    case DUCKDB_TYPE_UINTEGER:
      return int64_t{at<uint32_t>(vector, row)};
    case DUCKDB_TYPE_UBIGINT:
      return integer(at<uint64_t>(vector, row));
    case DUCKDB_TYPE_HUGEINT:
      return integer(wide(at<duckdb_hugeint>(vector, row)));
    case DUCKDB_TYPE_FLOAT:
      return real(at<float>(vector, row));
    case DUCKDB_TYPE_DOUBLE:
      return real(at<double>(vector, row));
    case DUCKDB_TYPE_DECIMAL:
      return decimal(type_, vector, row);
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return format_time(at<int64_t>(vector, row));
    case DUCKDB_TYPE_DATE:
      return format_date(int64_t{at<int32_t>(vector, row)} * 86'400'000'000);
    case DUCKDB_TYPE_BLOB:
      return blob_text(text(vector, row));
    case DUCKDB_TYPE_VARCHAR:
      return text(vector, row);
    case DUCKDB_TYPE_LIST:
      return list(type_, vector, row);
    case DUCKDB_TYPE_STRUCT:
      return object(type_, vector, row);
    default:
      return "(a type that cannot be shown: CAST it AS VARCHAR)";
  }
}

}  // namespace adweave::query
