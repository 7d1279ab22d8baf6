// SPDX-License-Identifier: Apache-2.0
// Journeys that a commit has changed, in the order of their first change, and from when on. The
// time stands in the journey itself: a look-up for each event cost 3 % of a run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "state/journeys.h"

namespace adweave::process {

// One at a time for a state; must not outlive its journeys.
class Changes {
 public:
  Changes() = default;
  ~Changes() {
    for (state::Journey* journey : journeys_) journey->changed_since = state::kUnchanged;
  }
  Changes(const Changes&) = delete;
  Changes& operator=(const Changes&) = delete;

  void add(state::Journey& journey, int64_t time) {
    if (journey.changed_since == state::kUnchanged) journeys_.push_back(&journey);
    journey.changed_since = std::min(journey.changed_since, time);
  }

  const std::vector<state::Journey*>& journeys() const { return journeys_; }
  // The time of the earliest touch or conversion that was added or changed.
  static int64_t since(const state::Journey& journey) {
    CHECK(journey.changed_since != state::kUnchanged);
    return journey.changed_since;
  }

 private:
  std::vector<state::Journey*> journeys_;
};

}  // namespace adweave::process
