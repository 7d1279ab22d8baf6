// SPDX-License-Identifier: Apache-2.0
// Journeys that a commit has changed, in the order of their first change, and from when on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "state/journeys.h"

namespace adweave::process {

class Changes {
 public:
  void add(state::Journey& journey, int64_t time) {
    const auto [it, added] = since_.try_emplace(&journey, time);
    if (added) journeys_.push_back(&journey);
    it->second = std::min(it->second, time);
  }

  const std::vector<state::Journey*>& journeys() const { return journeys_; }
  // The time of the earliest touch or conversion that was added or changed.
  int64_t since(const state::Journey& journey) const { return since_.at(&journey); }

 private:
  std::vector<state::Journey*> journeys_;
  std::unordered_map<const state::Journey*, int64_t> since_;
};

}  // namespace adweave::process
