// SPDX-License-Identifier: Apache-2.0
#include "process/score_conversions.h"

#include <algorithm>
#include <set>

namespace adweave::process {

namespace {

using state::Conversion;
using state::Credit;
using state::Journey;
using state::StringPool;
using state::Touch;
using state::TouchClass;

constexpr uint32_t kAny = UINT32_MAX;

}  // namespace

CurrentConversion current(const state::Journeys& journeys, const Journey& journey,
                          const Conversion& conversion) {
  CurrentConversion now{&conversion, conversion.value, conversion.currency, false};
  const state::Adjustment* said = journeys.adjustment_of(journey, conversion);
  if (said == nullptr) return now;
  now.retracted = said->retracted;
  if (said->event_id == StringPool::kNone) return now;
  now.value = said->value;
  if (said->currency != StringPool::kNone) now.currency = said->currency;
  return now;
}

Scorer::Scorer(const AttributionPolicy& policy, state::Journeys& journeys)
    : policy_(policy),
      strings_(journeys.strings()),
      name_(strings_.code_of(policy.name)),
      model_(strings_.code_of(model_name(policy.model))) {
  for (const WindowRule& rule : policy.windows) {
    windows_.push_back(
        {rule.conversion_type.empty() ? kAny : strings_.code_of(rule.conversion_type),
         rule.placement.empty() ? kAny : strings_.code_of(rule.placement), rule.click_window_us,
         rule.view_window_us});
  }
}

void Scorer::score(const Journey& journey, const CurrentConversion& now,
                   std::vector<Credit>& credits) {
  if (now.retracted) return;
  find_path(journey, *now.conversion);
  if (is_repeat(*now.conversion)) {
    for (const size_t at : path_) {
      steps_[at].reason = "repeat";
      steps_[at].position = 0;
    }
    path_.clear();
  }
  if (has_one_winner(policy_.model)) {
    reward_winner(now.value);
  } else {
    share(now);
  }
  put_credits(now, credits);
}

void Scorer::pass(const Journey& journey, const CurrentConversion& now) {
  if (now.retracted) return;
  find_path(journey, *now.conversion);
  is_repeat(*now.conversion);
}

int64_t Scorer::window(const Touch& touch, const Conversion& conversion) const {
  const bool click = touch.touch_class == TouchClass::click;
  for (const Windows& rule : windows_) {
    const bool fits = (rule.conversion_type == kAny || rule.conversion_type == conversion.type) &&
                      (rule.placement == kAny || rule.placement == touch.placement);
    if (fits) return click ? rule.click_us : rule.view_us;
  }
  return click ? policy_.click_window_us : policy_.view_window_us;
}

// Touches and, by their indices, those that are eligible.
void Scorer::find_path(const Journey& journey, const Conversion& conversion) {
  steps_.clear();
  path_.clear();
  const auto begin =
      std::lower_bound(journey.touches.begin(), journey.touches.end(),
                       conversion.time - limits::kRestatementHorizonUs,
                       [](const Touch& touch, int64_t time) { return touch.time <= time; });
  const auto end =
      std::upper_bound(journey.touches.begin(), journey.touches.end(), conversion.time,
                       [](int64_t time, const Touch& touch) { return time < touch.time; });
  for (auto touch = begin; touch != end; ++touch) {
    Step step;
    step.touch = &*touch;
    step.reason = touch->is_double ? "repeat" : "outside_window";
    if (!touch->is_double && conversion.time - touch->time < window(*touch, conversion)) {
      path_.push_back(steps_.size());
      step.position = static_cast<int64_t>(path_.size());
    }
    steps_.push_back(step);
  }
}

// Class, then the later time, then the smaller id. (By time and id the later touch stands behind.)
bool Scorer::beats(const Touch& a, const Touch& b) const {
  if (a.touch_class != b.touch_class) return a.touch_class > b.touch_class;
  if (a.time != b.time) return a.time > b.time;
  return strings_[a.event_id] < strings_[b.event_id];
}

// Of the path, which is not empty.
size_t Scorer::strongest() const {
  size_t winner = path_.front();
  for (const size_t at : path_) {
    if (beats(*steps_[at].touch, *steps_[winner].touch)) winner = at;
  }
  return winner;
}

// Whether its deciding touch has brought a conversion of the type before, and may not bring
// another.
bool Scorer::is_repeat(const Conversion& conversion) {
  if (path_.empty()) return false;
  const Touch& deciding = *steps_[strongest()].touch;
  const bool first = used_.emplace(conversion.type, deciding.event_id).second;
  if (first) return false;
  if (deciding.touch_class != TouchClass::click) return true;
  const auto rule = policy_.counting.find(strings_[conversion.type]);
  return rule != policy_.counting.end() && rule->second == Counting::one;
}

void Scorer::reward_winner(int64_t value) {
  if (path_.empty()) return;
  const size_t winner = policy_.model == AttributionModel::last_touch ? strongest() : path_.front();
  for (const size_t at : path_) {
    const bool weaker = steps_[at].touch->touch_class < steps_[winner].touch->touch_class;
    steps_[at].reason = weaker ? "lower_class" : "superseded";
  }
  steps_[winner].reason = "won";
  steps_[winner].credit = limits::kCreditPpb;
  steps_[winner].value = value;
}

// Leaves in the path what counts: the latest touches, and of each campaign all or the latest.
void Scorer::choose_counted() {
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

void Scorer::share(const CurrentConversion& now) {
  if (path_.empty()) return;
  choose_counted();
  std::vector<int64_t> lags;
  for (const size_t at : counted_) lags.push_back(now.conversion->time - steps_[at].touch->time);
  const std::vector<uint64_t> weights = touch_weights(policy_, lags);
  const std::vector<int64_t> credits = split_by_weights(limits::kCreditPpb, weights);
  const std::vector<int64_t> values = split_by_weights(now.value, weights);
  for (size_t i = 0; i < counted_.size(); ++i) {
    steps_[counted_[i]].credit = credits[i];
    steps_[counted_[i]].value = values[i];
  }
}

// All touches with credit and, of the others, the latest; and the whole conversion where none has.
void Scorer::put_credits(const CurrentConversion& now, std::vector<Credit>& credits) {
  const auto most = static_cast<size_t>(limits::kTouchesPerConversionMax);
  const size_t first = steps_.size() > most ? steps_.size() - most : 0;
  for (size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    if (i < first && step.credit == 0) continue;
    Credit credit = of_policy(now, step.reason);
    credit.touch = step.touch->event_id;
    if (step.position > 0) {
      credit.path_position = step.position;
      credit.path_length = static_cast<int64_t>(path_.size());
    }
    credit.credit = step.credit;
    credit.value = step.value;
    credits.push_back(credit);
  }
  if (!path_.empty()) return;
  Credit credit = of_policy(now, "unattributed");
  credit.credit = limits::kCreditPpb;
  credit.value = now.value;
  credits.push_back(credit);
}

Credit Scorer::of_policy(const CurrentConversion& now, std::string_view reason) {
  Credit credit;
  credit.reason = strings_.code_of(reason);
  credit.policy = name_;
  credit.model = model_;
  credit.currency = now.currency;
  return credit;
}

}  // namespace adweave::process
