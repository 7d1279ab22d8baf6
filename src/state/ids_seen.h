// SPDX-License-Identifier: Apache-2.0
// Every identity that was ever accepted, exactly: what deduplication asks. New ones are in memory
// (HotIds); what does not fit moves to sorted runs on disk (IdsRun), which are merged so that their
// number grows with the logarithm of the ids. A move can go on beside: until it ends its ids are
// found in memory.
//
// Invariant: a key is in one place only, in memory or in one run; runs are in order of age, each
// at least twice as large as all after it.
//
// Used by one thread; a move reads what nobody changes meanwhile.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "state/hot_ids.h"
#include "state/ids_run.h"

namespace adweave::state {

class IdsSeen {
 public:
  // Null when it is new.
  std::optional<Seen> find(const Hash128& key) const;
  // The key must be new.
  void insert(const Hash128& key, const Seen& seen) { hot_->insert(key, seen); }
  // Makes a find() or insert() of the key soon after cheaper.
  void prefetch(const Hash128& key) const;

  int64_t size() const;
  // Of all ids in memory, and of those that no move has taken.
  int64_t memory_bytes() const { return hot_bytes() + (moving_ ? moving_->memory_bytes() : 0); }
  int64_t hot_bytes() const { return hot_->memory_bytes(); }
  // Whether they must move, whatever memory there is.
  bool must_move() const { return hot_->is_full(); }
  int64_t filter_bytes() const;

  // Begins to move the ids in memory to a new run in `folder` and to merge runs of like size, on a
  // thread of its own if `beside`, else in end_move(). None may be under way. The files are
  // `prefix`-<n>.run; merged ones stay until their folder is tidied. `fs` must outlive the move.
  void begin_move(FileSystem& fs, const std::string& folder, const std::string& prefix,
                  bool beside);
  bool is_moving() const { return move_.valid(); }
  // Whether end_move() would not wait.
  bool is_moved() const;
  // Waits for the move. On an error nothing has changed but files without use, and the next move
  // tries again.
  Status end_move();
  std::vector<std::string> runs() const;

  // Runs are saved as their names, sizes and checksums, ids in memory (hot()) by themselves. No
  // move may be under way.
  void save_runs(ByteWriter& out) const;
  // Into an empty set. False when the bytes are none or a run is not in `folder` as it was;
  // without a file system there can be none.
  bool load_runs(ByteReader& in, const FileSystem* fs, const std::string& folder);
  const HotIds& hot() const { return *hot_; }
  HotIds& hot() { return *hot_; }

  // The names that save_runs() wrote.
  static std::vector<std::string> saved_runs(ByteReader& in);

 private:
  // What a move makes: a run in place of those from `first` on.
  struct Moved {
    size_t first = 0;
    std::unique_ptr<IdsRun> run;
  };
  // Where new runs go, and their names.
  struct Target {
    FileSystem& fs;
    std::string folder;
    std::string prefix;
    int64_t number;  // of the next run
  };

  Result<Moved> move_to(Target target) const;

  std::unique_ptr<HotIds> hot_ = std::make_unique<HotIds>();
  std::unique_ptr<HotIds> moving_;  // what the move under way has taken, or one that failed
  std::vector<std::unique_ptr<IdsRun>> runs_;
  int64_t runs_made_ = 0;
  std::optional<Result<Moved>> moved_;  // the move's, until it has ended
  std::future<void> move_;              // last: what it reads must outlive it
};

}  // namespace adweave::state
