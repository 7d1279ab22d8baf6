// SPDX-License-Identifier: Apache-2.0
// Which touch brought which conversion, and which impression a click is of (semantics c.5). Both
// are pure functions of the events, independent of the order in which they arrive; a commit writes
// only what changed, with signs.
#pragma once

#include <optional>
#include <span>

#include "event/batch.h"
#include "process/credit_models.h"
#include "state/as_of.h"
#include "state/state.h"

namespace adweave::process {

// What a commit says beside its events.
struct Attribution {
  event::CreditRows credits;
  event::FactRows facts;
};

// Takes the accepted rows of a commit (any batches, any order) into the state's journeys; their ids
// are in the state already. Fills impression_id, joined_by and is_double_click of its clicks and
// returns what changed of earlier ones, and the credits of every policy that are new, changed (the
// old row again with sign -1) or gone. Shares go to the latest limits::kTouchesPerConversionMax
// eligible touches; a winner is found among all. A conversion that has credits of touches that are
// no longer retained keeps them as they are.
//
// Credits are posted to the day of their conversion, or to `open_from` (a UTC day's start) when
// that day is before it: the period before is closed.
Attribution attribute(std::span<event::Batch* const> batches, const AttributionRules& rules,
                      std::optional<int64_t> open_from, state::State& state);

// Takes committed rows back into journeys as of some commits, those of later ones: all events
// first, in any order, then the facts, then the credits, each in the order of the commits for the
// same event. Events and facts that a journey knows already, it may be given again.
void remember_journeys(state::Journeys& journeys, const event::Batch& batch,
                       const state::AsOf& as_of = state::AsOf());
void remember_facts(state::Journeys& journeys, const event::FactRows& rows,
                    const state::AsOf& as_of = state::AsOf());
void remember_credits(state::Journeys& journeys, const event::CreditRows& rows,
                      const state::AsOf& as_of = state::AsOf());

}  // namespace adweave::process
