// SPDX-License-Identifier: Apache-2.0
// Attribution policies, and how each model shares one conversion among the touches of its path
// (semantics: first, last, linear, position and time-decay attribution as Google Ads and Snowplow
// document them).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"

namespace adweave::process {

enum class AttributionModel {
  last_touch,      // the strongest class wins (click over viewable view over view), then the latest
  first_touch,     // the earliest wins, whatever its class
  linear,          // equal shares
  time_decay,      // a touch that is one half-life older has half the share
  position_based,  // first_weight and last_weight percent, the rest in equal parts to those between
};
std::string_view model_name(AttributionModel model);
std::span<const AttributionModel> all_models();
// Whether the whole conversion goes to one touch.
bool has_one_winner(AttributionModel model);

// How often a campaign counts in a path.
enum class Repeats {
  every,  // each touch counts
  once,   // only its latest touch
};

// How many conversions of a type one click may bring. A view brings one of each type at most.
enum class Counting { every, one };

// Windows for some touches; an empty text fits all.
struct WindowRule {
  std::string conversion_type;
  std::string placement;
  int64_t click_window_us = limits::kClickWindowUs;
  int64_t view_window_us = limits::kViewWindowUs;
};

// A touch is eligible when 0 <= lag < window. Of two touches at the same time the smaller event id
// comes first.
struct AttributionPolicy {
  std::string name = "default";
  AttributionModel model = AttributionModel::last_touch;
  int64_t click_window_us = limits::kClickWindowUs;
  int64_t view_window_us = limits::kViewWindowUs;
  std::vector<WindowRule> windows;  // the first that fits overrides both
  Repeats repeats = Repeats::every;
  int64_t half_life_us = limits::kHalfLifeUs;  // of time_decay
  int first_weight = limits::kPositionWeight;  // of position_based, in percent
  int last_weight = limits::kPositionWeight;
  std::map<std::string, Counting, std::less<>> counting = {
      {"signup", Counting::one}};  // by conversion type; others: every
};

// All that decides who gets which credit.
struct AttributionRules {
  std::vector<AttributionPolicy> policies{1};  // the first is `default`
  int64_t double_click_us = limits::kDoubleClickUs;
  int64_t click_join_window_us = limits::kClickJoinWindowUs;
};

// Weights of a path's touches, earliest first, by their lags in microseconds. Of a model with
// shares.
std::vector<uint64_t> touch_weights(const AttributionPolicy& policy,
                                    std::span<const int64_t> lags_us);

// Whole parts of `total` in proportion to the weights, by the largest remainder, of equal ones the
// earliest: they sum to it exactly. The parts of a negative total are those of its amount, negated.
// One weight at least is above 0.
std::vector<int64_t> split_by_weights(int64_t total, std::span<const uint64_t> weights);

}  // namespace adweave::process
