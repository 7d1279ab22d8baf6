// SPDX-License-Identifier: Apache-2.0
// Every identity that was ever accepted, exactly: what deduplication asks. New ones are in memory
// (HotIds); what does not fit moves to sorted runs on disk (IdsRun), which are merged so that their
// number grows with the logarithm of the ids.
//
// Invariant: a key is in one place only, in memory or in one run; runs are in order of age, each
// at least twice as large as all after it.
//
// Used by one thread.
#pragma once

#include <cstdint>
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
  // Of the ids that can move to disk.
  int64_t memory_bytes() const { return hot_->memory_bytes(); }
  // Whether they must, whatever memory there is.
  bool must_move() const { return hot_->is_full(); }
  int64_t filter_bytes() const;

  // Moves the ids in memory to a new run in `folder` and merges runs of like size. The files are
  // `prefix`-<n>.run; merged ones stay until their folder is tidied. On an error nothing has
  // changed but files without use.
  Status move_to_disk(FileSystem& fs, const std::string& folder, const std::string& prefix);
  std::vector<std::string> runs() const;

  // Runs are saved as their names, sizes and checksums, ids in memory as such.
  void save_runs(ByteWriter& out) const;
  void save_hot(ByteWriter& out) const { hot_->save(out); }
  // Into an empty set. False when the bytes are none or a run is not in `folder` as it was;
  // without a file system there can be none.
  bool load_runs(ByteReader& in, const FileSystem* fs, const std::string& folder);
  bool load_hot(ByteReader& in) { return hot_->load(in); }

  // The names that save_runs() wrote.
  static std::vector<std::string> saved_runs(ByteReader& in);

 private:
  Status merge(FileSystem& fs, const std::string& folder, const std::string& prefix);

  std::unique_ptr<HotIds> hot_ = std::make_unique<HotIds>();
  std::vector<std::unique_ptr<IdsRun>> runs_;
  int64_t runs_made_ = 0;
};

}  // namespace adweave::state
