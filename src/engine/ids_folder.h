// SPDX-License-Identifier: Apache-2.0
// Ids seen that do not fit into memory: runs on disk, DIR/state/ids/<20-digit
// commit>-<epoch>-<n>.run. A cache like the snapshots, whose sound ones name the runs they need.
#pragma once

#include <string>
#include <vector>

#include "base/file_system.h"
#include "state/state.h"

namespace adweave::engine {

std::string ids_folder(const std::string& dir);

// "<20-digit commit>-<epoch>.snapshot" in DIR/state, oldest first.
Result<std::vector<std::string>> snapshot_names(const FileSystem& fs, const std::string& dir);

// Moves the ids in memory to disk when they take more than `memory_max` bytes. The state must be as
// of `commit`.
Status bound_ids(FileSystem& fs, const std::string& dir, int64_t commit, int64_t epoch,
                 int64_t memory_max, state::State& state);

// Removes runs of this and older epochs that neither the state nor a snapshot needs.
Status remove_unused_runs(FileSystem& fs, const std::string& dir, int64_t epoch,
                          const state::State& state);

}  // namespace adweave::engine
