// SPDX-License-Identifier: Apache-2.0
// How the work that a server does beside its commits stands, for its metrics.
#pragma once

#include <cstdint>

namespace adweave::ledger {

struct SealProgress {
  int64_t waiting = 0;      // days that are due
  int64_t sealed = 0;       // since the server began
  int64_t failures = 0;     // of a day, since then
  int64_t duration_us = 0;  // of the newest day that was sealed
};

}  // namespace adweave::ledger
