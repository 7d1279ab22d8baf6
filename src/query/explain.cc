// SPDX-License-Identifier: Apache-2.0
#include "query/explain.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/money.h"
#include "event/flags.h"
#include "event/schema.h"
#include "query/cells.h"
#include "query/dimensions.h"
#include "query/metrics.h"

namespace adweave::query {

namespace {

using event::Kind;

struct Subject {
  std::string kind;
  std::string advertiser;  // empty: a record that was not taken
  std::string id;
};

struct FlagText {
  int64_t flag;
  std::string_view name;
  std::string_view sentence;
};

constexpr std::array<FlagText, 8> kFlagTexts = {{
    {event::kPossibleDuplicate, "possible_duplicate",
     "may be a repeat: without an id, and equal to an earlier row of its file; kept"},
    {event::kTimeFromReceipt, "time_from_receipt",
     "the feed has no time for it: its time of receipt was taken"},
    {event::kLate, "late", "late: received over a day after it happened"},
    {event::kJoinedLate, "joined_late", "its impression was found by a later commit"},
    {event::kValueNulled, "value_nulled",
     "a value that makes no sense was set to null; `extra` has the original"},
    {event::kNotDeduplicated, "not_deduplicated", "its source has deduplication switched off"},
    {event::kFastConversion, "fast_conversion", "in the same second as its touch"},
    {event::kUnknownDimension, "unknown_dimension",
     "its creative, ad group or campaign is in no dimension file"},
}};

// A time column as text.
std::string when(std::string_view column) {
  return "replace(strftime(" + std::string(column) +
         " AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ'), '.000000Z', 'Z')";
}

// What a touch got, and why, as SQL over a row of credits.
constexpr std::string_view kReason = R"(CASE reason
  WHEN 'won' THEN 'won'
  WHEN 'share' THEN concat('gets ', round(credit / 10000000, 2), ' %')
  WHEN 'outside_window' THEN 'lost: outside its window'
  WHEN 'lower_class' THEN 'lost: a stronger kind of touch was there'
  WHEN 'superseded' THEN 'lost: another touch of its kind came first in the order'
  WHEN 'repeat' THEN 'no credit: a repeat'
  WHEN 'ivt' THEN 'no credit: invalid traffic'
  WHEN 'consent' THEN 'no credit: no consent'
  ELSE reason END)";

// "click c1 of campaign 7", or that there is none, as SQL over a row of credits.
constexpr std::string_view kTouch = R"(CASE WHEN touch_id IS NULL THEN 'no touch'
  ELSE concat(touch_kind, ' ', touch_id, ' of campaign ', coalesce(campaign_id, 'unknown')) END)";

constexpr std::string_view kAmount =
    "concat(value, CASE WHEN currency IS NULL THEN '' ELSE ' ' || currency END)";

// A statement with `@table`, `@is` (the rows that are the event) and `@kind` for the subject's.
// $advertiser and $id are parameters.
std::string for_subject(std::string_view statement, const Subject& subject) {
  const auto kind = event::parse_kind(subject.kind);
  return with_words(statement, {{"@table", kind ? std::string(event::table_name(*kind)) : ""},
                                {"@is", "advertiser_id = $advertiser AND event_id = $id"},
                                {"@kind", sql_text(subject.kind)}});
}

class Explainer {
 public:
  Explainer(const SqlEngine& sql, const std::string& id) : sql_(sql), id_(id) {
    result_.columns = {"kind", "advertiser_id", "event_id", "step", "commit", "what", "detail"};
  }

  Result<QueryResult> run() {
    ADWEAVE_ASSIGN(const std::vector<Subject> subjects, find_subjects());
    for (const Subject& subject : subjects) ADWEAVE_TRY(tell(subject));
    ADWEAVE_TRY(tell_what_was_not_taken(subjects));
    if (result_.rows.empty()) {
      return Error{
          ErrorCode::usage, "no event, reject or repeat has the id or position '" + id_ + "'",
          "give an event_id or a source_position as adweave sql \"SELECT event_id, "
          "source_position FROM clicks\" shows them; a later commit than --as-of may have it"};
    }
    return std::move(result_);
  }

 private:
  // Rows of `table` with the id or at the position; a record of several events has all of them.
  static std::string matches() {
    return "(event_id = $given OR source_position = $given OR "
           "starts_with(source_position, concat($given, '#')))";
  }

  // $given is what was asked for; $advertiser and $id are the subject's.
  Result<QueryResult> ask(const std::string& statement, const Subject& subject = {}) const {
    const std::array<TextParameter, 3> parameters = {
        {{"given", id_}, {"advertiser", subject.advertiser}, {"id", subject.id}}};
    return sql_.query(statement, parameters);
  }

  Result<std::vector<Subject>> find_subjects() const {
    std::vector<Subject> subjects;
    for (const Kind kind : event::kAllKinds) {
      if (sql_.is_empty(event::table_name(kind))) continue;
      ADWEAVE_ASSIGN(const QueryResult found,
                     ask("SELECT advertiser_id, event_id FROM " +
                         std::string(event::table_name(kind)) + " WHERE " + matches()));
      std::set<std::pair<std::string, std::string>> ids;
      for (const auto& row : found.rows) ids.emplace(*row[0].as_string(), *row[1].as_string());
      for (const auto& [advertiser, id] : ids)
        subjects.push_back({std::string(event::kind_name(kind)), advertiser, id});
    }
    return subjects;
  }

  Status tell(const Subject& subject) {
    const Kind kind = *event::parse_kind(subject.kind);
    ADWEAVE_TRY(tell_origin(subject));
    ADWEAVE_TRY(tell_repeats(subject));
    if (kind == Kind::click) ADWEAVE_TRY(tell_join(subject));
    if (kind == Kind::engagement) ADWEAVE_TRY(tell_impression(subject));
    if (kind == Kind::impression) ADWEAVE_TRY(tell_followers(subject));
    ADWEAVE_TRY(tell_facts(subject));
    if (kind == Kind::click || kind == Kind::impression) ADWEAVE_TRY(tell_competitions(subject));
    if (kind == Kind::conversion) ADWEAVE_TRY(tell_conversion(subject));
    return tell_cells(subject, kind);
  }

  void add(const Subject& subject, std::string_view step, JsonValue commit, std::string what,
           JsonValue detail) {
    result_.rows.push_back(
        {subject.kind, subject.advertiser.empty() ? JsonValue() : JsonValue(subject.advertiser),
         subject.id.empty() ? JsonValue() : JsonValue(subject.id), step, std::move(commit),
         std::move(what), std::move(detail)});
  }

  // A step for each row of a SELECT over a table: commit, what, then columns of the detail.
  Status add_rows(const Subject& subject, std::string_view step, std::string_view table,
                  const std::string& statement) {
    if (sql_.is_empty(table)) return {};
    ADWEAVE_ASSIGN(const QueryResult found, ask(for_subject(statement, subject), subject));
    for (const auto& row : found.rows) add_row(subject, step, found.columns, row);
    return {};
  }

  void add_row(const Subject& subject, std::string_view step,
               const std::vector<std::string>& columns, const std::vector<JsonValue>& row) {
    JsonValue::Object detail;
    for (size_t i = 2; i < columns.size(); ++i) {
      if (!row[i].is_null()) detail.emplace_back(columns[i], row[i]);
    }
    add(subject, step, row[0], *row[1].as_string(), std::move(detail));
  }

  // Where its rows came from, and what their flags say.
  Status tell_origin(const Subject& subject) {
    const std::string range =
        "concat('bytes ', offset_, ' to ', offset_ + source_length, ' of ', file_)";
    ADWEAVE_ASSIGN(
        QueryResult found,
        ask(for_subject(
                "SELECT commit, concat(" + range + ", ', source ', source, '; happened ', " +
                    when("event_time") + ", ', received ', " + when("received_time") +
                    ") AS what, source, source_position, source_length, event_time, received_time, "
                    "sent_time, user_id, person_id, content_hash, ledger_id, flags FROM (SELECT *, "
                    "regexp_extract(source_position, '^(.*):\\d+', 1) AS file_, "
                    "regexp_extract(source_position, '^.*:(\\d+)', 1)::BIGINT AS offset_ FROM "
                    "@table WHERE @is) ORDER BY commit, source, offset_",
                subject),
            subject));
    found.columns.pop_back();
    for (const auto& row : found.rows) add_row(subject, "came", found.columns, row);
    for (const FlagText& text : kFlagTexts) {
      for (const auto& row : found.rows) {
        const int64_t* flags = row.back().as_int();
        if (flags == nullptr || (*flags & text.flag) == 0) continue;
        add(subject, "flag", row[0], std::string(text.sentence),
            JsonValue::Object{{"flag", text.name}});
      }
    }
    return {};
  }

  // The tables of repeats and rejects know no advertiser; a repeat tells the position of the first.
  Status tell_repeats(const Subject& subject) {
    ADWEAVE_TRY(add_rows(
        subject, "duplicate", "duplicates",
        "SELECT commit, CASE WHEN event_id = $id THEN concat('came again at ', source_position, "
        "' of source ', source, ', received ', " +
            when("received_time") +
            ", '; not counted twice') ELSE concat('the same order came again as ', event_id, ' at "
            "', "
            "source_position, ' of source ', source, '; not counted twice') END AS what, event_id, "
            "source, source_position, received_time FROM duplicates WHERE kind = @kind AND "
            "(first_position, first_commit) IN (SELECT (source_position, commit) FROM @table WHERE "
            "@is) ORDER BY commit, source, source_position"));
    return add_rows(
        subject, "conflict", "rejects",
        "SELECT commit, CASE WHEN sign < 0 THEN concat('the reject at ', source_position, "
        "' was taken back: ', state) WHEN outcome = 'conflict' THEN concat('another ', kind, "
        "' with this id and other content came at ', source_position, ' of source ', source, "
        "'; the first was kept') ELSE concat('a record with this id was rejected at ', "
        "source_position, ': ', message) END AS what, outcome, reason, rule, message, source, "
        "source_position, raw_hash, sign FROM rejects WHERE event_id = $id AND kind = @kind ORDER "
        "BY "
        "commit, source, source_position, sign DESC");
  }

  Status tell_join(const Subject& subject) {
    return add_rows(
        subject, "join", "clicks",
        "SELECT commit, concat(CASE WHEN impression_id IS NULL THEN 'belongs to no known "
        "impression' "
        "WHEN joined_by = 'id' THEN concat('belongs to impression ', impression_id, ', by its id') "
        "WHEN joined_by = 'user_and_time' THEN concat('belongs to impression ', impression_id, ', "
        "the "
        "last one of its person and campaign within 6 hours') ELSE concat('names impression ', "
        "impression_id, ', which is not known') END, CASE WHEN is_double_click THEN '; a double "
        "click, which only gross_clicks counts' ELSE '' END) AS what, impression_id, joined_by, "
        "is_double_click FROM @table WHERE @is ORDER BY commit");
  }

  Status tell_impression(const Subject& subject) {
    return add_rows(
        subject, "join", "engagements",
        "SELECT e.commit, concat(engagement_type, ' of impression ', impression_id, CASE WHEN "
        "i.commit IS NULL THEN ', which is not known' ELSE concat(', of commit ', i.commit) END) "
        "AS "
        "what, engagement_type, impression_id, duration_ms, i.commit AS impression_commit FROM "
        "(SELECT * FROM @table WHERE @is) e LEFT JOIN (SELECT advertiser_id AS advertiser, "
        "event_id "
        "AS impression, commit FROM impressions) i ON i.advertiser = e.advertiser_id AND "
        "i.impression = e.impression_id ORDER BY e.commit");
  }

  Status tell_followers(const Subject& subject) {
    ADWEAVE_TRY(add_rows(
        subject, "join", "clicks",
        "SELECT commit, concat('click ', event_id, ' belongs to it', CASE WHEN is_double_click "
        "THEN "
        "', a double click' ELSE '' END) AS what, event_id AS click_id, event_time, joined_by FROM "
        "clicks WHERE advertiser_id = $advertiser AND impression_id = $id ORDER BY event_time, "
        "event_id"));
    return add_rows(
        subject, "join", "engagements",
        "SELECT commit, concat('engagement ', event_id, ': ', engagement_type, CASE WHEN "
        "duration_ms "
        "IS NULL THEN '' ELSE concat(' for ', duration_ms, ' ms') END) AS what, event_id AS "
        "engagement_id, engagement_type, duration_ms, event_time FROM engagements WHERE "
        "advertiser_id = $advertiser AND impression_id = $id ORDER BY event_time, event_id");
  }

  Status tell_facts(const Subject& subject) {
    return add_rows(
        subject, "fact", "facts",
        "SELECT commit, concat(CASE WHEN sign > 0 THEN 'found later: ' ELSE 'no longer: ' END, "
        "CASE "
        "fact WHEN 'joined_impression' THEN concat('belongs to impression ', fact_value) WHEN "
        "'double_click' THEN CASE WHEN fact_value = 'true' THEN 'is a double click' ELSE 'is no "
        "double click' END ELSE concat(fact, ' is ', coalesce(fact_value, 'null')) END) AS what, "
        "fact, fact_value, score, sign FROM facts WHERE kind = @kind AND @is ORDER BY commit, "
        "fact, sign, "
        "fact_value");
  }

  // What it got of the conversions it stood before.
  Status tell_competitions(const Subject& subject) {
    const std::string same_kind =
        subject.kind == "click" ? "touch_kind = 'click'" : "touch_kind != 'click'";
    return add_rows(
        subject, "touch", "credits_log",
        "SELECT commit, concat('policy ', policy, ': for conversion ', conversion_id, ', ', "
        "to_microseconds(lag_us), ' later: ', " +
            std::string(kReason) +
            ") AS what, conversion_id, policy, model, reason, credit, value, currency, "
            "path_position, "
            "path_length FROM credits WHERE advertiser_id = $advertiser AND touch_id = $id AND " +
            same_kind + " ORDER BY conversion_time, conversion_id, policy");
  }

  Status tell_conversion(const Subject& subject) {
    ADWEAVE_TRY(add_rows(
        subject, "adjustment", "conversions",
        "SELECT commit, CASE WHEN advertiser_id = $advertiser AND event_id = $id THEN concat('is "
        "no "
        "conversion itself but a ', adjustment, ' of conversion ', adjusts) WHEN adjustment = "
        "'retraction' THEN concat('retracted by ', event_id, ': counts no more') ELSE "
        "concat('restated by ', event_id, ' to ', " +
            std::string(kAmount) +
            ") END AS what, event_id AS adjustment_id, adjustment, adjusts, value, currency, "
            "event_time FROM @table WHERE advertiser_id = $advertiser AND adjusts IS NOT NULL AND "
            "(event_id = $id OR adjusts = $id) ORDER BY commit, event_time, event_id"));
    ADWEAVE_TRY(add_rows(
        subject, "touch", "credits_log",
        "SELECT commit, concat('policy ', policy, ': ', " + std::string(kTouch) +
            ", CASE WHEN touch_id IS NULL THEN ' was inside its window: unattributed' ELSE "
            "concat(', "
            "', to_microseconds(lag_us), ' before: ', " +
            std::string(kReason) +
            ") END) AS what, policy, model, touch_id, touch_kind, touch_time, campaign_id, reason, "
            "credit, value, currency, path_position, path_length FROM credits WHERE advertiser_id "
            "= "
            "$advertiser AND conversion_id = $id ORDER BY policy, touch_time, touch_id"));
    return add_rows(
        subject, "credit", "credits_log",
        "SELECT commit, concat('policy ', policy, CASE WHEN sign > 0 THEN ': books ' ELSE ': takes "
        "back ' END, round(credit / 10000000, 2), ' %, ', " +
            std::string(kAmount) + ", CASE WHEN sign > 0 THEN ' for ' ELSE ' from ' END, " +
            std::string(kTouch) +
            ") AS what, policy, touch_id, credit, value, currency, sign, posting_date FROM "
            "credits_log WHERE advertiser_id = $advertiser AND conversion_id = $id AND credit > 0 "
            "ORDER BY commit, policy, sign, touch_time, touch_id");
  }

  // Every additive metric that the event counts in, and its cell.
  Status tell_cells(const Subject& subject, Kind kind) {
    const DimensionCatalogue dimensions;  // of no file: the event says its campaign itself
    std::vector<std::string_view> told;
    for (const Measure& measure : all_measures()) {
      const bool known = std::find(told.begin(), told.end(), measure.table) != told.end();
      if (known || !measure.table.ends_with(event::table_name(kind))) continue;
      told.push_back(measure.table);
      ADWEAVE_TRY(tell_cells_of(subject, measure.table, dimensions));
    }
    return {};
  }

  Status tell_cells_of(const Subject& subject, std::string_view table,
                       const DimensionCatalogue& dimensions) {
    std::vector<const Metric*> metrics;
    std::vector<const Measure*> measures;
    std::string columns;
    for (const Metric& metric : all_metrics()) {
      if (metric.kind != MetricKind::additive) continue;
      for (const Measure& measure : all_measures()) {
        if (measure.table != table || measure.name != metric.numerator) continue;
        metrics.push_back(&metric);
        measures.push_back(&measure);
        columns +=
            ", " + (measure.money ? money_sum(measure.aggregate) : std::string(measure.aggregate));
      }
    }
    if (metrics.empty()) return {};
    ADWEAVE_ASSIGN(
        const QueryResult found,
        ask("SELECT " + dimensions.select("campaign_id", table, "event_time", "UTC") + ", " +
                dimensions.select("currency", table, "event_time", "UTC") + ", " +
                cell_of("event_time") + " AS cell" + columns + " FROM " + std::string(table) +
                " WHERE advertiser_id = $advertiser AND event_id = $id GROUP BY 1, 2, 3 "
                "ORDER BY 1, 2, 3",
            subject));
    for (const auto& row : found.rows) {
      for (size_t i = 0; i < metrics.size(); ++i)
        add_cell(subject, *metrics[i], measures[i]->money, row, row[3 + i]);
    }
    return {};
  }

  void add_cell(const Subject& subject, const Metric& metric, bool money,
                const std::vector<JsonValue>& cell, const JsonValue& value) {
    const int64_t* number = value.as_int();
    const double* real = value.as_double();
    if ((number == nullptr && real == nullptr) || (number != nullptr && *number == 0)) return;
    const JsonValue shown = money && number != nullptr ? JsonValue(format_nanos(*number)) : value;
    const std::string* text = shown.as_string();
    const std::string* campaign = cell[0].as_string();
    const std::string* currency = cell[1].as_string();
    add(subject, "cell", JsonValue(),
        "counts " + (text != nullptr ? *text : shown.dump()) +
            (money && currency != nullptr ? " " + *currency : "") + " in " +
            std::string(metric.name) + " of " +
            (campaign != nullptr ? "campaign " + *campaign : "no campaign") + ", 15 minutes from " +
            *cell[2].as_string(),
        JsonValue::Object{{"metric", metric.name},
                          {"value", shown},
                          {"campaign_id", cell[0]},
                          {"currency", cell[1]},
                          {"cell", cell[2]}});
  }

  // Rejects and repeats that have the id or the position and belong to no event told so far.
  Status tell_what_was_not_taken(const std::vector<Subject>& subjects) {
    const auto told = [&](const JsonValue& kind, const JsonValue& id) {
      return std::any_of(subjects.begin(), subjects.end(), [&](const Subject& subject) {
        return kind.as_string() != nullptr && id.as_string() != nullptr &&
               *kind.as_string() == subject.kind && *id.as_string() == subject.id;
      });
    };
    const auto tell_rows = [&](std::string_view step, std::string_view table,
                               const std::string& statement) -> Status {
      if (sql_.is_empty(table)) return {};
      ADWEAVE_ASSIGN(const QueryResult found, ask(statement));
      for (const auto& row : found.rows) {
        if (told(row[0], row[1])) continue;
        Subject subject{row[0].is_null() ? "record" : *row[0].as_string(), "",
                        row[1].is_null() ? "" : *row[1].as_string()};
        JsonValue::Object detail;
        for (size_t i = 4; i < row.size(); ++i) {
          if (!row[i].is_null()) detail.emplace_back(found.columns[i], row[i]);
        }
        add(subject, step, row[2], *row[3].as_string(), std::move(detail));
      }
      return {};
    };
    ADWEAVE_TRY(tell_rows(
        "duplicate", "duplicates",
        "SELECT kind, event_id, commit, concat('at ', source_position, ' of source ', source, "
        "', a repeat of the event of commit ', first_commit, ' at ', first_position, '; not "
        "counted "
        "twice') AS what, source, source_position, first_position, first_commit, received_time "
        "FROM "
        "duplicates WHERE " +
            matches() + " ORDER BY kind, event_id, commit, source_position"));
    return tell_rows(
        "reject", "rejects",
        "SELECT kind, event_id, commit, CASE WHEN sign < 0 THEN concat('the reject at ', "
        "source_position, ' was taken back: ', state) ELSE concat('rejected at ', source_position, "
        "' of source ', source, ': ', message) END AS what, outcome, reason, rule, source, "
        "source_position, raw_length, raw_hash, first_seen, attempt, state, sign FROM rejects "
        "WHERE " +
            matches() + " ORDER BY kind, event_id, commit, source_position, sign DESC");
  }

  const SqlEngine& sql_;
  const std::string& id_;
  QueryResult result_;
};

}  // namespace

Result<QueryResult> explain(const SqlEngine& sql, const std::string& id) {
  return Explainer(sql, id).run();
}

}  // namespace adweave::query
