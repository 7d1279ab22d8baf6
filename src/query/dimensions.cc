// SPDX-License-Identifier: Apache-2.0
#include "query/dimensions.h"

#include <algorithm>
#include <array>

#include "event/schema.h"
#include "state/dimensions.h"

namespace adweave::query {

namespace {

struct TimeDimension {
  std::string_view name;
  std::string_view sql;  // over the local timestamp `@`
};

constexpr std::array<TimeDimension, 8> kTimeDimensions = {{
    {"minute", "strftime(@, '%Y-%m-%dT%H:%M')"},
    {"quarter_hour", "strftime(time_bucket(INTERVAL 15 MINUTE, @), '%Y-%m-%dT%H:%M')"},
    {"hour", "strftime(@, '%Y-%m-%dT%H:00')"},
    {"day", "strftime(@, '%Y-%m-%d')"},
    {"week", "strftime(date_trunc('week', @), '%Y-%m-%d')"},
    {"month", "strftime(@, '%Y-%m')"},
    {"hour_of_day", "hour(@)"},
    {"day_of_week", "isodow(@)"},
}};

// "campaigns" -> "campaign": what its key is named after.
std::string_view thing_of(std::string_view dimension) {
  std::string_view key = state::dimension_key(dimension);
  key.remove_suffix(std::string_view("_id").size());
  return key;
}

// Columns of a table or view that a report may read.
bool has_column(std::string_view table, std::string_view column) {
  const bool credited = table == "credited_conversions" || table == "posted_credits";
  const bool posted = table == "posted_conversions" || table == "posted_credits";
  if (table == "current_rejects") table = "rejects";
  if (column == "policy" || column == "model") return credited;
  const std::string_view base = posted                                          ? "credits_log"
                                : table == "measured_impressions"               ? "impressions"
                                : credited || table == "attributed_conversions" ? "conversions"
                                                                                : table;
  const std::array<std::string_view, 5> touch = {"campaign_id", "ad_group_id", "creative_id",
                                                 "placement_id", "website"};
  if (base != table && std::find(touch.begin(), touch.end(), column) != touch.end()) return true;
  const event::TableInfo* info = event::find_table(base);
  return std::any_of(info->columns.begin(), info->columns.end(),
                     [&](const auto& c) { return c.name == column; });
}

std::string key_of(std::string_view thing) {
  return std::string(thing) + "_id";
}

// "campaign.budget": no column of a table has a dot in its name.
std::string joined_name(std::string_view thing, std::string_view column) {
  return sql_name(std::string(thing) + "." + std::string(column));
}

// The end of a version's validity, open where the file does not say.
std::string bound(const std::vector<std::string>& columns, std::string_view column,
                  std::string_view open) {
  const bool given = std::find(columns.begin(), columns.end(), column) != columns.end();
  const std::string value = given ? std::string(column) : "NULL";
  return "coalesce(" + value + "::TIMESTAMPTZ, '" + std::string(open) + "'::TIMESTAMPTZ)";
}

}  // namespace

std::vector<std::string> report_dimensions() {
  std::vector<std::string> names;
  for (const TimeDimension& dimension : kTimeDimensions) names.emplace_back(dimension.name);
  for (const event::FieldInfo& field : event::all_fields()) {
    const bool groups = field.type == event::Type::Dict || field.type == event::Type::Bool ||
                        field.field == event::Field::weekday;
    if (groups) names.emplace_back(field.name);
  }
  names.emplace_back("policy");
  names.emplace_back("model");
  for (const std::string_view dimension : state::dimension_names())
    names.push_back(std::string(thing_of(dimension)) + "_name");
  return names;
}

Result<DimensionCatalogue> DimensionCatalogue::read(const SqlEngine& sql) {
  DimensionCatalogue catalogue;
  const auto read_columns = [&](std::string_view file,
                                std::vector<std::string>& columns) -> Status {
    ADWEAVE_ASSIGN(const QueryResult described,
                   sql.query("SELECT column_name FROM duckdb_columns() WHERE table_name = " +
                             sql_text(file) + " ORDER BY column_index"));
    for (const auto& row : described.rows) columns.push_back(*row[0].as_string());
    return {};
  };
  for (const std::string_view dimension : state::dimension_names()) {
    ADWEAVE_TRY(read_columns(dimension, catalogue.columns_[std::string(thing_of(dimension))]));
  }
  ADWEAVE_TRY(read_columns("exchange_rates", catalogue.rate_columns_));
  return catalogue;
}

std::vector<std::string> DimensionCatalogue::names() const {
  std::vector<std::string> names = report_dimensions();
  for (const auto& [thing, columns] : columns_) {
    for (const std::string& column : columns) names.push_back(thing + "." + column);
  }
  return names;
}

DimensionCatalogue::Attribute DimensionCatalogue::attribute(std::string_view name) const {
  for (const auto& [thing, columns] : columns_) {
    const auto has = [&](std::string_view column) {
      return std::find(columns.begin(), columns.end(), column) != columns.end();
    };
    // campaign_name is the file's campaign_name, or its name.
    if (name == thing + "_name")
      return {thing, has(name) ? std::string(name) : has("name") ? "name" : ""};
    if (name.starts_with(thing + ".")) {
      const std::string_view column = name.substr(thing.size() + 1);
      return {thing, has(column) ? std::string(column) : ""};
    }
  }
  return {};
}

bool DimensionCatalogue::lacks_file(std::string_view name) const {
  const Attribute found = attribute(name);
  return !found.thing.empty() && found.column.empty();
}

std::string DimensionCatalogue::select(std::string_view name, std::string_view table,
                                       std::string_view time, const std::string& zone) const {
  std::string sql = "NULL";
  const Attribute found = attribute(name);
  if (!found.column.empty() && has_column(table, key_of(found.thing)))
    sql = joined_name(found.thing, found.column);
  else if (found.thing.empty() && has_column(table, name))
    sql = sql_name(name);
  // What a replay has made of a source's rejects is that source's.
  if (name == "source" && table == "audit") sql = "regexp_replace(source, '^replay:', '')";
  for (const TimeDimension& dimension : kTimeDimensions) {
    if (dimension.name != name) continue;
    sql = dimension.sql;
    sql.replace(sql.find('@'), 1,
                "(" + std::string(time) + " AT TIME ZONE " + sql_text(zone) + ")");
  }
  return sql + " AS " + sql_name(name);
}

std::string DimensionCatalogue::joins(const std::vector<std::string>& names,
                                      std::string_view table) const {
  std::string sql;
  for (const std::string_view dimension : state::dimension_names()) {
    const std::string_view thing = thing_of(dimension);
    const std::string key = key_of(thing);
    std::string wanted;
    for (const std::string& name : names) {
      const Attribute found = attribute(name);
      if (found.thing != thing || found.column.empty()) continue;
      const std::string item =
          ", " + sql_name(found.column) + " AS " + joined_name(thing, found.column);
      if (wanted.find(item) == std::string::npos) wanted += item;
    }
    if (wanted.empty() || !has_column(table, key)) continue;
    const auto& columns = columns_.find(thing)->second;
    // Names with a space, which no wanted column has: its name begins with "campaign.".
    const auto own = [&](std::string_view what) {
      return sql_name(std::string(thing) + " " + std::string(what));
    };
    sql += " LEFT JOIN (SELECT " + key + " AS " + own("key") + ", " +
           bound(columns, "valid_from", "-infinity") + " AS " + own("from") + ", " +
           bound(columns, "valid_to", "infinity") + " AS " + own("to") + wanted + " FROM " +
           sql_name(dimension) + ") ON " + own("key") + " = " + key + " AND " + own("from") +
           " <= event_time AND event_time < " + own("to");
  }
  return sql;
}

std::vector<std::string> DimensionCatalogue::reporting_currencies() const {
  std::vector<std::string> names = rate_columns_;
  std::erase_if(names, [](const std::string& name) {
    return name == "currency" || name == "valid_from" || name == "valid_to";
  });
  return names;
}

std::string DimensionCatalogue::rate_join(const std::string& currency) const {
  const std::string rate =
      "CAST(CAST(" + sql_name(currency) + " AS DECIMAL(27, 9)) * 1000000000 AS HUGEINT)";
  const std::string day = "(date_trunc('day', event_time AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')";
  return " LEFT JOIN (SELECT currency AS \"rate of\", " +
         bound(rate_columns_, "valid_from", "-infinity") + " AS \"rate from\", " +
         bound(rate_columns_, "valid_to", "infinity") + " AS \"rate to\", " + rate + " AS " +
         std::string(kRate) + " FROM exchange_rates WHERE currency <> " + sql_text(currency) +
         " UNION ALL SELECT " + sql_text(currency) +
         ", '-infinity'::TIMESTAMPTZ, 'infinity'::TIMESTAMPTZ, 1000000000) ON \"rate of\" = "
         "currency AND \"rate from\" <= " +
         day + " AND " + day + " < \"rate to\"";
}

}  // namespace adweave::query
