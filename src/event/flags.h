// SPDX-License-Identifier: Apache-2.0
// Bits of the column `flags`. Final: they are stored.
#pragma once

#include <cstdint>

namespace adweave::event {

enum Flag : int64_t {
  kPossibleDuplicate = 1 << 0,  // a row without an id that repeats an earlier row of the same file
  kTimeFromReceipt = 1 << 1,    // the feed has no event time; received_time was taken
  kLate = 1 << 2,               // received_time - event_time is over the late horizon
  kJoinedLate = 1 << 3,         // its impression was found by a later commit
  kValueNulled = 1 << 4,       // a value that makes no sense was nulled; the original is in `extra`
  kNotDeduplicated = 1 << 5,   // its source has `deduplicate: off`
  kFastConversion = 1 << 6,    // in the same second as its touch
  kUnknownDimension = 1 << 7,  // its creative, ad group or campaign is in no dimension file
};

}  // namespace adweave::event
