// SPDX-License-Identifier: Apache-2.0
// The names in DIR/state: snapshots, "<20-digit commit>-<epoch>.snapshot", and in ids/ the runs of
// ids that they need, "<20-digit commit>-<epoch>-<n>.run". What is not finished ends in ".new".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"

namespace adweave::engine {

std::string state_folder(const std::string& dir);
std::string ids_folder(const std::string& dir);

// Who made a snapshot or a run, and as of which commit.
struct StateFile {
  int64_t commit = 0;
  int64_t epoch = 0;
  std::string_view rest;  // of its name: ".snapshot", "-1.run", ...
};

// Null for another file. `name` must outlive it.
std::optional<StateFile> parse_state_file(std::string_view name);

// The name of a snapshot, and the beginning of the names of runs.
std::string state_file_name(int64_t commit, int64_t epoch, std::string_view rest);

// Of all snapshots, oldest first.
Result<std::vector<std::string>> snapshot_names(const FileSystem& fs, const std::string& dir);

// The commit that its name says it is as of; 0 when it says none.
int64_t commit_of_snapshot(const std::string& name);

}  // namespace adweave::engine
