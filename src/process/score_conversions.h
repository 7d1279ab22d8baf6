// SPDX-License-Identifier: Apache-2.0
// The credits of a person's conversions by one policy (semantics c.5).
#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "process/credit_models.h"
#include "state/journeys.h"

namespace adweave::process {

// A conversion with what its adjustments say.
struct CurrentConversion {
  const state::Conversion* conversion = nullptr;
  int64_t value = 0;
  uint32_t currency = 0;
  bool retracted = false;
};
CurrentConversion current(const state::Journeys& journeys, const state::Journey& journey,
                          const state::Conversion& conversion);

// Scores the conversions of one journey after the other, each journey's in order of time: begin()
// before the first of them.
class Scorer {
 public:
  Scorer(const AttributionPolicy& policy, state::Journeys& journeys);

  void begin() { used_.clear(); }
  // Appends the credits of a conversion; none of a retracted one.
  void score(const state::Journey& journey, const CurrentConversion& now,
             std::vector<state::Credit>& credits);
  // Notes only which touch it used up: for conversions before those that are scored.
  void pass(const state::Journey& journey, const CurrentConversion& now);

 private:
  using Touches = std::vector<state::Touch>::const_iterator;

  struct Windows {
    uint32_t conversion_type;
    uint32_t placement;
    int64_t click_us;
    int64_t view_us;
  };
  // A touch before the conversion, and what it gets.
  struct Step {
    const state::Touch* touch = nullptr;
    int64_t position = 0;  // in the path; 0: not eligible
    std::string_view reason;
    int64_t credit = 0;
    int64_t value = 0;
  };

  int64_t window(const state::Touch& touch, const state::Conversion& conversion) const;
  void find_path(const state::Journey& journey, const state::Conversion& conversion);
  bool beats(const state::Touch& a, const state::Touch& b) const;
  size_t strongest() const;
  bool is_repeat(const state::Conversion& conversion);
  void reward_winner(int64_t value);
  void choose_counted();
  void share(const CurrentConversion& now);
  void put_credits(const CurrentConversion& now, std::vector<state::Credit>& credits);
  state::Credit of_policy(const CurrentConversion& now, std::string_view reason);

  const AttributionPolicy& policy_;
  state::StringPool& strings_;
  uint32_t name_;
  uint32_t model_;
  std::vector<Windows> windows_;
  std::vector<Step> steps_;      // of the conversion at hand
  std::vector<size_t> path_;     // steps that are eligible
  std::vector<size_t> counted_;  // of them, those that share
  // Touches that have brought a conversion of a type: (type, touch).
  std::set<std::pair<uint32_t, uint32_t>> used_;
};

}  // namespace adweave::process
