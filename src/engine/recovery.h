// SPDX-License-Identifier: Apache-2.0
// State from committed rows: what a start needs before the first new row.
#pragma once

#include <memory>

#include "ledger/ledger.h"
#include "process/deduplicate.h"
#include "source/file_source.h"
#include "state/state.h"

namespace adweave::engine {

// Reads the id, touch and conversion columns of every live file, in the order of the commits.
Result<std::unique_ptr<state::State>> rebuild_state(const FileSystem& fs, const std::string& dir,
                                                    const ledger::Ledger& ledger);

// How often each fingerprint has come in a file of which a part, `before`, is committed.
Result<process::Occurrences> rebuild_occurrences(const FileSystem& fs, const std::string& dir,
                                                 const ledger::Ledger& ledger,
                                                 const std::string& source,
                                                 const source::ReadBefore& before);

}  // namespace adweave::engine
