// SPDX-License-Identifier: Apache-2.0
// Snapshots of the state (state/snapshot.h) in DIR/state: read and written. They are a cache.
#pragma once

#include <memory>
#include <string>

#include "ledger/ledger.h"
#include "state/snapshot.h"

namespace adweave::engine {

// Without a state when it cannot be read or does not fit the ledger.
state::Snapshot read_snapshot(const FileSystem& fs, const std::string& dir,
                              const ledger::Ledger& ledger, const std::string& name);

// The newest that is sound and can be used; an empty state as of commit 0 when there is none.
state::Snapshot newest_snapshot(const FileSystem& fs, const std::string& dir,
                                const ledger::Ledger& ledger);

// Writes a snapshot piece by piece, between commits. Used by one thread.
class SnapshotWriter {
 public:
  // Begins one of a state with no move of ids under way. All must outlive it.
  static Result<std::unique_ptr<SnapshotWriter>> begin(FileSystem& fs, const std::string& dir,
                                                       const ledger::Ledger& ledger,
                                                       state::State& state);

  // Writes about `bytes` bytes more, as of the newest commit. True when that was all: it is in
  // DIR/state then, and all but the newest kSnapshotsKept, what is unfinished there, and runs of
  // ids without use are gone.
  Result<bool> go_on(int64_t bytes);

  // Whether ids may move to disk, between go_on() and go_on().
  bool has_ids() const { return pieces_.has_ids(); }

 private:
  SnapshotWriter(FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger,
                 state::State& state);
  Status finish();
  Status tidy();

  FileSystem& fs_;
  std::string dir_;
  const ledger::Ledger& ledger_;
  state::State& state_;
  std::string unfinished_;  // its path
  std::unique_ptr<File> file_;
  state::SnapshotPieces pieces_;
};

// Writes one at once, as of the newest commit.
Status save_state(FileSystem& fs, const std::string& dir, const ledger::Ledger& ledger,
                  state::State& state);

}  // namespace adweave::engine
