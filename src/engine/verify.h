// SPDX-License-Identifier: Apache-2.0
// Everything in a data folder against what the ledger says.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "ledger/ledger.h"

namespace adweave::engine {

// Of it, what other programs read: the plain folders of sealed days, and the Delta logs.
std::vector<std::string> verify_published(const FileSystem& fs, const std::string& dir,
                                          const ledger::Ledger& ledger);

// Row and dimension files by their checksums, the plain folders of sealed days, the Delta logs with
// all their versions, the journal with its archives, and the snapshots of the state with their runs
// of ids, and the index of ids.
// (The chain is checked by Ledger::open, the warehouse by query/.) `progress(done, total)` in
// bytes; may be empty.
ledger::Verification verify(const FileSystem& fs, const std::string& dir,
                            const ledger::Ledger& ledger,
                            const std::function<void(int64_t, int64_t)>& progress);

}  // namespace adweave::engine
