// SPDX-License-Identifier: Apache-2.0
// Takes slices in order and makes commits of them; what must be done after a commit, it does too:
// merges small files, publishes the Delta logs, bounds the state's memory. The only one who changes
// state and ledger.
//
// Used by one thread, but for prepare().
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/commit_builder.h"
#include "engine/publish_delta.h"
#include "engine/recent_files.h"
#include "engine/schema_fetcher.h"
#include "engine/slice_pipeline.h"
#include "engine/snapshots.h"

namespace adweave::engine {

class Sequencer {
 public:
  // All must outlive it.
  Sequencer(FileSystem& fs, const Job& job, const RunHooks& hooks,
            const std::vector<OpenSource>& sources, ledger::LedgerWriter& writer,
            state::Dimensions dimensions);

  // The state as of the newest commit. Comes first.
  Status recover();

  // Decodes, and does the steps that need no state. May be called by several threads at once. Its
  // DoneSlice is empty when a wait for a schema registry was ended: then nothing follows it.
  DoneSlice prepare(ReadSlice read);
  // Waits for the schema registries of its sources.
  SchemaFetcher& schemas() { return schemas_; }

  // What was counted of the slice.
  Result<SliceCounts> take(DoneSlice slice);
  int64_t pending_bytes() const { return builder_.bytes(); }
  bool is_empty() const { return builder_.empty(); }

  // Commits what was taken, if anything.
  Status commit();
  // Publishes the Delta logs now and then, and merges small files if that is done beside the
  // commits; commit() does it too.
  Status tend();
  // Ends what goes on beside it: another may use the writer then, until the next call.
  Status rest();
  // Writes a snapshot of the state, as of the newest commit.
  Status keep_state();
  // The same a piece at a time, between commits, whenever there is much that the last one does not
  // have. Comes when nothing is pending.
  Status keep_state_by_and_by();

  // Counts of all commits, by source.
  const std::map<std::string, ledger::Counts>& totals() const { return totals_; }
  // Publishes all there is: why other programs' view of the lake is not up to date, if it is not.
  Result<std::optional<Error>> finish();

 private:
  std::unique_ptr<process::PreparedSlice> decode(ReadSlice& read);
  Status begin(const std::shared_ptr<const WorkFile>& work);
  Status merge();
  Status publish();
  Status end_publication(const DeltaPublisher::Published& published, int64_t now);
  lake::WriteOptions options() const;

  FileSystem& fs_;
  const Job& job_;
  const RunHooks& hooks_;
  const std::vector<OpenSource>& sources_;
  ledger::LedgerWriter& writer_;
  process::PrepareRules rules_;
  SchemaFetcher schemas_;
  RecentFiles recent_;
  DeltaPublisher publisher_;
  int64_t published_at_;   // microseconds UTC
  int64_t published_ = 0;  // the commit that the logs say, or will say once published
  std::unique_ptr<state::State> state_;
  std::unique_ptr<SnapshotWriter> snapshot_;  // null: none is being written
  int64_t rows_not_kept_ = 0;                 // since the last snapshot

  CommitBuilder builder_;
  std::shared_ptr<const WorkFile> work_;  // of the last slice
  process::Occurrences occurrences_;      // in it
  std::map<std::string, ledger::Counts> totals_;
};

// A damaged Delta log stops no run: why it stays behind.
Result<std::optional<Error>> why_behind(const DeltaPublisher::Published& published);

}  // namespace adweave::engine
