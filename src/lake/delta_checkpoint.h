// SPDX-License-Identifier: Apache-2.0
// Checkpoints of a Delta log: its actions as rows of a Parquet file, a struct column for each kind
// of action. Inside lake/ only.
#pragma once

#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/json.h"

namespace adweave::lake {

// The bytes of a checkpoint with the actions ({"add": {...}}).
Result<std::string> delta_checkpoint(const std::vector<JsonValue>& actions);

// The actions of a checkpoint, whoever wrote it, without what we have no use for. Fails with
// corrupt or io, naming the file.
Result<std::vector<JsonValue>> read_delta_checkpoint(const FileSystem& fs, const std::string& path);

}  // namespace adweave::lake
