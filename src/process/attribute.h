// SPDX-License-Identifier: Apache-2.0
// Which touch brought which conversion (semantics c.5). Credits are a pure function of a person's
// touches and conversions, independent of the order in which they arrive; a commit writes only what
// changed, with signs.
#pragma once

#include <span>
#include <string>

#include "base/limits.h"
#include "event/batch.h"
#include "state/journeys.h"

namespace adweave::process {

// Last touch: among the touches before the conversion and inside their window, the strongest class
// wins (click over viewable view over view), then the latest, then the smallest event id. Windows
// are half open: 0 <= lag < window.
struct AttributionPolicy {
  std::string name = "default";
  std::string model = "last_touch";
  int64_t click_window_us = limits::kClickWindowUs;
  int64_t view_window_us = limits::kViewWindowUs;
};

// Takes the accepted rows of a commit (any batches, any order) into the journeys and returns the
// credits that are new, changed (the old row again with sign -1) or gone.
event::CreditRows attribute(std::span<const event::Batch* const> batches,
                            const AttributionPolicy& policy, state::Journeys& journeys);

// Takes committed rows back into the journeys: touches and conversions first, then the credits of
// credits_log.
void remember_journeys(state::Journeys& journeys, const event::Batch& batch);
void remember_credits(state::Journeys& journeys, const event::CreditRows& rows);

}  // namespace adweave::process
