// SPDX-License-Identifier: Apache-2.0
// Two promises about days, each a commit that only moves forward: which days the ledger still
// holds, and up to which day books are closed.
//
//   retain: days before `from` are gone. Events of such days are rejected from here on, files that
//           hold nothing else are removed, at any commit asked for. Counts and the chain stay.
//   close:  credits that change later are booked on the first open day.
#pragma once

#include <cstdint>

#include "ledger/writer.h"

namespace adweave::engine {

// What a retention takes away.
struct RetentionPlan {
  int64_t from = 0;   // start of the oldest day that is kept, microseconds UTC
  bool done = false;  // the ledger says so already
  int64_t files = 0;
  int64_t events = 0;
  int64_t bytes = 0;
};

// Fails with usage: it would go back, or keep no day before `now`.
Result<RetentionPlan> plan_retention(const ledger::Ledger& ledger, int64_t from, int64_t now);

// Commits it and removes the files. Doing it again removes what a kill has left.
Result<RetentionPlan> retain(FileSystem& fs, ledger::LedgerWriter& writer, int64_t from,
                             int64_t now);

// Closes every day before `open_from`. False when the ledger says so already. Fails with usage: it
// would go back, or a day is not over.
Result<bool> close_days(ledger::LedgerWriter& writer, int64_t open_from, int64_t now);

}  // namespace adweave::engine
