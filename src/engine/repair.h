// SPDX-License-Identifier: Apache-2.0
// What is derived from the commits and is damaged, made anew or taken away.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledger/writer.h"

namespace adweave::engine {

// As the one writer. Summaries of the ledger, plain folders of sealed days, Delta logs, snapshots;
// not the warehouse, which is of query/. What is sound stays as it is. Returns what was done, a
// line each; empty: nothing was damaged. Fails as Ledger::open does: a damaged record has no
// other source.
Result<std::vector<std::string>> repair(FileSystem& fs, const ledger::WriterOptions& writer,
                                        int64_t now);

}  // namespace adweave::engine
