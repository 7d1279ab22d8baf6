// SPDX-License-Identifier: Apache-2.0
// Rejects decoded again by a corrected configuration, exactly once.
//
// What is accepted enters like any row, under its old source and position; the audit counts it as
// the source "replay:<source>". The same commit takes the open reject back and states what became
// of it, so a kill at any step and any number of repeats change nothing. A reject that fails as it
// did leaves no trace.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/job.h"
#include "engine/open_rejects.h"

namespace adweave::engine {

// What became of the open rejects of one source and reason.
struct ReplayedCause {
  std::string source;
  std::string reason;
  int64_t rejects = 0;   // open ones that were looked at
  int64_t accepted = 0;  // events made of them
  int64_t duplicate = 0;
  int64_t conflict = 0;
  int64_t rejected = 0;   // now, for another cause
  int64_t unchanged = 0;  // rejects that fail as they did
  int64_t left = 0;       // rejects whose bytes cannot be decoded again
  std::string message;    // the first new one, of what is still rejected
};

struct ReplayReport {
  int64_t first_commit = 0;  // 0: nothing was written
  int64_t last_commit = 0;
  std::vector<ReplayedCause> causes;
};

// The sources of the job alone. `keep_state`: leaves a snapshot for the next run. Fails as run()
// does, and with not_found where there is no data folder.
Result<ReplayReport> replay(FileSystem& fs, const Job& job, const RejectFilter& filter,
                            const RunHooks& hooks, bool keep_state = true);

}  // namespace adweave::engine
