// SPDX-License-Identifier: Apache-2.0
// Ids seen that do not fit into memory: runs on disk, in DIR/state/ids (state_folder.h). A cache
// like the snapshots, whose sound ones name the runs they need.
#pragma once

#include <string>

#include "base/file_system.h"
#include "engine/job.h"
#include "state/state.h"

namespace adweave::engine {

// Keeps the ids in memory within job.ids_memory_max bytes: what is over half of it moves to disk,
// beside what follows if the job has threads for that, and waits if the move before it is not done.
// The state must be as of `commit`.
Status bound_ids(FileSystem& fs, const Job& job, int64_t commit, int64_t epoch,
                 state::State& state);

// Waits for a move to disk that is under way.
Status end_move(FileSystem& fs, const std::string& dir, int64_t epoch, state::State& state);

// Removes runs of this and older epochs that neither the state nor a snapshot needs, finished or
// not.
Status remove_unused_runs(FileSystem& fs, const std::string& dir, int64_t epoch,
                          const state::State& state);

}  // namespace adweave::engine
