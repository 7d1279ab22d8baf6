// SPDX-License-Identifier: Apache-2.0
#include "query/table_views.h"

#include <map>

#include "base/file_system.h"
#include "event/schema.h"
#include "query/sql_engine.h"
#include "state/dimensions.h"

namespace adweave::query {

namespace {

std::string_view sql_type(event::Type type) {
  switch (type) {
    case event::Type::Time:
      return "TIMESTAMPTZ";
    case event::Type::Money:
      return "DECIMAL(18,9)";
    case event::Type::WideMoney:
      return "DECIMAL(38,9)";
    case event::Type::Int:
      return "BIGINT";
    case event::Type::Float:
      return "DOUBLE";
    case event::Type::Bool:
      return "BOOLEAN";
    case event::Type::Bytes:
      return "BLOB";
    default:
      return "VARCHAR";
  }
}

// A table without files: typed, no rows.
std::string empty_select(const event::TableInfo& table) {
  std::string columns;
  for (const event::ColumnInfo& column : table.columns) {
    columns += columns.empty() ? "" : ", ";
    columns.append("NULL::")
        .append(sql_type(column.type))
        .append(" AS ")
        .append(sql_name(column.name));
  }
  return "SELECT " + columns + " WHERE false";
}

std::string table_select(const std::string& dir, const event::TableInfo& table,
                         const std::vector<event::DataFile>& files) {
  if (files.empty()) return empty_select(table);
  std::string list;
  for (const event::DataFile& file : files) {
    list += list.empty() ? "" : ", ";
    list += sql_text(join_path(dir, file.path));
  }
  return "SELECT * FROM read_parquet([" + list + "], hive_partitioning = false)";
}

// The newest version of a dimension file: all columns text, empty ones null.
std::string dimension_select(const std::string& dir, std::string_view name,
                             const std::map<std::string, ledger::DimensionVersion>& versions) {
  const auto version = versions.find(std::string(name));
  if (version == versions.end())
    return "SELECT NULL::VARCHAR AS " + sql_name(state::dimension_key(name)) + " WHERE false";
  return "SELECT * FROM read_csv(" + sql_text(join_path(dir, version->second.path)) +
         ", header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')";
}

// Current credits: rows of credits_log that no later row has taken back.
std::string credits_select() {
  std::string keys;
  for (const event::ColumnInfo& column : event::find_table("credits_log")->columns) {
    if (column.name == "sign" || column.name == "commit") continue;
    keys += keys.empty() ? "" : ", ";
    keys += column.name;
  }
  return "SELECT " + keys + ", max(commit) FILTER (sign = 1) AS commit FROM credits_log GROUP BY " +
         keys + " HAVING sum(sign) > 0";
}

// Conversions beside the touches that have a share of them; `join` and `more` say of which policy.
std::string conversions_with_touches(const std::string& join, const std::string& more) {
  return R"(
SELECT c.* EXCLUDE (reported_campaign_id), c.reported_campaign_id, w.campaign_id, w.ad_group_id, w.creative_id,
       w.placement_id, w.website, w.touch_kind, w.touch_time, w.credit, w.value AS credited_value, w.lag_us)" +
         more + " FROM conversions c " + join + R"( credits w
  ON w.conversion_id = c.event_id AND w.advertiser_id = c.advertiser_id AND w.touch_id IS NOT NULL AND w.credit > 0)";
}

}  // namespace

std::vector<std::string> view_statements(const std::string& dir, const ledger::Ledger& ledger,
                                         int64_t as_of) {
  std::vector<std::string> statements;
  for (const event::TableInfo& table : event::all_tables()) {
    statements.push_back("CREATE VIEW " + sql_name(table.name) + " AS " +
                         table_select(dir, table, ledger.live_files(table.name, as_of)));
  }
  const auto dimensions = ledger.dimensions(as_of);
  for (const std::string_view name : state::dimension_names()) {
    statements.push_back("CREATE VIEW " + sql_name(name) + " AS " +
                         dimension_select(dir, name, dimensions));
  }
  statements.push_back("CREATE VIEW credits AS " + credits_select());
  // With the touch of the default policy that won them, if any: what KPIs count.
  statements.push_back("CREATE VIEW attributed_conversions AS " +
                       conversions_with_touches("LEFT JOIN", "") + " AND w.policy = 'default'");
  // By every policy, those alone that a touch has a share of.
  statements.push_back("CREATE VIEW credited_conversions AS " +
                       conversions_with_touches("JOIN", ", w.policy, w.model"));
  return statements;
}

}  // namespace adweave::query
