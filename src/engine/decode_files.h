// SPDX-License-Identifier: Apache-2.0
// Decodes whole files without a ledger, for what needs neither their order nor what was read
// before.
#pragma once

#include <cstddef>
#include <functional>

#include "engine/job.h"
#include "event/slice.h"

namespace adweave::engine {

// Receives each slice, in no order. Called by several threads; `worker` (0 to job.threads - 1)
// tells them apart.
using TakeDecoded = std::function<void(size_t worker, event::DecodedSlice)>;

// Decodes every file of every source on job.threads threads. `progress` (bytes done, bytes in all)
// is called by one thread at a time and may be empty. Fails with config, not_found or io.
Status decode_files(const FileSystem& fs, const Job& job, const TakeDecoded& take,
                    const std::function<void(int64_t, int64_t)>& progress);

}  // namespace adweave::engine
