// SPDX-License-Identifier: Apache-2.0
#include "query/report.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/money.h"
#include "base/time_zone.h"
#include "query/cells.h"
#include "query/dimensions.h"
#include "query/metrics.h"

namespace adweave::query {

namespace {

constexpr std::string_view kCurrencies = "currencies_";  // of amounts; when converted, without rate
constexpr int64_t kRateUnit = 1'000'000'000;

bool is_money(const Metric& metric) {
  return std::any_of(all_measures().begin(), all_measures().end(), [&](const Measure& measure) {
    return measure.money &&
           (measure.name == metric.numerator || measure.name == metric.denominator);
  });
}

// Sums by what cells know, dated as they are, are sums of cells.
bool can_answer_from_cells(const ReportQuery& query) {
  if (query.date_by != DateBy::conversion || !query.currency.empty()) return false;
  if (!std::all_of(query.by.begin(), query.by.end(), is_cell_dimension)) return false;
  return std::all_of(query.metrics.begin(), query.metrics.end(), [](const std::string& name) {
    const Metric& metric = *find_metric(name);
    return std::all_of(all_measures().begin(), all_measures().end(), [&](const Measure& measure) {
      const bool used = measure.name == metric.numerator || measure.name == metric.denominator;
      return !used || find_cell_measure(measure) != nullptr;
    });
  });
}

// Builds the statement: per table its measures by the dimensions, all tables together, then the
// metrics.
class Compiler {
 public:
  Compiler(const ReportQuery& query, const DimensionCatalogue& dimensions, bool has_warehouse)
      : query_(query),
        dimensions_(dimensions),
        from_cells_(has_warehouse && can_answer_from_cells(query)) {
    for (const std::string& name : query.metrics) {
      const Metric& metric = *find_metric(name);
      metrics_.push_back(&metric);
      measures_.insert(metric.numerator);
      if (!metric.denominator.empty()) measures_.insert(metric.denominator);
    }
  }

  const std::vector<const Metric*>& metrics() const { return metrics_; }

  std::string sql() const {
    std::string parts;
    for (const std::string_view table : tables()) {
      parts += parts.empty() ? "" : " UNION ALL BY NAME ";
      parts += table_select(table);
    }
    std::string sums = keys("");
    for (const std::string_view measure : measures_) append(sums, sum_of(measure));
    append(sums, "list_distinct(flatten(list(" + std::string(kCurrencies) + "))) AS " +
                     std::string(kCurrencies));
    std::string values = keys("");
    for (const Metric* metric : metrics_) append(values, metric_column(*metric));
    append(values, "len(" + std::string(kCurrencies) + ") AS " + std::string(kCurrencies));
    std::string sql = "SELECT " + values + " FROM (SELECT " + sums + " FROM (" + parts + ")";
    if (!query_.by.empty()) sql += " GROUP BY ALL";
    sql += ")";
    if (!query_.by.empty()) sql += " ORDER BY " + keys("");
    return sql;
  }

 private:
  static void append(std::string& list, const std::string& item) {
    if (!list.empty()) list += ", ";
    list += item;
  }

  // Credits are the default policy's, or, by policy or model, those of each.
  std::string_view table_of(const Measure& measure) const {
    const bool by_policy = std::any_of(query_.by.begin(), query_.by.end(), [](const auto& name) {
      return name == "policy" || name == "model";
    });
    const bool all = by_policy && measure.credited;
    if (query_.date_by == DateBy::posting && measure.table == "attributed_conversions")
      return all ? "posted_credits" : "posted_conversions";
    return all ? "credited_conversions" : measure.table;
  }

  bool converts() const { return !query_.currency.empty(); }

  std::string_view time_of(std::string_view table) const {
    if (from_cells_) return "cell";
    if (table == "audit") return "posting_date";
    if (table == "current_rejects") return "first_seen";
    const bool of_touch = query_.date_by == DateBy::touch && table.ends_with("_conversions");
    return of_touch ? "coalesce(touch_time, event_time)" : "event_time";
  }

  std::vector<std::string_view> tables() const {
    std::vector<std::string_view> tables;
    for (const Measure& measure : all_measures()) {
      const bool used = measures_.contains(measure.name);
      const std::string_view table = table_of(measure);
      if (used && std::find(tables.begin(), tables.end(), table) == tables.end())
        tables.push_back(table);
    }
    return tables;
  }

  std::string keys(std::string_view suffix) const {
    std::string list;
    for (const std::string& name : query_.by) append(list, sql_name(name) + std::string(suffix));
    return list;
  }

  std::string table_select(std::string_view table) const {
    std::string list;
    for (const std::string& name : query_.by) {
      append(list, dimensions_.select(name, table, time_of(table), query_.zone));
    }
    bool money = false;
    for (const Measure& measure : all_measures()) {
      if (table_of(measure) != table || !measures_.contains(measure.name)) continue;
      append(list, aggregate(measure, table) + " AS " + std::string(measure.name));
      money = money || measure.money;
    }
    append(list,
           (money ? currencies_of(table) : "NULL::VARCHAR[]") + " AS " + std::string(kCurrencies));
    std::string sql =
        "SELECT " + list + " FROM " + rows_of(table) + dimensions_.joins(query_.by, table);
    if (money && converts()) sql += dimensions_.rate_join(query_.currency);
    if (!query_.by.empty()) sql += " GROUP BY " + positions(query_.by.size());
    return sql;
  }

  std::string rows_of(std::string_view table) const {
    if (!from_cells_) return std::string(table);
    return "(SELECT * FROM warehouse.cells WHERE of_table = " + sql_text(table) + ")";
  }

  std::string aggregate(const Measure& measure, std::string_view table) const {
    if (from_cells_) {
      const std::string divisor = find_cell_measure(measure)->divisor;
      return "sum(" + std::string(measure.name) + ")" + (divisor.empty() ? "" : " / " + divisor);
    }
    const std::string_view sql = table.starts_with("posted_") ? measure.posted : measure.aggregate;
    if (!measure.money) return std::string(sql);
    return money_sum(sql, converts() ? DimensionCatalogue::kRate : "");
  }

  // Of the amounts; when they are converted, of those without a rate.
  std::string currencies_of(std::string_view table) const {
    const bool value = table.ends_with("_conversions") || table == "posted_credits";
    std::string filter = std::string(value ? "value" : "cost") + " IS NOT NULL";
    if (from_cells_) filter = "has_amount";
    if (converts()) filter += " AND " + std::string(DimensionCatalogue::kRate) + " IS NULL";
    return "list(DISTINCT coalesce(currency, '')) FILTER (" + filter + ")";
  }

  // What was not counted is 0; what was not measured (an amount, a time) is null.
  static std::string sum_of(std::string_view name) {
    const bool count =
        std::any_of(all_measures().begin(), all_measures().end(), [&](const Measure& measure) {
          return measure.name == name && measure.aggregate.starts_with("count(");
        });
    const std::string sum = "sum(" + std::string(name) + ")";
    return (count ? "coalesce(" + sum + ", 0)" : sum) + " AS " + std::string(name);
  }

  static std::string positions(size_t count) {
    std::string list;
    for (size_t i = 1; i <= count; ++i) append(list, std::to_string(i));
    return list;
  }

  // Counts are 0 where nothing was counted; the rest is null.
  std::string metric_column(const Metric& metric) const {
    std::string sql = metric_sql(metric, converts() ? kRateUnit : 1);
    if (metric.unit == Unit::count) sql = "coalesce(" + sql + ", 0)";
    if (is_money(metric)) {
      sql = "CASE WHEN coalesce(len(" + std::string(kCurrencies) +
            "), 0) <= " + (converts() ? "0" : "1") + " THEN " + sql + " END";
    }
    return sql + " AS " + sql_name(metric.name);
  }

  const ReportQuery& query_;
  const DimensionCatalogue& dimensions_;
  bool from_cells_;  // of the warehouse
  std::vector<const Metric*> metrics_;
  std::set<std::string_view> measures_;
};

// Only what is booked with the credits has a posting date; deliveries have their own time.
Status check_posting(const ReportQuery& query) {
  if (query.date_by != DateBy::posting) return {};
  for (const std::string& name : query.metrics) {
    const Metric& metric = *find_metric(name);
    for (const Measure& measure : all_measures()) {
      const bool used = measure.name == metric.numerator || measure.name == metric.denominator;
      if (!used || measure.table != "attributed_conversions" || !measure.posted.empty()) continue;
      return Error{ErrorCode::query, "'" + name + "' cannot be dated by posting",
                   "leave it out, or date by conversion"};
    }
  }
  return {};
}

Status check_currency(const ReportQuery& query, const DimensionCatalogue& dimensions) {
  const std::vector<std::string> known = dimensions.reporting_currencies();
  if (query.currency.empty() ||
      std::find(known.begin(), known.end(), query.currency) != known.end())
    return {};
  std::string list;
  for (const std::string& name : known) list.append(list.empty() ? "" : ", ").append(name);
  return Error{ErrorCode::query, "there are no exchange rates into '" + query.currency + "'",
               list.empty() ? "name a file of them in the configuration: dimensions: "
                              "{exchange_rates: rates.csv}, and run"
                            : "the file exchange_rates has columns for: " + list};
}

Status check_names(const ReportQuery& query, const std::vector<std::string>& dimensions) {
  std::vector<std::string> metrics;
  for (const Metric& metric : all_metrics()) metrics.emplace_back(metric.name);
  const auto check = [](const std::vector<std::string>& names,
                        const std::vector<std::string>& known, const std::string& what) -> Status {
    for (const std::string& name : names) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const std::string meant = closest_name(name, known);
      return Error{
          ErrorCode::query, "there is no " + what + " '" + name + "'",
          meant.empty() ? "docs/reference/metrics.md lists them" : "did you mean '" + meant + "'?"};
    }
    return {};
  };
  ADWEAVE_TRY(check(query.by, dimensions, "dimension"));
  ADWEAVE_TRY(check(query.metrics, metrics, "metric"));
  ADWEAVE_TRY(check_posting(query));
  const Result<TimeZone> zone = TimeZone::find(query.zone);
  return zone ? Status() : Error{ErrorCode::query, zone.error().message, zone.error().fix};
}

// Money leaves SQL as nanos and is shown as a decimal.
void show_money(QueryResult& table, const std::vector<const Metric*>& metrics, size_t first) {
  for (size_t i = 0; i < metrics.size(); ++i) {
    if (metrics[i]->unit != Unit::money) continue;
    for (auto& row : table.rows) {
      JsonValue& cell = row[first + i];
      if (const int64_t* nanos = cell.as_int())
        cell = format_nanos(*nanos);
      else if (const std::string* digits = cell.as_string()) {
        Int128 wide = 0;
        const bool negative = digits->starts_with('-');
        for (const char c : std::string_view(*digits).substr(negative ? 1 : 0))
          wide = wide * 10 + (c - '0');
        cell = format_nanos(negative ? -wide : wide);
      }
    }
  }
}

}  // namespace

namespace {

// Optimal string alignment: insertions, deletions, changes and swaps of neighbours.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  std::iota(above.begin(), above.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

// At most a third of the name may differ.
std::string closest_name(std::string_view name, const std::vector<std::string>& known) {
  std::string best;
  size_t best_distance = std::max<size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(name, candidate);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = candidate;
  }
  return best;
}

Result<Report> run_report(const SqlEngine& sql, const ReportQuery& asked) {
  ReportQuery query = asked;
  if (query.metrics.empty())
    query.metrics.assign(default_metrics().begin(), default_metrics().end());
  ADWEAVE_ASSIGN(const DimensionCatalogue dimensions, DimensionCatalogue::read(sql));
  ADWEAVE_TRY(check_names(query, dimensions.names()));
  ADWEAVE_TRY(check_currency(query, dimensions));
  const Compiler compiler(query, dimensions, sql.has_warehouse());
  Report report;
  ADWEAVE_ASSIGN(report.table, sql.query(compiler.sql()));
  show_money(report.table, compiler.metrics(), query.by.size());

  const bool money = std::any_of(compiler.metrics().begin(), compiler.metrics().end(),
                                 [](const Metric* metric) { return is_money(*metric); });
  bool mixed = false;
  report.table.columns.pop_back();
  for (auto& row : report.table.rows) {
    const int64_t* currencies = row.back().as_int();
    mixed = mixed || (currencies != nullptr && *currencies > (query.currency.empty() ? 1 : 0));
    row.pop_back();
  }
  if (money && mixed) {
    report.notes.push_back(
        query.currency.empty()
            ? "amounts of several currencies are never added: such cells are empty; add --by "
              "currency"
            : "some amounts have no exchange rate into " + query.currency +
                  " on their day: such cells are empty; --by currency,day shows which");
  }
  for (const std::string& name : query.by) {
    if (dimensions.lacks_file(name))
      report.notes.push_back(name + " is empty: no dimension file of this folder has it");
  }
  return report;
}

}  // namespace adweave::query
