// SPDX-License-Identifier: Apache-2.0
// seal, compact, vacuum and close: done here, or by the server that runs on the folder.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/json.h"
#include "engine/background_merge.h"
#include "engine/live.h"
#include "ledger/writer.h"

namespace adweave::app {

struct Upkeep {
  std::string command;     // "seal", "compact", "vacuum" or "close"
  bool all = false;        // seal: the day that is not over too
  int64_t threads = 1;     // seal, compact
  int64_t grace_days = 0;  // vacuum
  bool dry_run = false;    // vacuum
  int64_t open_from = 0;   // close: start of the first day that stays open, microseconds UTC
};

JsonValue to_json(const Upkeep& upkeep);
// Fails with corrupt.
Result<Upkeep> upkeep_from_json(const JsonValue& json);

// What was done, for people.
using Progress = std::function<void(int64_t done_bytes, int64_t total_bytes)>;
Result<std::string> do_upkeep(FileSystem& fs, ledger::LedgerWriter& writer, const Upkeep& upkeep,
                              const Progress& progress);

// The same by the server that runs on the folder. Seal and compact go on beside its commits; the
// rest is done between two of them.
Result<std::string> do_upkeep(FileSystem& fs, engine::Live& live, engine::BackgroundMerge& merge,
                              const Upkeep& upkeep);

// Takes the data folder, or has its server do it where one holds the folder; prints what was done.
// The command's exit code.
int upkeep_command(FileSystem& fs, const std::string& data, const Upkeep& upkeep);

}  // namespace adweave::app
