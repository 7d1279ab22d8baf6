// SPDX-License-Identifier: Apache-2.0
// The ledger's live files as Delta logs, one a table: what other programs read. A projection: it
// comes after the commit, never decides anything, and is done again where it was cut off.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "ledger/ledger.h"

namespace adweave::engine {

// What became of a table's log.
struct PublishedTable {
  std::string table;
  int64_t version = 0;  // of its log
  int64_t files = 0;    // that it names
  int64_t added = 0;    // by this version
  int64_t removed = 0;
};

// Brings the logs of all tables up to the newest commit; those of tables that have not changed stay
// as they are. The plain folders of sealed days (engine/publish_days.h) come first: a log names
// their files there. `now` is microseconds UTC. Fails with corrupt, naming the file, when a log is
// damaged; the other tables are published all the same.
Result<std::vector<PublishedTable>> publish_delta(FileSystem& fs, const std::string& dir,
                                                  const ledger::Ledger& ledger, int64_t now);

// Gives every table a version that says all there is, with a checkpoint, behind all that its log
// has, damaged or not.
Result<std::vector<PublishedTable>> rebuild_delta(FileSystem& fs, const std::string& dir,
                                                  const ledger::Ledger& ledger, int64_t now);

// How the logs stand to the newest commit.
struct DeltaLag {
  std::vector<std::string> behind;  // tables whose log does not say what the ledger says
  std::vector<Error> damage;        // of logs that cannot be read
};
DeltaLag delta_lag(const FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger);

}  // namespace adweave::engine
