// SPDX-License-Identifier: Apache-2.0
// The lake's upkeep: few large files instead of many small ones. Each step is a commit that
// replaces files by others with the same rows, so no number changes, at any commit asked for.
//
//   compact: small files of a day become one, in the order of their commits.
//   seal:    the files of a day that is over become sealed files, by time; what comes late to such
//            a day is sealed beside them. Then others read the day as plain Parquet.
//   vacuum:  replaced files are removed once nobody can be reading them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/merge_days.h"
#include "ledger/writer.h"

namespace adweave::engine {

struct UpkeepOptions {
  int threads = 1;
  std::function<int64_t()> now_us;
  std::function<void(int64_t done_bytes, int64_t total_bytes)> progress;  // may be empty
};

// Seals the days that have been over for kSealAfterUs; with `all` every day. Fails with corrupt
// when a file is damaged: its day and those after it stay as they are.
Result<std::vector<MergedDay>> seal(FileSystem& fs, ledger::LedgerWriter& writer, bool all,
                                    const UpkeepOptions& options);

// Merges the files of each day and table that are not sealed.
Result<std::vector<MergedDay>> compact(FileSystem& fs, ledger::LedgerWriter& writer,
                                       const UpkeepOptions& options);

}  // namespace adweave::engine
