// SPDX-License-Identifier: Apache-2.0
// Rejects and conflicts as rows of the table `rejects`, with the raw bytes they were made from.
#pragma once

#include "event/reject.h"
#include "event/slice.h"

namespace adweave::process {

void add_reject(event::RejectRows& rows, const event::Slice& slice, const event::Reject& reject);

// A row that has the identity of an accepted event and other content.
void add_conflict(event::RejectRows& rows, const event::Slice& slice, const event::Batch& batch,
                  int64_t row, std::string_view first_position);

}  // namespace adweave::process
