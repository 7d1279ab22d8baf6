// SPDX-License-Identifier: Apache-2.0
#include "query/diff.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "base/limits.h"
#include "base/money.h"
#include "event/flags.h"
#include "event/schema.h"
#include "query/metrics.h"
#include "query/report.h"

namespace adweave::query {

namespace {

enum Cause : size_t {
  kOnTime,
  kLate,
  kReattributed,
  kFoundLater,
  kAdjusted,
  kReplayed,
  kNewDimensions,
  kCauses
};

constexpr std::array<DiffCause, kCauses> kCauseTexts = {{
    {"on_time", "new events on time, and the credits of new conversions"},
    {"late", "new events received over a day late"},
    {"reattributed",
     "other credits of conversions known before: touches or conversions that came late"},
    {"found_later", "joins and double clicks found later"},
    {"adjusted", "retractions and restatements"},
    {"replayed", "rejects that were fixed and replayed"},
    {"dimensions", "newer dimension files: names and columns to group by"},
}};

constexpr std::array<std::string_view, 7> kUsualMetrics = {
    "impressions", "clicks",  "conversions",       "attributed_conversions",
    "spend",       "revenue", "attributed_revenue"};

// Rows by cause: SQL that is -1 for what the first commit has, else the Cause of a row.
class Causes {
 public:
  Causes(const ledger::Ledger& ledger, const DiffQuery& query)
      : before_(std::to_string(query.before)) {
    for (const int64_t replay : ledger.summary().replays) {
      if (replay <= query.before || replay > query.after) continue;
      replays_ += (replays_.empty() ? "" : ", ") + std::to_string(replay);
    }
  }

  // SQL of the causes that rows have.
  std::string present() const {
    std::string sql;
    for (const event::TableInfo& table : event::all_tables()) {
      sql += sql.empty() ? "" : " UNION ";
      sql +=
          "SELECT DISTINCT " + cause(table) + " FROM " + sql_name(std::string(table.name) + " all");
    }
    return sql;
  }

  // Conditions for the rows of the first commit and of the causes up to `last`.
  std::map<std::string, std::string, std::less<>> conditions(size_t last) const {
    std::map<std::string, std::string, std::less<>> where;
    for (const event::TableInfo& table : event::all_tables())
      where[std::string(table.name)] = cause(table) + " <= " + std::to_string(last);
    return where;
  }

 private:
  std::string cause(const event::TableInfo& table) const {
    const std::string known = "commit <= " + before_;
    if (table.kind) return event_cause(table.kind == event::Kind::conversion, known);
    if (table.name == "credits_log") return credit_cause(sql_name("credits_log all"), known);
    return "CASE WHEN " + known + " THEN -1 ELSE " +
           std::to_string(table.name == "facts" ? kFoundLater : kOnTime) + " END";
  }

  std::string event_cause(bool conversion, const std::string& known) const {
    const auto when = [](const std::string& condition, Cause cause) {
      return " WHEN " + condition + " THEN " + std::to_string(cause);
    };
    std::string sql = "CASE WHEN " + known + " THEN -1";
    if (!replays_.empty()) sql += when("commit IN (" + replays_ + ")", kReplayed);
    if (conversion) sql += when("coalesce(adjustment, 'none') != 'none'", kAdjusted);
    sql += when("flags & " + std::to_string(event::kLate) + " != 0", kLate);
    return sql + " ELSE " + std::to_string(kOnTime) + " END";
  }

  // All credits of a conversion go with the conversion, or have the cause of the first change that
  // came after it: so what was booked and taken back stays together.
  std::string credit_cause(const std::string& row, const std::string& known) const {
    const auto exists = [&](const std::string& from, const std::string& condition) {
      return "EXISTS (SELECT 1 FROM " + from + " WHERE " + condition + ")";
    };
    const std::string conversion =
        "c.advertiser_id = " + row + ".advertiser_id AND c.event_id = " + row + ".conversion_id";
    const std::string since = " > " + before_ + " AND ";
    const std::string until = " <= " + row + ".commit";
    const std::string adjusted =
        exists(R"("conversions all" a)",
               "a.advertiser_id = " + row + ".advertiser_id AND a.adjusts = " + row +
                   ".conversion_id AND a.commit" + since + "a.commit" + until);
    const std::string known_conversion =
        exists(R"("conversions all" c)", conversion + " AND c.commit <= " + before_);
    const std::string found = exists(
        R"("credits_log all" l JOIN "facts all" f ON f.event_id = l.touch_id AND f.advertiser_id = l.advertiser_id AND f.commit = l.commit)",
        "l.advertiser_id = " + row + ".advertiser_id AND l.conversion_id = " + row +
            ".conversion_id AND l.commit" + since + "l.commit" + until +
            " AND f.fact = 'double_click'");
    return "CASE WHEN " + known + " THEN -1 WHEN " + adjusted + " THEN " +
           std::to_string(kAdjusted) + " WHEN " + known_conversion + " THEN CASE WHEN " + found +
           " THEN " + std::to_string(kFoundLater) + " ELSE " + std::to_string(kReattributed) +
           " END ELSE coalesce((SELECT min(" + event_cause(true, "false") +
           R"() FROM "conversions all" c WHERE )" + conversion + "), " + std::to_string(kOnTime) +
           ") END";
  }

  std::string before_;
  std::string replays_;  // numbers of commits
};

// A number of a report as an integer: nanos of money, ppb of credit, or a count.
Int128 scaled(const JsonValue& value, Unit unit) {
  if (const int64_t* number = value.as_int())
    return unit == Unit::number ? static_cast<Int128>(*number) * limits::kCreditPpb : *number;
  if (const double* number = value.as_double())
    return static_cast<Int128>(std::llround(*number * static_cast<double>(limits::kCreditPpb)));
  Int128 wide = 0;
  const std::string* text = value.as_string();
  if (text == nullptr) return wide;
  for (const char c : *text) {
    if (c >= '0' && c <= '9') wide = wide * 10 + (c - '0');
  }
  return text->starts_with('-') ? -wide : wide;
}

JsonValue shown(Int128 value, Unit unit) {
  if (unit == Unit::count) return static_cast<int64_t>(value);
  return format_nanos(value);
}

// The reports of every step, beside each other.
class Steps {
 public:
  Steps(const DiffQuery& query, bool money) : query_(query), by_(query.by) {
    for (const std::string& name : query.metrics) {
      const Metric* metric = find_metric(name);
      if ((metric->unit == Unit::money) == money) metrics_.push_back(metric);
    }
    const bool given = std::find(by_.begin(), by_.end(), "currency") != by_.end();
    split_ = money && !given;
    if (split_) by_.emplace_back("currency");
  }

  bool empty() const { return metrics_.empty(); }

  Status take(const SqlEngine& sql, size_t step) {
    ReportQuery query{by_, {}, query_.zone};
    for (const Metric* metric : metrics_) query.metrics.emplace_back(metric->name);
    ADWEAVE_ASSIGN(const Report report, run_report(sql, query));
    for (const auto& row : report.table.rows) {
      std::string name;
      for (size_t i = 0; i < by_.size(); ++i) name += row[i].dump() + '\n';
      Group& group = groups_[name];
      group.keys.assign(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(by_.size()));
      group.values.resize(metrics_.size());
      for (size_t i = 0; i < metrics_.size(); ++i)
        group.values[i][step] = scaled(row[by_.size() + i], metrics_[i]->unit);
    }
    return {};
  }

  // For a step that changes nothing.
  void repeat(size_t step) {
    for (auto& [name, group] : groups_) {
      for (Values& values : group.values) values[step] = values[step - 1];
    }
  }

  void write(QueryResult& result, bool with_currency) const {
    for (const auto& [name, group] : groups_) {
      for (size_t i = 0; i < metrics_.size(); ++i) {
        const Values& values = group.values[i];
        const bool nothing =
            std::all_of(values.begin(), values.end(), [](Int128 v) { return v == 0; });
        if (nothing && !by_.empty()) continue;
        write_row(result, group.keys, *metrics_[i], values, with_currency);
      }
    }
  }

 private:
  using Values = std::array<Int128, kCauses + 1>;  // by step
  struct Group {
    std::vector<JsonValue> keys;
    std::vector<Values> values;  // by metric
  };

  void write_row(QueryResult& result, const std::vector<JsonValue>& keys, const Metric& metric,
                 const Values& values, bool with_currency) const {
    std::vector<JsonValue> row(keys.begin(), keys.end() - (split_ ? 1 : 0));
    row.emplace_back(metric.name);
    if (with_currency) row.push_back(split_ ? keys.back() : JsonValue());
    row.push_back(shown(values.front(), metric.unit));
    row.push_back(shown(values.back(), metric.unit));
    row.push_back(shown(values.back() - values.front(), metric.unit));
    for (size_t i = 0; i < kCauses; ++i)
      row.push_back(shown(values[i + 1] - values[i], metric.unit));
    result.rows.push_back(std::move(row));
  }

  const DiffQuery& query_;
  std::vector<std::string> by_;
  std::vector<const Metric*> metrics_;
  bool split_ = false;  // by currency, beside what was asked for
  std::map<std::string, Group> groups_;
};

Status check(const ledger::Ledger& ledger, const DiffQuery& query) {
  if (query.after > ledger.head())
    return Error{ErrorCode::query, "there is no commit " + std::to_string(query.after) + " yet",
                 "the newest is " + std::to_string(ledger.head())};
  if (query.before < 0 || query.before >= query.after)
    return Error{
        ErrorCode::query, "the first commit must be before the second",
        "adweave diff " + std::to_string(query.after) + " " + std::to_string(query.before)};
  for (const std::string& name : query.metrics) {
    const Metric* metric = find_metric(name);
    if (metric == nullptr) {
      std::vector<std::string> known;
      for (const Metric& other : all_metrics()) known.emplace_back(other.name);
      return Error{ErrorCode::query, "there is no metric '" + name + "'",
                   "did you mean '" + closest_name(name, known) + "'?"};
    }
    if (metric->kind == MetricKind::additive) continue;
    std::string parts(metric->numerator);
    if (!metric->denominator.empty()) parts += " and " + std::string(metric->denominator);
    return Error{ErrorCode::query,
                 name + " is no sum, so no part of its difference belongs to one cause",
                 "ask for what it is made of: " + parts};
  }
  return {};
}

bool same_dimensions(const ledger::Ledger& ledger, const DiffQuery& query) {
  const auto before = ledger.dimensions(query.before);
  const auto after = ledger.dimensions(query.after);
  return std::equal(before.begin(), before.end(), after.begin(), after.end(),
                    [](const auto& a, const auto& b) { return a.second.path == b.second.path; });
}

Result<std::set<size_t>> find_causes(const std::string& dir, const ledger::Ledger& ledger,
                                     const DiffQuery& query) {
  std::set<size_t> causes;
  if (!same_dimensions(ledger, query)) causes.insert(kNewDimensions);
  const RowChoice all{query.before, {}};
  ADWEAVE_ASSIGN(const SqlEngine sql, SqlEngine::open(dir, ledger, query.after, {&all, {}, false}));
  ADWEAVE_ASSIGN(const QueryResult found, sql.query(Causes(ledger, query).present()));
  for (const auto& row : found.rows) {
    if (*row[0].as_int() >= 0) causes.insert(static_cast<size_t>(*row[0].as_int()));
  }
  return causes;
}

Status take(const SqlEngine& sql, size_t step, Steps& counts, Steps& money) {
  if (!counts.empty()) ADWEAVE_TRY(counts.take(sql, step));
  if (!money.empty()) ADWEAVE_TRY(money.take(sql, step));
  return {};
}

// Step 0 is the first commit, step n has the causes before cause n, the last is the second commit.
Status take_steps(const std::string& dir, const ledger::Ledger& ledger, const DiffQuery& query,
                  Steps& counts, Steps& money) {
  ADWEAVE_ASSIGN(const std::set<size_t> causes, find_causes(dir, ledger, query));
  ADWEAVE_ASSIGN(const SqlEngine first, SqlEngine::open(dir, ledger, query.before));
  ADWEAVE_TRY(take(first, 0, counts, money));
  for (size_t cause = 0; cause < kCauses; ++cause) {
    if (!causes.contains(cause)) {
      counts.repeat(cause + 1);
      money.repeat(cause + 1);
      continue;
    }
    if (cause == *causes.rbegin()) {
      ADWEAVE_ASSIGN(const SqlEngine last, SqlEngine::open(dir, ledger, query.after));
      ADWEAVE_TRY(take(last, cause + 1, counts, money));
      continue;
    }
    RowChoice choice;
    choice.dimensions = cause >= kNewDimensions ? query.after : query.before;
    choice.where = Causes(ledger, query).conditions(cause);
    ADWEAVE_ASSIGN(const SqlEngine sql,
                   SqlEngine::open(dir, ledger, query.after, {&choice, {}, false}));
    ADWEAVE_TRY(take(sql, cause + 1, counts, money));
  }
  return {};
}

}  // namespace

std::span<const DiffCause> diff_causes() {
  return kCauseTexts;
}

Result<Report> diff(const std::string& dir, const ledger::Ledger& ledger, const DiffQuery& asked) {
  DiffQuery query = asked;
  if (query.metrics.empty()) query.metrics.assign(kUsualMetrics.begin(), kUsualMetrics.end());
  ADWEAVE_TRY(check(ledger, query));
  Steps counts(query, false);
  Steps money(query, true);
  ADWEAVE_TRY(take_steps(dir, ledger, query, counts, money));
  Report report;
  QueryResult& result = report.table;
  const bool given = std::find(query.by.begin(), query.by.end(), "currency") != query.by.end();
  const bool with_currency = !money.empty() && !given;
  result.columns = query.by;
  result.columns.emplace_back("metric");
  if (with_currency) result.columns.emplace_back("currency");
  for (const char* name : {"before", "after", "difference"}) result.columns.emplace_back(name);
  for (const DiffCause& cause : kCauseTexts) result.columns.emplace_back(cause.name);
  counts.write(result, with_currency);
  money.write(result, with_currency);
  if (const auto& retention = ledger.retention()) {
    report.notes = {"days that a retention commit took away, the last one " +
                    std::to_string(retention->commit) + ", are in neither number"};
  }
  return report;
}

}  // namespace adweave::query
