// SPDX-License-Identifier: Apache-2.0
#include "query/table_views.h"

#include <map>

#include "base/file_system.h"
#include "event/schema.h"
#include "query/given_tables.h"
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

// A row of nulls of the table's types.
std::string typed_nulls(const event::TableInfo& table) {
  std::string columns;
  for (const event::ColumnInfo& column : table.columns) {
    columns += columns.empty() ? "" : ", ";
    columns.append("NULL::")
        .append(sql_type(column.type))
        .append(" AS ")
        .append(sql_name(column.name));
  }
  return "SELECT " + columns;
}

// Fails whoever reads it, saying what is wrong.
std::string failing_select(const std::string& select, const std::string& problem) {
  return select + " WHERE error(" +
         sql_text(problem + "; run adweave verify, restore the file from a backup") + ") IS NULL";
}

// The table's rows as of a commit; merged files hold later ones too.
std::string table_select(const std::string& dir, const event::TableInfo& table,
                         const std::vector<event::DataFile>& files, int64_t as_of,
                         const std::map<std::string, std::string>& damaged) {
  std::string whole;
  std::string mixed;
  for (const event::DataFile& file : files) {
    const auto problem = damaged.find(file.path);
    if (problem != damaged.end()) return failing_select(typed_nulls(table), problem->second);
    std::string& list = file.commit <= as_of ? whole : mixed;
    list += list.empty() ? "" : ", ";
    list += sql_text(join_path(dir, file.path));
  }
  const auto rows_of = [](const std::string& list) {
    return "SELECT * FROM read_parquet([" + list + "], hive_partitioning = false)";
  };
  if (files.empty()) return typed_nulls(table) + " WHERE false";
  if (mixed.empty()) return rows_of(whole);
  const std::string earlier = rows_of(mixed) + " WHERE commit <= " + std::to_string(as_of);
  return whole.empty() ? earlier : rows_of(whole) + " UNION ALL " + earlier;
}

// A dimension that there is no file of.
std::string no_dimension(std::string_view name) {
  return "SELECT NULL::VARCHAR AS " + sql_name(state::dimension_key(name)) + " WHERE false";
}

// The newest version of a dimension file: all columns text, empty ones null.
std::string dimension_select(const std::string& dir, std::string_view name,
                             const std::map<std::string, ledger::DimensionVersion>& versions,
                             const std::map<std::string, std::string>& damaged) {
  const auto version = versions.find(std::string(name));
  if (version == versions.end()) return no_dimension(name);
  const auto problem = damaged.find(version->second.path);
  if (problem != damaged.end()) {
    return failing_select("SELECT NULL::VARCHAR AS " + sql_name(state::dimension_key(name)),
                          problem->second);
  }
  return "SELECT * FROM read_csv(" + sql_text(join_path(dir, version->second.path)) +
         ", header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')";
}

// Current credits: rows of credits_log that no later row has taken back.
std::string credits_select(bool are_taken_back) {
  std::string keys;
  for (const event::ColumnInfo& column : event::find_table("credits_log")->columns) {
    const bool key =
        column.name != "sign" && column.name != "commit" && column.name != "posting_date";
    if (!key) continue;
    keys += keys.empty() ? "" : ", ";
    keys += column.name;
  }
  if (!are_taken_back) return "SELECT " + keys + ", posting_date, commit FROM credits_log";
  return "SELECT " + keys +
         ", max(posting_date) FILTER (sign = 1) AS posting_date, max(commit) FILTER (sign = 1) AS "
         "commit FROM credits_log GROUP BY " +
         keys + " HAVING sum(sign) > 0";
}

// Clicks with what later commits found out about them.
constexpr const char* kClicksWithFacts = R"(
SELECT c.* REPLACE (
  coalesce(j.fact_value, c.impression_id) AS impression_id,
  CASE WHEN j.fact_value IS NULL THEN c.joined_by
       WHEN c.joined_by = 'none' AND c.impression_id IS NOT NULL THEN 'id' ELSE 'user_and_time' END AS joined_by,
  CASE WHEN j.fact_value IS NULL THEN c.flags ELSE coalesce(c.flags, 0) | 8 END AS flags,
  CASE WHEN d.fact_value IS NULL THEN c.is_double_click ELSE d.fact_value = 'true' END AS is_double_click)
FROM clicks_as_committed c
LEFT JOIN current_facts j ON j.kind = 'click' AND j.fact = 'joined_impression'
  AND j.event_id = c.event_id AND j.advertiser_id = c.advertiser_id
LEFT JOIN current_facts d ON d.kind = 'click' AND d.fact = 'double_click'
  AND d.event_id = c.event_id AND d.advertiser_id = c.advertiser_id)";

// Impressions with what their engagements say. Steps of interaction: semantics c.3.
constexpr const char* kMeasuredImpressions = R"(
SELECT i.* REPLACE (
  CASE WHEN e.viewed THEN true ELSE i.viewable END AS viewable,
  CASE WHEN e.viewable_ms IS NULL THEN i.time_on_ad_ms ELSE coalesce(i.time_on_ad_ms, 0) + e.viewable_ms END
    AS time_on_ad_ms,
  CASE WHEN e.steps IS NULL THEN i.interactions ELSE coalesce(i.interactions, 0) + e.steps END AS interactions)
FROM impressions i LEFT JOIN (
  SELECT impression_id, advertiser_id, bool_or(engagement_type = 'viewable') AS viewed,
         CAST(sum(duration_ms) FILTER (engagement_type = 'viewable') AS BIGINT) AS viewable_ms,
         count(DISTINCT engagement_type) FILTER (engagement_type NOT IN ('viewable', 'mute', 'close')) AS steps
  FROM engagements GROUP BY ALL) e
ON e.impression_id = i.event_id AND e.advertiser_id = i.advertiser_id)";

// Conversions that count, with the value that their adjustments leave.
constexpr const char* kCurrentConversions = R"(
SELECT c.* REPLACE (
  CASE WHEN a.restated IS NULL THEN c.value ELSE coalesce(a.restated.value, 0) END AS value,
  coalesce(a.restated.currency, c.currency) AS currency)
FROM conversions c LEFT JOIN (
  SELECT advertiser_id, adjusts, bool_or(adjustment = 'retraction') AS retracted,
         arg_max({'value': value, 'currency': currency}, (event_time, event_id))
           FILTER (adjustment = 'restatement') AS restated
  FROM conversions WHERE adjustment <> 'none' AND adjusts IS NOT NULL GROUP BY ALL) a
ON a.adjusts = c.event_id AND a.advertiser_id = c.advertiser_id
WHERE coalesce(c.adjustment, 'none') = 'none' AND NOT coalesce(a.retracted, false))";

// Credits as they were booked: corrections of a closed period stand in the open one.
constexpr const char* kPostedCredits =
    "SELECT * EXCLUDE (posting_date), posting_date AS event_time FROM credits_log WHERE credit > 0";

// Rejects as they stand now: rows that no later row has taken back.
std::string current_rejects_select() {
  std::string same;
  for (const char* column :
       {"source", "source_position", "outcome", "reason", "raw_hash", "first_seen", "attempt"}) {
    same += std::string(" AND taken.") + column + " = r." + column;
  }
  return "SELECT * FROM rejects r WHERE sign = 1 AND NOT EXISTS (SELECT 1 FROM rejects taken WHERE "
         "taken.sign = -1 AND taken.commit > r.commit" +
         same + ")";
}

// Conversions beside the touches that have a share of them; `join` and `more` say of which policy.
std::string conversions_with_touches(const std::string& join, const std::string& more) {
  return R"(
SELECT c.* REPLACE (CASE WHEN epoch_us(c.event_time) // 1000000 = epoch_us(w.touch_time) // 1000000
                         THEN coalesce(c.flags, 0) | 64 ELSE c.flags END AS flags), w.campaign_id, w.ad_group_id, w.creative_id,
       w.placement_id, w.website, w.touch_kind, w.touch_time, w.credit, w.value AS credited_value, w.lag_us)" +
         more + " FROM current_conversions c " + join + R"( credits w
  ON w.conversion_id = c.event_id AND w.advertiser_id = c.advertiser_id AND w.touch_id IS NOT NULL AND w.credit > 0)";
}

// What the rows of a table's files are called; `clicks` has what was found out about them later.
std::string view_name(const event::TableInfo& table) {
  return table.name == "clicks" ? "clicks_as_committed" : std::string(table.name);
}

std::string all_rows(const event::TableInfo& table) {
  return std::string(table.name) + " all";
}

std::string chosen_rows(const event::TableInfo& table, const RowChoice& choice) {
  const auto where = choice.where.find(table.name);
  return "SELECT * FROM " + sql_name(all_rows(table)) +
         (where == choice.where.end() ? "" : " WHERE " + where->second);
}

std::string create_view(std::string_view name, const std::string& select) {
  return "CREATE VIEW " + sql_name(name) + " AS " + select;
}

// What is derived from the tables.
void add_derived(const RowKinds& kinds, std::vector<std::string>& statements) {
  const auto view = [&](std::string_view name, const std::string& select) {
    statements.push_back(create_view(name, select));
  };
  view("current_facts",
       "SELECT event_id, advertiser_id, kind, fact, fact_value, max(commit) FILTER (sign = 1) AS "
       "commit FROM facts GROUP BY ALL HAVING sum(sign) > 0");
  view("clicks", kinds.facts ? kClicksWithFacts : "SELECT * FROM clicks_as_committed");
  view("measured_impressions",
       kinds.engagements ? kMeasuredImpressions : "SELECT * FROM impressions");
  view("current_conversions",
       kinds.adjustments ? kCurrentConversions : "SELECT * FROM conversions");
  view("credits", credits_select(kinds.taken_back));
  view("current_rejects", current_rejects_select());
  // With the touch of the default policy that won them, if any: what KPIs count.
  view("attributed_conversions",
       conversions_with_touches("LEFT JOIN", "") + " AND w.policy = 'default'");
  // By every policy, those alone that a touch has a share of.
  view("credited_conversions", conversions_with_touches("JOIN", ", w.policy, w.model"));
  view("posted_credits", kPostedCredits);
  view("posted_conversions", "SELECT * FROM posted_credits WHERE policy = 'default'");
}

}  // namespace

std::vector<std::string> view_statements(const std::string& dir, const ledger::Ledger& ledger,
                                         int64_t as_of,
                                         const std::map<std::string, std::string>& damaged,
                                         const RowChoice* choice) {
  std::vector<std::string> statements;
  const auto view = [&](std::string_view name, const std::string& select) {
    statements.push_back(create_view(name, select));
  };
  const auto has = [&](std::string_view table) { return !ledger.live_files(table, as_of).empty(); };
  for (const event::TableInfo& table : event::all_tables()) {
    view(choice == nullptr ? view_name(table) : all_rows(table),
         table_select(dir, table, ledger.live_files(table.name, as_of), as_of, damaged));
  }
  for (const event::TableInfo& table : event::all_tables()) {
    if (choice != nullptr) view(view_name(table), chosen_rows(table, *choice));
  }
  const auto dimensions = ledger.dimensions(choice == nullptr ? as_of : choice->dimensions);
  for (const std::string_view name : state::reference_names())
    view(name, dimension_select(dir, name, dimensions, damaged));
  add_derived({.facts = has("facts"), .engagements = has("engagements")}, statements);
  return statements;
}

std::vector<std::string> given_view_statements(const RowKinds& kinds) {
  std::vector<std::string> statements;
  for (const event::TableInfo& table : event::all_tables())
    statements.push_back(create_view(view_name(table), given_select(table)));
  for (const std::string_view name : state::reference_names())
    statements.push_back(create_view(name, no_dimension(name)));
  add_derived(kinds, statements);
  return statements;
}

std::string derived_view_texts() {
  return std::string(kClicksWithFacts) + kMeasuredImpressions + kCurrentConversions +
         credits_select(true) + conversions_with_touches("LEFT JOIN", "");
}

}  // namespace adweave::query
