// SPDX-License-Identifier: Apache-2.0
// State from committed rows: what a start needs before the first new row.
#pragma once

#include <memory>

#include "engine/job.h"
#include "ledger/ledger.h"
#include "process/deduplicate.h"
#include "source/file_source.h"
#include "state/state.h"

namespace adweave::engine {

// State as of the newest commit: the newest sound snapshot, then the id, touch and conversion
// columns of the rows committed since, in the order of the commits. Without a snapshot all rows are
// read; the result is the same. Ids beyond job.ids_memory_max bytes of memory are on disk.
Result<std::unique_ptr<state::State>> load_state(FileSystem& fs, const Job& job,
                                                 const ledger::Ledger& ledger);

// Removes all snapshots, makes the state of all rows anew and writes its snapshot. For the one
// writer; of the job it takes what load_state() takes.
Status rebuild_state(FileSystem& fs, const Job& job, const ledger::Ledger& ledger);

// How often each fingerprint has come in a file of which a part, `before`, is committed.
Result<process::Occurrences> rebuild_occurrences(const FileSystem& fs, const std::string& dir,
                                                 const ledger::Ledger& ledger,
                                                 const std::string& source,
                                                 const source::ReadBefore& before);

}  // namespace adweave::engine
