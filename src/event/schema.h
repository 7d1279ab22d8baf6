// SPDX-License-Identifier: Apache-2.0
// The domain's words: kinds of events, and the tables with their fields. fields.def and
// table_fields.def hold the content; everything that needs a field's name, type or id asks here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace adweave::event {

enum class Kind : uint8_t {
  impression,
  click,
  conversion,
  bid_request,
  engagement,
  auction_outcome
};
inline constexpr int kKinds = 6;
inline constexpr std::array<Kind, kKinds> kAllKinds = {Kind::impression, Kind::click,
                                                       Kind::conversion, Kind::bid_request,
                                                       Kind::engagement, Kind::auction_outcome};

std::string_view kind_name(Kind kind);   // "bid_request"
std::string_view table_name(Kind kind);  // "bid_requests"
std::optional<Kind> parse_kind(std::string_view name);

enum class Type : uint8_t { Str, Dict, Id, Time, Money, Int, Float, Bool, Bytes, WideMoney };
std::string_view type_name(
    Type type);  // as in docs: "str", "dict", "id", "ts", "money", "i64", "f64", "bool", ...

enum class Origin : uint8_t { Mapped, Enriched, Transport };

// One enumerator for each field of fields.def: Field::event_id ...
enum class Field : uint8_t {
#define FIELD(name, type, id, tables, required, origin, description) name,
#include "event/fields.def"
#undef FIELD
};
inline constexpr int kFields =
#define FIELD(name, type, id, tables, required, origin, description) +1
#include "event/fields.def"
#undef FIELD
    ;

// A field of the event tables.
struct FieldInfo {
  Field field;
  std::string_view name;
  Type type;
  int parquet_id;
  uint8_t kinds;     // bit 1 << Kind
  uint8_t required;  // bit 1 << Kind
  Origin origin;
  std::string_view description;

  bool in(Kind kind) const { return (kinds >> static_cast<int>(kind) & 1) != 0; }
  bool required_in(Kind kind) const { return (required >> static_cast<int>(kind) & 1) != 0; }
};

const FieldInfo& info(Field field);
std::span<const FieldInfo> all_fields();  // in column order
std::optional<Field> parse_field(std::string_view name);

// A column of any table of the lake.
struct ColumnInfo {
  std::string_view name;
  Type type;
  int parquet_id;
  bool required;
  std::string_view description;
};

// A table of the lake: the event tables, then credits_log, facts, rejects, duplicates, audit.
struct TableInfo {
  std::string_view name;
  std::string_view time_column;  // the day of this column is the partition `dt`
  std::span<const ColumnInfo> columns;
  std::optional<Kind> kind;  // of an event table
};

std::span<const TableInfo> all_tables();
const TableInfo& table_of(Kind kind);
const TableInfo* find_table(std::string_view name);

// Hash of every table's columns: written into each commit record.
std::string schema_hash();

}  // namespace adweave::event
