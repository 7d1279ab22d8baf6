// SPDX-License-Identifier: Apache-2.0
// Rows of the event tables as touches, conversions and adjustments of journeys. Inside process/
// only.
#pragma once

#include <cstdint>

#include "event/batch.h"
#include "state/journeys.h"

namespace adweave::process {

// A row that is in a journey now.
struct Taken {
  state::Journey* journey = nullptr;  // null: it is of no journey, or was there already
  int64_t time = 0;                   // from which on the journey has changed
  uint32_t event_id = 0;
};

// Impressions of nobody are in no journey: they can win nothing (semantics c.5 rule 13). Clicks and
// conversions of nobody have a journey of their own. An adjustment changes the journey of the
// conversion it names, if that has come.
Taken take_row(state::Journeys& journeys, const event::Batch& batch, int64_t row);

}  // namespace adweave::process
