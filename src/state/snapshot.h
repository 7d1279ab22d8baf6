// SPDX-License-Identifier: Apache-2.0
// State as bytes: a cache of what the committed rows say, so that a start need not read them all. A
// snapshot that is torn, altered or of another ledger is no error: the caller rebuilds.
//
//   "AWSNAP05" · text: checksum of the commit record it is as of · runs of ids on disk: name, size,
//   checksum · files · ids in memory · journeys · hash128 of all before it
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "state/state.h"

namespace adweave::state {

using TakeBytes = std::function<Status(std::string_view)>;

// Hands the bytes over piece by piece, until an error. `commit_checksum` ties the snapshot to one
// commit of one ledger. States made by the same steps give equal bytes.
Status write_snapshot(const State& state, std::string_view commit_checksum, const TakeBytes& take);
std::string to_snapshot(const State& state, std::string_view commit_checksum);

// Null when the bytes are no sound snapshot as of that commit, or a run of ids that it names is not
// in `runs_folder` as it was.
std::unique_ptr<State> from_snapshot(std::string_view bytes, std::string_view commit_checksum,
                                     const FileSystem* fs = nullptr,
                                     const std::string& runs_folder = "");

// Names of the runs of ids that a snapshot needs, from its first kSnapshotHeadBytes. They are not
// checked.
std::vector<std::string> runs_of_snapshot(std::string_view head);

}  // namespace adweave::state
