// SPDX-License-Identifier: Apache-2.0
// Which touch brought which conversion (semantics c.5). Credits are a pure function of a person's
// touches and conversions, independent of the order in which they arrive; a commit writes only what
// changed, with signs.
#pragma once

#include <span>

#include "event/batch.h"
#include "process/credit_models.h"
#include "state/journeys.h"

namespace adweave::process {

// Takes the accepted rows of a commit (any batches, any order) into the journeys and returns the
// credits of every policy that are new, changed (the old row again with sign -1) or gone. A path is
// the eligible ones of a person's latest limits::kTouchesPerConversionMax touches before the
// conversion; a winner is found among all.
event::CreditRows attribute(std::span<const event::Batch* const> batches,
                            std::span<const AttributionPolicy> policies, state::Journeys& journeys);

// Takes committed rows back into the journeys: touches and conversions first, then the credits of
// credits_log.
void remember_journeys(state::Journeys& journeys, const event::Batch& batch);
void remember_credits(state::Journeys& journeys, const event::CreditRows& rows);

}  // namespace adweave::process
