// SPDX-License-Identifier: Apache-2.0
// Counts what is in a job's files: no ledger, no data folder, nothing looked up, nothing written.
#pragma once

#include <functional>
#include <map>

#include "engine/job.h"
#include "event/reject.h"
#include "process/count_events.h"

namespace adweave::engine {

struct CountReport {
  process::EventCounts events;  // that a run would take, repeats among them
  int64_t records_read = 0;
  std::map<event::Reason, int64_t> rejects;
};

// Decodes, enriches and validates all files on job.threads threads. `progress` (bytes done, bytes
// in all) may be empty. Fails with config, not_found or io.
Result<CountReport> count(const FileSystem& fs, const Job& job, const process::CountBy& by,
                          const std::function<void(int64_t, int64_t)>& progress);

}  // namespace adweave::engine
