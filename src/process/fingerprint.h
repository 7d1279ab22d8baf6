// SPDX-License-Identifier: Apache-2.0
// What makes two records the same: a hash of everything that the mapping read, without where and
// when it came in.
#pragma once

#include <vector>

#include "base/hash.h"
#include "event/batch.h"

namespace adweave::process {

// Writes content_hash and returns the 128-bit fingerprint of every row: all mapped fields by their
// field id, and extra. A time that was taken from receipt is not part of it. Call before anything
// is enriched.
std::vector<Hash128> fingerprint(event::Batch& batch);

}  // namespace adweave::process
