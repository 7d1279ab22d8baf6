// SPDX-License-Identifier: Apache-2.0
// How the work that a server does beside its commits stands, for its metrics.
#pragma once

#include <cstdint>
#include <string>

namespace adweave::ledger {

struct SealProgress {
  int64_t waiting = 0;      // days that are due
  int64_t sealed = 0;       // since the server began
  int64_t failures = 0;     // of a day, since then
  int64_t duration_us = 0;  // of the newest day that was sealed
};

struct ReconcileProgress {
  int64_t commit = 0;        // as of which the lake was counted last; 0: never
  int64_t difference = 0;    // how far it was from what the commits claim
  std::string first;         // where; empty: nowhere
  int64_t succeeded_at = 0;  // when there was none, microseconds UTC; 0: never
  int64_t failures = 0;      // times that it could not be counted
  int64_t duration_us = 0;   // of the last time
};

}  // namespace adweave::ledger
