// SPDX-License-Identifier: Apache-2.0
// The rules that every event must keep, whatever feed it came from.
#pragma once

#include <optional>
#include <vector>

#include "event/slice.h"

namespace adweave::process {

struct ValidationRules {
  std::optional<int64_t>
      oldest_time;  // of the oldest retained day, microseconds UTC; unset: all days are retained
};

// Rows of `batch` that keep the rules, ascending; the others become rejects of `slice` (required
// fields of the kind, event time between 2000-01-01 and ten minutes after receipt, closed lists of
// values). Sets kLate. Does not remove rows.
std::vector<int32_t> validate(event::DecodedSlice& slice, event::Batch& batch,
                              const ValidationRules& rules);

}  // namespace adweave::process
