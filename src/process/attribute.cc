// SPDX-License-Identifier: Apache-2.0
#include "process/attribute.h"

#include <algorithm>
#include <unordered_map>

#include "base/check.h"
#include "base/time.h"
#include "process/changes.h"
#include "process/join_clicks.h"
#include "process/journey_rows.h"
#include "process/score_conversions.h"

namespace adweave::process {

namespace {

using event::Batch;
using event::Kind;
using state::Conversion;
using state::Credit;
using state::Journey;
using state::Journeys;
using state::StringPool;
using state::Touch;
using state::TouchClass;

std::string_view class_name(TouchClass touch_class) {
  switch (touch_class) {
    case TouchClass::view:
      return "view";
    case TouchClass::viewable_view:
      return "viewable_view";
    case TouchClass::click:
      return "click";
  }
  return "";
}

// Writes credits of one journey as rows of credits_log.
class CreditWriter {
 public:
  CreditWriter(const Journeys& journeys, const Journey& journey, std::optional<int64_t> open_from,
               event::CreditRows& rows)
      : strings_(journeys.strings()), journey_(journey), open_from_(open_from), rows_(rows) {}

  // Whether all touches that the credits name are retained.
  bool has_touches(const std::vector<Credit>& credits) {
    return std::all_of(credits.begin(), credits.end(), [&](const Credit& credit) {
      return credit.touch == StringPool::kNone || touches().contains(credit.touch);
    });
  }

  void write(const Conversion& conversion, const Credit& credit, int sign) {
    const int64_t row = rows_.rows++;
    rows_.conversion_id.put(row, strings_[conversion.event_id]);
    put(rows_.policy, row, credit.policy);
    put(rows_.model, row, credit.model);
    rows_.credit.put(row, credit.credit);
    rows_.value.put(row, credit.value);
    put(rows_.currency, row, credit.currency);
    put(rows_.conversion_type, row, conversion.type);
    put(rows_.advertiser_id, row, journey_.advertiser);
    rows_.conversion_time.put(row, conversion.time);
    put(rows_.reported_campaign_id, row, conversion.reported_campaign);
    put(rows_.reason, row, credit.reason);
    const int64_t day = day_start(conversion.time);
    rows_.posting_date.put(row, open_from_ ? std::max(day, *open_from_) : day);
    rows_.sign.put(row, sign);
    if (credit.path_length > 0) {
      rows_.path_position.put(row, credit.path_position);
      rows_.path_length.put(row, credit.path_length);
    }
    if (credit.touch != StringPool::kNone) write_touch(row, conversion, credit.touch);
  }

 private:
  static int64_t day_start(int64_t time) {
    const int64_t rest = time % limits::kDayUs;
    return time - rest - (rest < 0 ? limits::kDayUs : 0);
  }

  // By their event ids.
  const std::unordered_map<uint32_t, const Touch*>& touches() {
    if (touches_.empty()) {
      for (const Touch& touch : journey_.touches) touches_.emplace(touch.event_id, &touch);
    }
    return touches_;
  }

  void put(event::DictColumn& column, int64_t row, uint32_t text) {
    if (text != StringPool::kNone) column.put(row, strings_[text]);
  }

  void write_touch(int64_t row, const Conversion& conversion, uint32_t touch_id) {
    const Touch& touch = *touches().at(touch_id);
    rows_.touch_id.put(row, strings_[touch_id]);
    rows_.touch_kind.put(row, class_name(touch.touch_class));
    rows_.touch_time.put(row, touch.time);
    rows_.lag_us.put(row, conversion.time - touch.time);
    put(rows_.campaign_id, row, touch.campaign);
    put(rows_.ad_group_id, row, touch.ad_group);
    put(rows_.creative_id, row, touch.creative);
    put(rows_.placement_id, row, touch.placement);
    put(rows_.website, row, touch.website);
  }

  const StringPool& strings_;
  const Journey& journey_;
  std::optional<int64_t> open_from_;
  event::CreditRows& rows_;
  std::unordered_map<uint32_t, const Touch*> touches_;  // made when they are asked for
};

// Writes the differences between the credits a conversion has and those it should have.
void restate(Conversion& conversion, std::vector<Credit> credits, const state::CreditOrder& order,
             CreditWriter& writer) {
  std::vector<Credit> gone;
  std::vector<Credit> added;
  const auto& old = conversion.credits;
  std::set_difference(old.begin(), old.end(), credits.begin(), credits.end(),
                      std::back_inserter(gone), order);
  std::set_difference(credits.begin(), credits.end(), old.begin(), old.end(),
                      std::back_inserter(added), order);
  for (const Credit& credit : gone) writer.write(conversion, credit, -1);
  for (const Credit& credit : added) writer.write(conversion, credit, 1);
  conversion.credits = std::move(credits);
}

// Takes the rows of a commit; journeys that they change are in `changes`.
void take_rows(std::span<Batch* const> batches, Journeys& journeys, Changes& changes,
               ClickJoiner& joiner) {
  for (Batch* batch : batches) {
    if (!JourneyRows::has(batch->kind)) continue;
    JourneyRows rows(journeys, *batch);
    for (int64_t row = 0; row < batch->rows; ++row) {
      const Taken taken = rows.take(row);
      if (batch->kind == Kind::impression)
        joiner.add_impression(rows.advertiser(row).hash, batch->event_id.hash(row));
      if (taken.journey == nullptr) continue;
      changes.add(*taken.journey, taken.time);
      if (batch->kind == Kind::click)
        joiner.add_click(*batch, row, {taken.journey, taken.time, taken.event_id});
    }
  }
}

// Scores a journey's conversions from its first change on. Those before may have used touches up.
void score_journey(Journey& journey, int64_t since, std::vector<Scorer>& scorers,
                   const Journeys& journeys, CreditWriter& writer) {
  const state::CreditOrder order{journeys.strings()};
  for (Scorer& scorer : scorers) scorer.begin();
  for (Conversion& conversion : journey.conversions) {
    if (conversion.time <= since - limits::kRestatementHorizonUs) continue;
    const CurrentConversion now = current(journeys, journey, conversion);
    if (conversion.time < since) {
      for (Scorer& scorer : scorers) scorer.pass(journey, now);
      continue;
    }
    std::vector<Credit> credits;
    for (Scorer& scorer : scorers) scorer.score(journey, now, credits);
    std::sort(credits.begin(), credits.end(), order);
    if (writer.has_touches(conversion.credits))
      restate(conversion, std::move(credits), order, writer);
  }
}

// Whether a committed row is of a later commit; commit 0 is before all.
template <class Commits>
bool is_later(const Commits& commits, int64_t row, int64_t commit) {
  return commit == 0 || commits[row] > commit;
}

}  // namespace

Attribution attribute(std::span<Batch* const> batches, const AttributionRules& rules,
                      std::optional<int64_t> open_from, state::State& state) {
  Attribution result;
  Journeys& journeys = state.journeys;
  Changes changes;
  ClickJoiner joiner(rules, state, changes);
  take_rows(batches, journeys, changes, joiner);
  joiner.finish(result.facts);

  std::vector<Scorer> scorers;
  for (const AttributionPolicy& policy : rules.policies) scorers.emplace_back(policy, journeys);
  for (Journey* journey : changes.journeys()) {
    if (journey->conversions.empty()) continue;
    CreditWriter writer(journeys, *journey, open_from, result.credits);
    score_journey(*journey, Changes::since(*journey), scorers, journeys, writer);
  }
  return result;
}

void remember_journeys(Journeys& journeys, const Batch& batch, const state::AsOf& as_of) {
  if (!JourneyRows::has(batch.kind)) return;
  JourneyRows rows(journeys, batch);
  for (int64_t row = 0; row < batch.rows; ++row) {
    if (is_later(batch.commit, row, as_of.least())) rows.take(row);
  }
}

void remember_facts(Journeys& journeys, const event::FactRows& rows, const state::AsOf& as_of) {
  StringPool& strings = journeys.strings();
  for (int64_t row = 0; row < rows.rows; ++row) {
    if (!is_later(rows.commit, row, as_of.least())) continue;
    if (rows.sign[row] < 0) continue;  // what holds instead is stated too
    Journey* journey = journeys.with_click(rows.advertiser_id[row], rows.event_id[row]);
    if (journey == nullptr) continue;  // no longer retained
    const state::ClickPlace click{journey, rows.event_time[row],
                                  strings.code_of(rows.event_id[row])};
    Touch& touch = *journeys.touch(click);
    if (rows.fact[row] == "double_click") {
      touch.is_double = rows.fact_value[row] == "true";
      touch.double_by_fact = true;
    } else if (rows.fact[row] == "joined_impression") {
      journeys.join(click, strings.code_of(rows.fact_value[row]));
      touch.joined_by_fact = true;
    }
  }
}

void remember_credits(Journeys& journeys, const event::CreditRows& rows, const state::AsOf& as_of) {
  StringPool& strings = journeys.strings();
  for (int64_t row = 0; row < rows.rows; ++row) {
    Journey* journey = journeys.with_conversion(rows.advertiser_id[row], rows.conversion_id[row]);
    if (journey == nullptr) continue;  // no longer retained
    if (!is_later(rows.commit, row, as_of.of_journey(journeys.number_of(*journey)))) continue;
    Conversion& conversion =
        *journeys.conversion(*journey, strings.code_of(rows.conversion_id[row]));
    Credit credit;
    if (rows.touch_id.has(row)) credit.touch = strings.code_of(rows.touch_id[row]);
    if (rows.currency.has(row)) credit.currency = strings.code_of(rows.currency[row]);
    credit.reason = strings.code_of(rows.reason[row]);
    credit.credit = rows.credit[row];
    credit.value = rows.value[row];
    credit.path_position = rows.path_position.value_or(row, 0);
    credit.path_length = rows.path_length.value_or(row, 0);
    credit.policy = strings.code_of(rows.policy[row]);
    credit.model = strings.code_of(rows.model[row]);
    auto& credits = conversion.credits;
    const auto at =
        std::lower_bound(credits.begin(), credits.end(), credit, state::CreditOrder{strings});
    if (rows.sign[row] > 0) {
      credits.insert(at, credit);
    } else {
      CHECK(at != credits.end() && *at == credit);
      credits.erase(at);
    }
  }
}

}  // namespace adweave::process
