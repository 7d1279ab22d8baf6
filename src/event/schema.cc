// SPDX-License-Identifier: Apache-2.0
#include "event/schema.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "event/table_fields.h"

namespace adweave::event {

namespace {

constexpr std::string_view kKindLetters = "ICVBEO";
constexpr std::array<std::string_view, kKinds> kKindNames = {
    "impression", "click", "conversion", "bid_request", "engagement", "auction_outcome"};
constexpr std::array<std::string_view, kKinds> kTableNames = {
    "impressions", "clicks", "conversions", "bid_requests", "engagements", "auction_outcomes"};

constexpr uint8_t kind_bits(std::string_view letters) {
  unsigned bits = 0;
  for (const char letter : letters) bits |= 1U << kKindLetters.find(letter);
  return static_cast<uint8_t>(bits);
}

constexpr FieldInfo kFieldTable[] = {
#define FIELD(name, type, id, tables, required, origin, description)       \
  {Field::name,         #name,          Type::type, id, kind_bits(tables), \
   kind_bits(required), Origin::origin, description},
#include "event/fields.def"
#undef FIELD
};

#define ADWEAVE_COLUMN_INFO(name, type, id, required, description) \
  ColumnInfo{#name, Type::type, id, required, description},
#define ADWEAVE_COLUMN_LIST(Rows, FIELDS, table, time) \
  constexpr ColumnInfo k##Rows[] = {FIELDS(ADWEAVE_COLUMN_INFO)};
ADWEAVE_OTHER_TABLES(ADWEAVE_COLUMN_LIST)

// Every table with its columns, built once from the field tables.
struct Tables {
  std::vector<std::vector<ColumnInfo>> columns;
  std::vector<TableInfo> tables;

  Tables() {
    columns.reserve(kKinds);
    for (const Kind kind : kAllKinds) {
      auto& list = columns.emplace_back();
      for (const FieldInfo& f : kFieldTable) {
        if (f.in(kind))
          list.push_back({f.name, f.type, f.parquet_id, f.required_in(kind), f.description});
      }
      tables.push_back({table_name(kind), "event_time", list, kind});
    }
#define ADWEAVE_ADD_TABLE(Rows, FIELDS, table, time) \
  tables.push_back({table, #time, k##Rows, std::nullopt});
    ADWEAVE_OTHER_TABLES(ADWEAVE_ADD_TABLE)
  }
};

const Tables& tables() {
  static const Tables kTables;
  return kTables;
}

}  // namespace

std::string_view kind_name(Kind kind) {
  return kKindNames[static_cast<size_t>(kind)];
}
std::string_view table_name(Kind kind) {
  return kTableNames[static_cast<size_t>(kind)];
}

std::optional<Kind> parse_kind(std::string_view name) {
  const auto it = std::find(kKindNames.begin(), kKindNames.end(), name);
  if (it == kKindNames.end()) return std::nullopt;
  return static_cast<Kind>(it - kKindNames.begin());
}

std::string_view type_name(Type type) {
  switch (type) {
    case Type::Str:
      return "str";
    case Type::Dict:
      return "dict";
    case Type::Id:
      return "id";
    case Type::Time:
      return "ts";
    case Type::Money:
      return "money";
    case Type::Int:
      return "i64";
    case Type::Float:
      return "f64";
    case Type::Bool:
      return "bool";
    case Type::Bytes:
      return "bytes";
    case Type::WideMoney:
      return "money sum";
  }
  return "";
}

const FieldInfo& info(Field field) {
  return kFieldTable[static_cast<size_t>(field)];
}
std::span<const FieldInfo> all_fields() {
  return kFieldTable;
}

std::optional<Field> parse_field(std::string_view name) {
  for (const FieldInfo& f : kFieldTable) {
    if (f.name == name) return f.field;
  }
  return std::nullopt;
}

std::span<const TableInfo> all_tables() {
  return tables().tables;
}
const TableInfo& table_of(Kind kind) {
  return tables().tables[static_cast<size_t>(kind)];
}

const TableInfo* find_table(std::string_view name) {
  for (const TableInfo& table : all_tables()) {
    if (table.name == name) return &table;
  }
  return nullptr;
}

std::string schema_hash() {
  Hasher128 hasher;
  for (const TableInfo& table : all_tables()) {
    hasher.update(table.name);
    for (const ColumnInfo& column : table.columns) {
      hasher.update(std::string(column.name) + '/' + std::string(type_name(column.type)) + '/' +
                    std::to_string(column.parquet_id) + (column.required ? "!" : "?"));
    }
  }
  return to_hex(hasher.digest());
}

}  // namespace adweave::event
