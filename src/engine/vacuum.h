// SPDX-License-Identifier: Apache-2.0
// Removes files that seal and compact commits have replaced. A commit says first that they are
// gone; whoever begins the next epoch removes what a kill leaves.
#pragma once

#include <cstdint>

#include "ledger/writer.h"

namespace adweave::engine {

struct Vacuumed {
  int64_t files = 0;
  int64_t bytes = 0;
  int64_t files_left = 0;  // replaced, but not long enough ago
};

// Removes files that were replaced at least `grace_us` ago; with `dry_run` only counts them.
Result<Vacuumed> vacuum(FileSystem& fs, ledger::LedgerWriter& writer, int64_t grace_us, int64_t now,
                        bool dry_run);

// For a run that goes on: removes the small files that it merged kMergedGraceUs ago, by commits up
// to `published`, which other programs have been told of. Does so once a minute at most.
Status vacuum_merged(FileSystem& fs, const std::string& dir, ledger::LedgerWriter& writer,
                     int64_t published, int64_t now);

}  // namespace adweave::engine
