// SPDX-License-Identifier: Apache-2.0
#include "query/cells.h"

#include <algorithm>
#include <array>
#include <set>

#include "query/dimensions.h"
#include "query/sql_engine.h"

namespace adweave::query {

namespace {

constexpr std::array<std::string_view, 9> kDimensions = {
    "advertiser_id", "campaign_id", "ad_group_id", "creative_id",    "placement_id",
    "website",       "currency",    "source",      "conversion_type"};

constexpr std::array<std::string_view, 7> kTimes = {
    "quarter_hour", "hour", "day", "week", "month", "hour_of_day", "day_of_week"};

// "sum(credit) / 1000000000": the sum alone, and what it is divided by.
CellMeasure cell_measure(const Measure& measure) {
  CellMeasure cell{measure.name, measure.table, std::string(measure.aggregate), "", measure.money};
  if (measure.money) {
    cell.sum = money_sum(measure.aggregate);
    return cell;
  }
  const size_t at = measure.aggregate.rfind(" / ");
  if (at == std::string_view::npos) return cell;
  cell.sum = measure.aggregate.substr(0, at);
  cell.divisor = measure.aggregate.substr(at + 3);
  return cell;
}

std::vector<CellMeasure> make_measures() {
  std::set<std::string_view> used;
  for (const Metric& metric : all_metrics()) {
    if (metric.kind != MetricKind::additive && metric.kind != MetricKind::ratio) continue;
    used.insert(metric.numerator);
    used.insert(metric.denominator);
  }
  std::vector<CellMeasure> measures;
  for (const Measure& measure : all_measures()) {
    const bool of_receipt = measure.table == "audit" || measure.table == "current_rejects";
    if (used.contains(measure.name) && !of_receipt) measures.push_back(cell_measure(measure));
  }
  return measures;
}

}  // namespace

std::string cell_of(std::string_view time) {
  return "time_bucket(INTERVAL 15 MINUTE, " + std::string(time) + ")";
}

const std::vector<CellMeasure>& cell_measures() {
  static const std::vector<CellMeasure> kMeasures = make_measures();
  return kMeasures;
}

const CellMeasure* find_cell_measure(const Measure& measure) {
  for (const CellMeasure& cell : cell_measures()) {
    if (cell.name == measure.name && cell.table == measure.table) return &cell;
  }
  return nullptr;
}

bool is_cell_dimension(std::string_view name) {
  return std::find(kDimensions.begin(), kDimensions.end(), name) != kDimensions.end() ||
         std::find(kTimes.begin(), kTimes.end(), name) != kTimes.end();
}

std::string cell_columns() {
  std::string columns = "of_table VARCHAR, cell TIMESTAMPTZ";
  for (const std::string_view name : kDimensions)
    columns.append(", ").append(name).append(" VARCHAR");
  columns += ", has_amount BOOLEAN";
  std::set<std::string_view> known;
  for (const CellMeasure& measure : cell_measures()) {
    if (known.insert(measure.name).second)
      columns.append(", ").append(measure.name).append(" HUGEINT");
  }
  return columns;
}

std::vector<std::string_view> cell_tables() {
  std::vector<std::string_view> tables;
  for (const CellMeasure& measure : cell_measures()) {
    if (std::find(tables.begin(), tables.end(), measure.table) == tables.end())
      tables.push_back(measure.table);
  }
  return tables;
}

std::string cells_select(std::string_view table, const std::string& where) {
  const DimensionCatalogue fields;
  std::string sql =
      "SELECT " + sql_text(table) + " AS of_table, " + cell_of("event_time") + " AS cell";
  for (const std::string_view name : kDimensions)
    sql += ", " + fields.select(name, table, "event_time", "UTC");
  bool money = false;
  for (const CellMeasure& measure : cell_measures()) {
    if (measure.table != table) continue;
    sql.append(", CAST(").append(measure.sum).append(" AS HUGEINT) AS ").append(measure.name);
    money = money || measure.money;
  }
  if (money) {
    const std::string_view amount = table.ends_with("conversions") ? "value" : "cost";
    sql.append(", bool_or(").append(amount).append(" IS NOT NULL) AS has_amount");
  }
  sql.append(" FROM ").append(table);
  if (!where.empty()) sql += " WHERE " + cell_of("event_time") + " IN (" + where + ")";
  return sql + " GROUP BY ALL";
}

std::string all_cells_select(const std::string& where) {
  std::string sql;
  for (const std::string_view table : cell_tables())
    sql += (sql.empty() ? "" : " UNION ALL BY NAME ") + cells_select(table, where);
  return sql;
}

std::string kpi_select(const std::string& cells) {
  std::string sql = "SELECT cell";
  for (const std::string_view name : kDimensions) sql.append(", ").append(name);
  std::set<std::string_view> known;
  for (const CellMeasure& measure : cell_measures()) {
    if (!known.insert(measure.name).second) continue;
    std::string sum = "sum(" + std::string(measure.name) + ")";
    if (measure.money)
      sum = "CAST(" + sum + " AS DECIMAL(29,0)) * CAST(0.000000001 AS DECIMAL(9,9))";
    if (!measure.divisor.empty()) sum += " / " + measure.divisor;
    sql.append(", ").append(sum).append(" AS ").append(measure.name);
  }
  return sql + " FROM (" + cells + ") GROUP BY ALL";
}

}  // namespace adweave::query
