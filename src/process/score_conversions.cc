// SPDX-License-Identifier: Apache-2.0
#include "process/score_conversions.h"

#include <algorithm>
#include <set>

namespace adweave::process {

namespace {

using state::Conversion;
using state::Credit;
using state::Journey;
using state::OrderedList;
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
  longest_window_ = std::max(policy.click_window_us, policy.view_window_us);
  for (const Windows& rule : windows_)
    longest_window_ = std::max({longest_window_, rule.click_us, rule.view_us});
  longest_window_ = std::min(longest_window_, limits::kRestatementHorizonUs);
}

void Scorer::score(const Journey& journey, const CurrentConversion& now,
                   std::vector<Credit>& credits) {
  if (now.retracted) return;
  find_path(journey, *now.conversion);
  shares_.clear();
  is_used_up_ = is_repeat(*now.conversion);
  if (!path_.empty() && !is_used_up_) {
    if (has_one_winner(policy_.model)) {
      reward_winner(now.value);
    } else {
      share(now);
    }
  }
  put_credits(journey, now, credits);
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

// The first touch that is not so long before the conversion.
OrderedList<Touch>::const_iterator Scorer::touches_since(const Journey& journey,
                                                         const Conversion& conversion,
                                                         int64_t lag) {
  return journey.touches.partition_point(
      [&](const Touch& touch) { return touch.time <= conversion.time - lag; });
}

// The eligible touches and the strongest of them. A person may have very many: each is looked at
// once, and those too old for every window are not.
void Scorer::find_path(const Journey& journey, const Conversion& conversion) {
  path_.clear();
  const Touch* strongest = nullptr;
  const auto end = touches_since(journey, conversion, 0);
  for (auto touch = touches_since(journey, conversion, longest_window_); touch != end; ++touch) {
    if (touch->is_double || conversion.time - touch->time >= window(*touch, conversion)) continue;
    path_.push_back(&*touch);
    if (strongest == nullptr || beats(*touch, *strongest)) {
      strongest = &*touch;
      strongest_ = path_.size() - 1;
    }
  }
}

// Of two touches of the path, the first behind the second: class, then the later time, then the
// smaller id, which stands first.
bool Scorer::beats(const Touch& touch, const Touch& before) {
  if (touch.touch_class != before.touch_class) return touch.touch_class > before.touch_class;
  return touch.time > before.time;
}

// Whether its deciding touch has brought a conversion of the type before, and may not bring
// another.
bool Scorer::is_repeat(const Conversion& conversion) {
  if (path_.empty()) return false;
  const Touch& deciding = *path_[strongest_];
  const bool first = used_.emplace(conversion.type, deciding.event_id).second;
  if (first) return false;
  if (deciding.touch_class != TouchClass::click) return true;
  const auto rule = policy_.counting.find(strings_[conversion.type]);
  return rule != policy_.counting.end() && rule->second == Counting::one;
}

void Scorer::reward_winner(int64_t value) {
  const bool is_last = policy_.model == AttributionModel::last_touch;
  shares_.push_back({is_last ? strongest_ : 0, limits::kCreditPpb, value});
}

// Of the path's touches those that share: the latest, and of each campaign all or the latest.
void Scorer::choose_counted() {
  const size_t most = limits::kTouchesPerConversionMax;
  std::set<uint32_t> campaigns;
  for (size_t at = path_.size(); at > 0 && shares_.size() < most; --at) {
    const bool again = !campaigns.insert(path_[at - 1]->campaign).second;
    if (again && policy_.repeats == Repeats::once) continue;
    shares_.push_back({at - 1, 0, 0});
  }
  std::reverse(shares_.begin(), shares_.end());
}

void Scorer::share(const CurrentConversion& now) {
  choose_counted();
  std::vector<int64_t> lags;
  for (const Share& share : shares_) lags.push_back(now.conversion->time - path_[share.at]->time);
  const std::vector<uint64_t> weights = touch_weights(policy_, lags);
  const std::vector<int64_t> credits = split_by_weights(limits::kCreditPpb, weights);
  const std::vector<int64_t> values = split_by_weights(now.value, weights);
  for (size_t i = 0; i < shares_.size(); ++i) {
    shares_[i].credit = credits[i];
    shares_[i].value = values[i];
  }
}

// Why a touch of the path without credit has none.
std::string_view Scorer::lost_by(const Touch& touch) const {
  if (is_used_up_ || !has_one_winner(policy_.model)) return "repeat";
  return touch.touch_class < path_[shares_.front().at]->touch_class ? "lower_class" : "superseded";
}

// All touches with credit and, of the others, the latest; and the whole conversion where none has.
void Scorer::put_credits(const Journey& journey, const CurrentConversion& now,
                         std::vector<Credit>& credits) {
  const auto put = [&](const Touch& touch, std::string_view reason) -> Credit& {
    Credit& credit = credits.emplace_back(of_policy(now, reason));
    credit.touch = touch.event_id;
    return credit;
  };
  const auto put_of_path = [&](size_t at, const Share* share) {
    const std::string_view has = has_one_winner(policy_.model) ? "won" : "share";
    Credit& credit = put(*path_[at], share != nullptr ? has : lost_by(*path_[at]));
    if (!is_used_up_) {
      credit.path_position = static_cast<int64_t>(at) + 1;
      credit.path_length = static_cast<int64_t>(path_.size());
    }
    if (share != nullptr) {
      credit.credit = share->credit;
      credit.value = share->value;
    }
  };
  size_t at = path_.size();  // the path's touches before the latest are these
  const auto end = touches_since(journey, *now.conversion, 0);
  const auto oldest = touches_since(journey, *now.conversion, limits::kRestatementHorizonUs);
  auto latest = end;
  for (int left = limits::kTouchesPerConversionMax; left > 0 && latest != oldest; --left) {
    --latest;
    if (at > 0 && path_[at - 1] == &*latest) --at;
  }
  auto share = shares_.begin();
  for (; share != shares_.end() && share->at < at; ++share) {
    if (share->credit != 0) put_of_path(share->at, &*share);
  }
  for (; latest != end; ++latest) {
    if (at == path_.size() || path_[at] != &*latest) {
      put(*latest, latest->is_double ? "repeat" : "outside_window");
      continue;
    }
    const bool has_share = share != shares_.end() && share->at == at;
    put_of_path(at++, has_share ? &*share++ : nullptr);
  }
  if (!path_.empty() && !is_used_up_) return;
  Credit& credit = credits.emplace_back(of_policy(now, "unattributed"));
  credit.credit = limits::kCreditPpb;
  credit.value = now.value;
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
