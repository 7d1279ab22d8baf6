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
  struct Windows {
    uint32_t conversion_type;
    uint32_t placement;
    int64_t click_us;
    int64_t view_us;
  };
  // What a touch of the path gets.
  struct Share {
    size_t at = 0;  // in the path
    int64_t credit = 0;
    int64_t value = 0;
  };

  int64_t window(const state::Touch& touch, const state::Conversion& conversion) const;
  static state::OrderedList<state::Touch>::const_iterator touches_since(
      const state::Journey& journey, const state::Conversion& conversion, int64_t lag);
  void find_path(const state::Journey& journey, const state::Conversion& conversion);
  static bool beats(const state::Touch& touch, const state::Touch& before);
  bool is_repeat(const state::Conversion& conversion);
  void reward_winner(int64_t value);
  void choose_counted();
  void share(const CurrentConversion& now);
  std::string_view lost_by(const state::Touch& touch) const;
  void put_credits(const state::Journey& journey, const CurrentConversion& now,
                   std::vector<state::Credit>& credits);
  state::Credit of_policy(const CurrentConversion& now, std::string_view reason);

  const AttributionPolicy& policy_;
  state::StringPool& strings_;
  uint32_t name_;
  uint32_t model_;
  std::vector<Windows> windows_;
  int64_t longest_window_ = 0;  // microseconds
  // Of the conversion at hand:
  std::vector<const state::Touch*> path_;  // touches that are eligible, in order
  size_t strongest_ = 0;                   // in the path
  bool is_used_up_ = false;                // its deciding touch has brought another conversion
  std::vector<Share> shares_;              // by their place in the path
  // Touches that have brought a conversion of a type: (type, touch).
  std::set<std::pair<uint32_t, uint32_t>> used_;
};

}  // namespace adweave::process
