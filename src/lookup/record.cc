// SPDX-License-Identifier: Apache-2.0
#include "lookup/record.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "base/money.h"
#include "base/time.h"

namespace adweave::lookup {

namespace {

using event::Type;

const JsonValue kNothing;

// 7 bits a byte, the low ones first; the high bit says that more follow.
void put_varint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void put_int(int64_t value, std::string& out) {
  put_varint(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63), out);
}

void put_value(std::string_view value, std::string& out) {
  put_varint(value.size(), out);
  out += value;
}
void put_value(int64_t value, std::string& out) {
  put_int(value, out);
}
void put_value(uint8_t value, std::string& out) {
  out.push_back(static_cast<char>(value));
}
void put_value(double value, std::string& out) {
  std::array<char, sizeof value> bytes;
  std::memcpy(bytes.data(), &value, sizeof value);
  out.append(bytes.data(), bytes.size());
}
void put_value(Int128, std::string&) {
  CHECK(false);  // of `audit` alone, whose rows have no ids
}

class RecordReader {
 public:
  explicit RecordReader(std::string_view rest) : rest_(rest) {}

  bool is_done() const { return rest_.empty(); }
  bool ok() const { return ok_; }

  uint8_t byte() { return static_cast<uint8_t>(take(1).front()); }
  int64_t integer() {
    const uint64_t value = varint();
    return static_cast<int64_t>(value >> 1 ^ (~(value & 1) + 1));
  }
  double real() {
    double value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view text() {
    const uint64_t size = varint();
    if (size <= rest_.size()) return take(static_cast<size_t>(size));
    ok_ = false;
    return "";
  }

 private:
  std::string_view take(size_t size) {
    static constexpr std::string_view kZeros("\0\0\0\0\0\0\0\0", 8);
    if (size > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return kZeros.substr(0, size);
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint8_t next = byte();
      value |= uint64_t{next & 0x7fU} << shift;
      if (next < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

JsonValue read_value(Type type, RecordReader& in) {
  switch (type) {
    case Type::Time:
    case Type::Money:
    case Type::Int:
      return in.integer();
    case Type::Float:
      return in.real();
    case Type::Bool:
      return in.byte() != 0;
    default:
      return in.text();
  }
}

template <class Column>
const Column* column_named(const event::TableRows& rows, std::string_view name) {
  for (size_t i = 0; i < rows.columns.size(); ++i) {
    if (rows.table->columns[i].name != name) continue;
    const auto* column = std::get_if<const Column*>(&rows.columns[i]);
    return column == nullptr ? nullptr : *column;
  }
  return nullptr;
}

}  // namespace

Key key_of(std::string_view id) {
  return std::max<Key>(hash64(id), 1);
}

const JsonValue& Record::value(std::string_view column) const {
  for (size_t i = 0; i < values.size(); ++i) {
    if (table->columns[i].name == column) return values[i];
  }
  return kNothing;
}

std::string_view Record::text(std::string_view column) const {
  const std::string* found = value(column).as_string();
  return found == nullptr ? std::string_view() : *found;
}

int64_t Record::time() const {
  const int64_t* found = value(table->time_column).as_int();
  return found == nullptr ? 0 : *found;
}

JsonValue Record::shown() const {
  JsonValue::Object object;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].is_null()) continue;
    const event::ColumnInfo& column = table->columns[i];
    const int64_t* number = values[i].as_int();
    JsonValue shown = values[i];
    if (number != nullptr && column.type == Type::Time) shown = format_time(*number);
    if (number != nullptr && column.type == Type::Money) shown = format_nanos(*number);
    object.emplace_back(column.name, std::move(shown));
  }
  return object;
}

bool has_ids(const event::TableInfo& table) {
  return std::any_of(table.columns.begin(), table.columns.end(),
                     [](const event::ColumnInfo& column) { return column.type == Type::Id; });
}

void put_record(const event::TableRows& rows, int64_t row, std::string& out) {
  out.push_back(static_cast<char>(rows.table - event::all_tables().data()));
  for (size_t i = 0; i < rows.columns.size(); ++i) {
    if (rows.table->columns[i].type == Type::Bytes) continue;
    std::visit(
        [&](const auto* column) {
          if (!column->has(row)) return;
          out.push_back(static_cast<char>(i));
          put_value((*column)[row], out);
        },
        rows.columns[i]);
  }
}

Result<Record> parse_record(std::string_view bytes) {
  const auto tables = event::all_tables();
  RecordReader in(bytes);
  const uint8_t number = in.byte();
  Record record;
  if (number < tables.size()) {
    record.table = &tables[number];
    record.values.resize(record.table->columns.size());
    while (in.ok() && !in.is_done()) {
      const uint8_t column = in.byte();
      if (column >= record.values.size()) break;
      record.values[column] = read_value(record.table->columns[column].type, in);
    }
    if (in.ok() && in.is_done()) return record;
  }
  return Error{ErrorCode::corrupt, "a row in the index of ids is damaged", ""};
}

RowKeys::RowKeys(const event::TableRows& rows)
    : user_(column_named<event::IdColumn>(rows, "user_id")),
      person_(column_named<event::IdColumn>(rows, "person_id")),
      fact_(column_named<event::DictColumn>(rows, "fact")),
      fact_value_(column_named<event::StrColumn>(rows, "fact_value")) {
  for (const event::ColumnRef& column : rows.columns) {
    const auto* ids = std::get_if<const event::IdColumn*>(&column);
    if (ids != nullptr && *ids != user_ && *ids != person_) ids_.push_back(*ids);
  }
  for (const std::string_view name : {"source_position", "first_position"}) {
    const auto* positions = column_named<event::StrColumn>(rows, name);
    if (positions != nullptr) positions_.push_back(positions);
  }
}

Key RowKeys::person(int64_t row) const {
  for (const event::IdColumn* column : {person_, user_}) {
    if (column != nullptr && column->has(row)) return key_of((*column)[row]);
  }
  return 0;
}

void RowKeys::collect(int64_t row, std::vector<Key>& keys) const {
  const auto first = static_cast<std::ptrdiff_t>(keys.size());
  const auto add = [&](std::string_view id) {
    const Key key = key_of(id);
    if (std::find(keys.begin() + first, keys.end(), key) == keys.end()) keys.push_back(key);
  };
  for (const event::IdColumn* column : ids_) {
    if (column->has(row)) add((*column)[row]);
  }
  for (const event::StrColumn* column : positions_) {
    if (column->has(row)) add(record_position((*column)[row]));
  }
  if (fact_ != nullptr && fact_->value_or(row, "") == "joined_impression" && fact_value_->has(row))
    add((*fact_value_)[row]);
  if (user_ != nullptr && user_->has(row) && key_of((*user_)[row]) != person(row))
    add((*user_)[row]);
}

std::string_view record_position(std::string_view position) {
  const size_t mark = position.rfind('#');
  const size_t colon = position.rfind(':');
  return mark == std::string_view::npos || colon == std::string_view::npos || mark < colon
             ? position
             : position.substr(0, mark);
}

}  // namespace adweave::lookup
