// SPDX-License-Identifier: Apache-2.0
// All steps of a slice that need no state, so that they run on any worker in any order.
#pragma once

#include <array>
#include <vector>

#include "base/time_zone.h"
#include "event/slice.h"
#include "process/validate.h"
#include "state/dimensions.h"

namespace adweave::process {

struct PreparedSlice {
  event::DecodedSlice decoded;
  std::array<std::vector<Hash128>, event::kKinds> fingerprints;  // of every row of each batch
};

// What the steps need to know besides the slice; shared by all workers.
struct PrepareRules {
  TimeZone zone = TimeZone::utc();
  ValidationRules validation;
  state::Dimensions dimensions;
};

// Fingerprint, enrich, validate; fills source_position.
PreparedSlice prepare(event::DecodedSlice decoded, const PrepareRules& rules);
// The same in place: to move the columns of a slice costs more than an event does.
void prepare(PreparedSlice& prepared, const PrepareRules& rules);

}  // namespace adweave::process
