// SPDX-License-Identifier: Apache-2.0
#include "process/attribute.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/check.h"

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

// Stands for the missing person of a conversion, which then has a journey of its own.
constexpr Hash128 kNobody = {0, 1};

uint32_t code(Journeys& journeys, const event::DictColumn& column, int64_t row) {
  return column.has(row) ? journeys.strings().code_of(column[row]) : StringPool::kNone;
}

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

Touch touch_of(Journeys& journeys, const Batch& batch, int64_t row) {
  Touch touch;
  touch.time = batch.event_time[row];
  touch.event_id = journeys.strings().code_of(batch.event_id[row]);
  touch.touch_class = batch.kind == Kind::click              ? TouchClass::click
                      : batch.viewable.value_or(row, 0) != 0 ? TouchClass::viewable_view
                                                             : TouchClass::view;
  touch.campaign = code(journeys, batch.campaign_id, row);
  touch.ad_group = code(journeys, batch.ad_group_id, row);
  touch.creative = code(journeys, batch.creative_id, row);
  touch.placement = code(journeys, batch.placement_id, row);
  touch.website = code(journeys, batch.website, row);
  return touch;
}

Conversion conversion_of(Journeys& journeys, const Batch& batch, int64_t row) {
  Conversion conversion;
  conversion.time = batch.event_time[row];
  conversion.event_id = journeys.strings().code_of(batch.event_id[row]);
  conversion.type = code(journeys, batch.conversion_type, row);
  conversion.currency = code(journeys, batch.currency, row);
  conversion.reported_campaign = code(journeys, batch.reported_campaign_id, row);
  conversion.value = batch.value.value_or(row, 0);
  return conversion;
}

// Puts the rows of a batch into their journeys and reports each journey that has changed.
template <class Changed>
void take(Journeys& journeys, const Batch& batch, Changed&& changed) {
  const bool touches = batch.kind == Kind::impression || batch.kind == Kind::click;
  if (!touches && batch.kind != Kind::conversion) return;
  for (int64_t row = 0; row < batch.rows; ++row) {
    const bool known = batch.person_id.has(row);
    if (touches && !known) continue;  // a touch of nobody can win nothing (semantics c.5 rule 13)
    const Hash128 person =
        known ? batch.person_id.hash(row) : combine(kNobody, batch.event_id.hash(row));
    Journey& journey = journeys.of(person, batch.advertiser_id[row]);
    const bool added = touches ? journeys.add(journey, touch_of(journeys, batch, row))
                               : journeys.add(journey, conversion_of(journeys, batch, row));
    if (added) changed(journey);
  }
}

// Computes the credits of one conversion by one policy.
class Scorer {
 public:
  Scorer(const AttributionPolicy& policy, Journeys& journeys)
      : policy_(policy),
        strings_(journeys.strings()),
        name_(strings_.code_of(policy.name)),
        model_(strings_.code_of(model_name(policy.model))) {
    for (const WindowRule& rule : policy.windows) {
      rules_.push_back(
          {rule.conversion_type.empty() ? kAny : strings_.code_of(rule.conversion_type),
           rule.placement.empty() ? kAny : strings_.code_of(rule.placement), rule.click_window_us,
           rule.view_window_us});
    }
  }

  // Appends them.
  void score(const Journey& journey, const Conversion& conversion, std::vector<Credit>& credits) {
    const auto begin =
        std::lower_bound(journey.touches.begin(), journey.touches.end(),
                         conversion.time - limits::kRestatementHorizonUs,
                         [](const Touch& touch, int64_t time) { return touch.time <= time; });
    const auto end =
        std::upper_bound(journey.touches.begin(), journey.touches.end(), conversion.time,
                         [](int64_t time, const Touch& touch) { return time < touch.time; });
    find_path(begin, end, conversion);
    if (has_one_winner(policy_.model)) {
      reward_winner(conversion);
    } else {
      share(conversion);
    }
    put_credits(credits);
    if (path_.empty()) credits.push_back(unattributed(conversion));
  }

 private:
  using Touches = std::vector<Touch>::const_iterator;
  static constexpr uint32_t kAny = UINT32_MAX;

  struct Windows {
    uint32_t conversion_type;
    uint32_t placement;
    int64_t click_us;
    int64_t view_us;
  };

  // A touch before the conversion, and what it gets.
  struct Step {
    const Touch* touch = nullptr;
    int64_t position = 0;  // in the path; 0: not eligible
    std::string_view reason;
    int64_t credit = 0;
    int64_t value = 0;
  };

  int64_t window(const Touch& touch, const Conversion& conversion) const {
    const bool click = touch.touch_class == TouchClass::click;
    for (const Windows& rule : rules_) {
      const bool fits = (rule.conversion_type == kAny || rule.conversion_type == conversion.type) &&
                        (rule.placement == kAny || rule.placement == touch.placement);
      if (fits) return click ? rule.click_us : rule.view_us;
    }
    return click ? policy_.click_window_us : policy_.view_window_us;
  }

  // Touches and, by their indices, those that are eligible.
  void find_path(Touches begin, Touches end, const Conversion& conversion) {
    steps_.clear();
    path_.clear();
    for (auto touch = begin; touch != end; ++touch) {
      Step step;
      step.touch = &*touch;
      step.reason = "outside_window";
      if (conversion.time - touch->time < window(*touch, conversion)) {
        path_.push_back(steps_.size());
        step.position = static_cast<int64_t>(path_.size());
      }
      steps_.push_back(step);
    }
  }

  // Class, then the later time, then the smaller id. (By time and id the later touch stands
  // behind.)
  bool beats(const Touch& a, const Touch& b) const {
    if (a.touch_class != b.touch_class) return a.touch_class > b.touch_class;
    if (a.time != b.time) return a.time > b.time;
    return strings_[a.event_id] < strings_[b.event_id];
  }

  void reward_winner(const Conversion& conversion) {
    if (path_.empty()) return;
    size_t winner = path_.front();
    for (const size_t at : path_) {
      const bool later = policy_.model == AttributionModel::last_touch;
      if (later && beats(*steps_[at].touch, *steps_[winner].touch)) winner = at;
    }
    for (const size_t at : path_) {
      const bool weaker = steps_[at].touch->touch_class < steps_[winner].touch->touch_class;
      steps_[at].reason = weaker ? "lower_class" : "superseded";
    }
    steps_[winner].reason = "won";
    steps_[winner].credit = limits::kCreditPpb;
    steps_[winner].value = conversion.value;
  }

  // Leaves in the path what counts: the latest touches, and of each campaign all or the latest.
  void choose_counted() {
    const size_t most = limits::kTouchesPerConversionMax;
    std::vector<size_t> counted;
    std::set<uint32_t> campaigns;
    for (auto at = path_.rbegin(); at != path_.rend() && counted.size() < most; ++at) {
      Step& step = steps_[*at];
      step.reason = "repeat";
      const bool again = !campaigns.insert(step.touch->campaign).second;
      if (again && policy_.repeats == Repeats::once) continue;
      step.reason = "share";
      counted.push_back(*at);
    }
    std::reverse(counted.begin(), counted.end());
    counted_ = std::move(counted);
  }

  void share(const Conversion& conversion) {
    if (path_.empty()) return;
    choose_counted();
    std::vector<int64_t> lags;
    for (const size_t at : counted_) lags.push_back(conversion.time - steps_[at].touch->time);
    const std::vector<uint64_t> weights = touch_weights(policy_, lags);
    const std::vector<int64_t> credits = split_by_weights(limits::kCreditPpb, weights);
    const std::vector<int64_t> values = split_by_weights(conversion.value, weights);
    for (size_t i = 0; i < counted_.size(); ++i) {
      steps_[counted_[i]].credit = credits[i];
      steps_[counted_[i]].value = values[i];
    }
  }

  // All touches with credit and, of the others, the latest.
  void put_credits(std::vector<Credit>& credits) {
    const auto most = static_cast<size_t>(limits::kTouchesPerConversionMax);
    const size_t first = steps_.size() > most ? steps_.size() - most : 0;
    for (size_t i = 0; i < steps_.size(); ++i) {
      const Step& step = steps_[i];
      if (i < first && step.credit == 0) continue;
      Credit credit = of_policy(step.reason);
      credit.touch = step.touch->event_id;
      if (step.position > 0) {
        credit.path_position = step.position;
        credit.path_length = static_cast<int64_t>(path_.size());
      }
      credit.credit = step.credit;
      credit.value = step.value;
      credits.push_back(credit);
    }
  }

  Credit of_policy(std::string_view reason) {
    Credit credit;
    credit.reason = strings_.code_of(reason);
    credit.policy = name_;
    credit.model = model_;
    return credit;
  }

  Credit unattributed(const Conversion& conversion) {
    Credit credit = of_policy("unattributed");
    credit.credit = limits::kCreditPpb;
    credit.value = conversion.value;
    return credit;
  }

  const AttributionPolicy& policy_;
  StringPool& strings_;
  uint32_t name_;
  uint32_t model_;
  std::vector<Windows> rules_;
  std::vector<Step> steps_;      // of the conversion at hand
  std::vector<size_t> path_;     // steps that are eligible
  std::vector<size_t> counted_;  // of them, those that share
};

// Writes credits as rows of credits_log.
class CreditWriter {
 public:
  CreditWriter(const Journeys& journeys, event::CreditRows& rows)
      : strings_(journeys.strings()), rows_(rows) {}

  void write(const Journey& journey, const Conversion& conversion, const Credit& credit, int sign) {
    const int64_t row = rows_.rows++;
    rows_.conversion_id.put(row, strings_[conversion.event_id]);
    put(rows_.policy, row, credit.policy);
    put(rows_.model, row, credit.model);
    rows_.credit.put(row, credit.credit);
    rows_.value.put(row, credit.value);
    put(rows_.currency, row, conversion.currency);
    put(rows_.conversion_type, row, conversion.type);
    put(rows_.advertiser_id, row, journey.advertiser);
    rows_.conversion_time.put(row, conversion.time);
    put(rows_.reported_campaign_id, row, conversion.reported_campaign);
    put(rows_.reason, row, credit.reason);
    rows_.posting_date.put(row, day_start(conversion.time));
    rows_.sign.put(row, sign);
    if (credit.path_length > 0) {
      rows_.path_position.put(row, credit.path_position);
      rows_.path_length.put(row, credit.path_length);
    }
    if (credit.touch != StringPool::kNone) write_touch(row, journey, conversion, credit.touch);
  }

 private:
  static int64_t day_start(int64_t time) {
    const int64_t rest = time % limits::kDayUs;
    return time - rest - (rest < 0 ? limits::kDayUs : 0);
  }

  void put(event::DictColumn& column, int64_t row, uint32_t text) {
    if (text != StringPool::kNone) column.put(row, strings_[text]);
  }

  void write_touch(int64_t row, const Journey& journey, const Conversion& conversion,
                   uint32_t touch_id) {
    const auto touch = std::find_if(journey.touches.begin(), journey.touches.end(),
                                    [&](const Touch& t) { return t.event_id == touch_id; });
    CHECK(touch != journey.touches.end());
    rows_.touch_id.put(row, strings_[touch_id]);
    rows_.touch_kind.put(row, class_name(touch->touch_class));
    rows_.touch_time.put(row, touch->time);
    rows_.lag_us.put(row, conversion.time - touch->time);
    put(rows_.campaign_id, row, touch->campaign);
    put(rows_.ad_group_id, row, touch->ad_group);
    put(rows_.creative_id, row, touch->creative);
    put(rows_.placement_id, row, touch->placement);
    put(rows_.website, row, touch->website);
  }

  const StringPool& strings_;
  event::CreditRows& rows_;
};

// Writes the differences between the credits a conversion has and those it should have.
void restate(const Journey& journey, Conversion& conversion, std::vector<Credit> credits,
             const state::CreditOrder& order, CreditWriter& writer) {
  std::vector<Credit> gone;
  std::vector<Credit> added;
  const auto& old = conversion.credits;
  std::set_difference(old.begin(), old.end(), credits.begin(), credits.end(),
                      std::back_inserter(gone), order);
  std::set_difference(credits.begin(), credits.end(), old.begin(), old.end(),
                      std::back_inserter(added), order);
  for (const Credit& credit : gone) writer.write(journey, conversion, credit, -1);
  for (const Credit& credit : added) writer.write(journey, conversion, credit, 1);
  conversion.credits = std::move(credits);
}

}  // namespace

event::CreditRows attribute(std::span<const Batch* const> batches,
                            std::span<const AttributionPolicy> policies, Journeys& journeys) {
  // In order of first change, so that the rows come out the same every time.
  std::vector<Journey*> changed;
  std::set<const Journey*> known;
  for (const Batch* batch : batches) {
    take(journeys, *batch, [&](Journey& journey) {
      if (known.insert(&journey).second) changed.push_back(&journey);
    });
  }
  event::CreditRows rows;
  CreditWriter writer(journeys, rows);
  std::vector<Scorer> scorers;
  for (const AttributionPolicy& policy : policies) scorers.emplace_back(policy, journeys);
  const state::CreditOrder order{journeys.strings()};
  for (Journey* journey : changed) {
    for (Conversion& conversion : journey->conversions) {
      std::vector<Credit> credits;
      for (Scorer& scorer : scorers) scorer.score(*journey, conversion, credits);
      std::sort(credits.begin(), credits.end(), order);
      restate(*journey, conversion, std::move(credits), order, writer);
    }
  }
  return rows;
}

void remember_journeys(Journeys& journeys, const Batch& batch) {
  take(journeys, batch, [](Journey&) {});
}

void remember_credits(Journeys& journeys, const event::CreditRows& rows) {
  StringPool& strings = journeys.strings();
  for (int64_t row = 0; row < rows.rows; ++row) {
    Journey* journey = journeys.with_conversion(rows.advertiser_id[row], rows.conversion_id[row]);
    CHECK(journey != nullptr);
    Conversion& conversion =
        *journeys.conversion(*journey, strings.code_of(rows.conversion_id[row]));
    Credit credit;
    if (rows.touch_id.has(row)) credit.touch = strings.code_of(rows.touch_id[row]);
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
