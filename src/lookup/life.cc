// SPDX-License-Identifier: Apache-2.0
#include "lookup/life.h"

#include <algorithm>
#include <map>

#include "event/flags.h"

namespace adweave::lookup {

namespace {

void set(Record& record, std::string_view column, JsonValue value) {
  for (size_t i = 0; i < record.values.size(); ++i) {
    if (record.table->columns[i].name != column) continue;
    record.values[i] = std::move(value);
    return;
  }
}

int64_t integer(const Record& record, std::string_view column) {
  const int64_t* value = record.value(column).as_int();
  return value == nullptr ? 0 : *value;
}

std::string text_of(const Record& record) {
  std::string text(record.table->name);
  for (const JsonValue& value : record.values) text.append(1, '\n').append(value.dump());
  return text;
}

// What is said of a click and no later row takes back; empty when nothing is.
std::string current_fact(const Record& click, std::string_view fact, const RowSet& rows) {
  std::map<std::string, int64_t> signs;
  for (const Record* row : rows.of("facts")) {
    if (row->text("kind") == "click" && row->text("fact") == fact &&
        row->text("event_id") == click.text("event_id") &&
        row->text("advertiser_id") == click.text("advertiser_id")) {
      signs[std::string(row->text("fact_value"))] += integer(*row, "sign");
    }
  }
  for (const auto& [value, sign] : signs) {
    if (sign > 0) return value;
  }
  return "";
}

// Rows that no later one takes back: they are equal but for sign, commit and day of booking.
std::vector<Record> current_credits(const std::vector<const Record*>& log) {
  struct Sum {
    int64_t sign = 0;
    const Record* newest = nullptr;
  };
  std::map<std::string, Sum> sums;
  for (const Record* row : log) {
    Record same = *row;
    for (const char* column : {"sign", "commit", "posting_date"}) set(same, column, {});
    Sum& sum = sums[text_of(same)];
    sum.sign += integer(*row, "sign");
    const bool is_newer =
        sum.newest == nullptr || integer(*row, "commit") > integer(*sum.newest, "commit");
    if (integer(*row, "sign") > 0 && is_newer) sum.newest = row;
  }
  std::vector<Record> credits;
  for (const auto& [text, sum] : sums) {
    if (sum.sign > 0 && sum.newest != nullptr) credits.push_back(*sum.newest);
  }
  return credits;
}

void by_time(std::vector<Record>& records) {
  std::stable_sort(records.begin(), records.end(), [](const Record& a, const Record& b) {
    return std::pair(a.time(), a.text("event_id")) < std::pair(b.time(), b.text("event_id"));
  });
}

std::vector<Record> where(const RowSet& rows, std::string_view table, std::string_view column,
                          std::string_view value) {
  std::vector<Record> found;
  for (const Record* row : rows.of(table)) {
    if (row->text(column) == value) found.push_back(*row);
  }
  by_time(found);
  return found;
}

// Clicks and engagements that belong to the impressions, and the credits of all.
Status follow_impressions(const Index& index, RowSet& rows, Life& life) {
  for (const Record& impression : life.impressions)
    ADWEAVE_TRY(rows.add(index, impression.text("event_id")));
  std::set<std::string> click_ids;
  for (const Record* click : rows.of("clicks")) click_ids.emplace(click->text("event_id"));
  for (const Record* fact : rows.of("facts")) {
    if (fact->text("kind") == "click") click_ids.emplace(fact->text("event_id"));
  }
  for (const std::string& id : click_ids) ADWEAVE_TRY(rows.add(index, id));
  for (const Record& impression : life.impressions) {
    const auto is_of = [&](const Record& record, std::string_view column) {
      return record.text(column) == impression.text("event_id") &&
             record.text("advertiser_id") == impression.text("advertiser_id");
    };
    std::vector<const Record*> log;
    for (const Record* row : rows.of("engagements")) {
      if (is_of(*row, "impression_id")) life.engagements.push_back(*row);
    }
    for (const Record* row : rows.of("credits_log")) {
      if (is_of(*row, "touch_id") && row->text("touch_kind") != "click") log.push_back(row);
    }
    for (const Record* row : rows.of("clicks")) {
      Record click = click_now(*row, rows);
      if (!is_of(click, "impression_id")) continue;
      for (const Record* credit : rows.of("credits_log")) {
        if (credit->text("touch_kind") == "click" &&
            credit->text("touch_id") == click.text("event_id") &&
            credit->text("advertiser_id") == click.text("advertiser_id")) {
          log.push_back(credit);
        }
      }
      life.clicks.push_back(std::move(click));
    }
    for (Record& credit : current_credits(log)) life.credits.push_back(std::move(credit));
  }
  for (std::vector<Record>* list : {&life.engagements, &life.clicks, &life.credits}) by_time(*list);
  life.commit = rows.commit();
  return {};
}

}  // namespace

Status RowSet::add(const Index& index, std::string_view id) {
  if (id.empty() || !asked_.emplace(id).second) return {};
  ADWEAVE_ASSIGN(Found found, index.rows_of(id));
  commit_ = std::min(commit_, found.commit);
  for (Record& record : found.records) {
    if (seen_.insert(text_of(record)).second) records_.push_back(std::move(record));
  }
  return {};
}

std::vector<const Record*> RowSet::of(std::string_view table) const {
  std::vector<const Record*> found;
  for (const Record& record : records_) {
    if (record.table->name == table) found.push_back(&record);
  }
  return found;
}

Record click_now(const Record& click, const RowSet& rows) {
  Record now = click;
  const std::string joined = current_fact(click, "joined_impression", rows);
  if (!joined.empty()) {
    const bool had_id =
        click.text("joined_by") == "none" && !click.value("impression_id").is_null();
    set(now, "joined_by", had_id ? "id" : "user_and_time");
    set(now, "impression_id", joined);
    set(now, "flags", integer(click, "flags") | event::kJoinedLate);
  }
  const std::string is_double = current_fact(click, "double_click", rows);
  if (!is_double.empty()) set(now, "is_double_click", is_double == "true");
  return now;
}

Result<Life> life_of_auction(const Index& index, std::string_view auction_id) {
  RowSet rows;
  ADWEAVE_TRY(rows.add(index, auction_id));
  Life life;
  life.bid_requests = where(rows, "bid_requests", "auction_id", auction_id);
  life.auction_outcomes = where(rows, "auction_outcomes", "auction_id", auction_id);
  life.impressions = where(rows, "impressions", "auction_id", auction_id);
  ADWEAVE_TRY(follow_impressions(index, rows, life));
  return life;
}

Result<Life> life_of_impression(const Index& index, std::string_view impression_id) {
  RowSet rows;
  ADWEAVE_TRY(rows.add(index, impression_id));
  Life life;
  life.impressions = where(rows, "impressions", "event_id", impression_id);
  std::set<std::string> auctions;
  for (const Record& impression : life.impressions) auctions.emplace(impression.text("auction_id"));
  for (const std::string& auction : auctions) {
    if (auction.empty()) continue;
    ADWEAVE_TRY(rows.add(index, auction));
    for (Record& row : where(rows, "bid_requests", "auction_id", auction))
      life.bid_requests.push_back(std::move(row));
    for (Record& row : where(rows, "auction_outcomes", "auction_id", auction))
      life.auction_outcomes.push_back(std::move(row));
  }
  ADWEAVE_TRY(follow_impressions(index, rows, life));
  return life;
}

Result<RowSet> rows_to_explain(const Index& index, std::string_view id) {
  RowSet rows;
  ADWEAVE_TRY(rows.add(index, id));
  std::set<std::string> more;
  for (const Record& record : rows.all()) {
    if (!record.table->kind) continue;
    const bool is_subject = record.text("event_id") == id ||
                            record_position(record.text("source_position")) == id ||
                            record.text("source_position") == id;
    if (!is_subject) continue;
    more.emplace(record.text("event_id"));
    more.emplace(record.text("source_position"));
    if (record.table->kind == event::Kind::engagement) more.emplace(record.text("impression_id"));
  }
  for (const std::string& each : more) ADWEAVE_TRY(rows.add(index, each));
  // Clicks that belong to it, and what was found out about them.
  std::set<std::string> clicks;
  for (const Record& record : rows.all()) {
    const bool is_click = record.table->kind == event::Kind::click ||
                          (record.table->name == "facts" && record.text("kind") == "click");
    if (is_click) clicks.emplace(record.text("event_id"));
  }
  for (const std::string& each : clicks) ADWEAVE_TRY(rows.add(index, each));
  return rows;
}

}  // namespace adweave::lookup
