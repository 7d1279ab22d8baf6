// SPDX-License-Identifier: Apache-2.0
// State as bytes: a cache of what the committed rows say, so that a start need not read them all. A
// snapshot that is torn, altered or of another ledger is no error: the caller rebuilds.
//
// It is written piece by piece, so that commits can go on between two pieces: each is as of the
// commit that it names. Who reads it back takes the rows of later commits than the first of them;
// what a later piece knows of these rows already, it knows twice (AsOf).
//
//   "AWSNAP06" · runs of ids on disk: name, size, checksum · pieces · text: checksum of the record
//   of the last piece's commit · hash128 of all before it
//
// A piece: its commit · files that are new · ids in memory: places that are new, shards · strings ·
// journeys · whether it is the last; the adjustments then. After the last shard none of them has
// places.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/hash.h"
#include "state/as_of.h"
#include "state/byte_stream.h"
#include "state/state.h"

namespace adweave::state {

using TakeBytes = std::function<Status(std::string_view)>;

// Writes one snapshot of a state. Ids and journeys may be added between two pieces, but as long as
// !has_ids() no ids may move to disk.
class SnapshotPieces {
 public:
  // No move of ids may be under way; `state` must outlive it.
  SnapshotPieces(const State& state, TakeBytes take);

  // The next piece, of about `bytes` bytes, of the state as of `commit`. True when it is the last;
  // the bytes end with end() then.
  Result<bool> write(int64_t commit, int64_t bytes);
  bool has_ids() const { return shards_ == HotIds::kShards; }

  // `commit_checksum`, of the last piece's commit, ties the snapshot to one ledger.
  Status end(std::string_view commit_checksum);

 private:
  using IsFull = std::function<bool()>;

  void write_shards(const IsFull& is_full);
  bool write_strings(const IsFull& is_full);
  bool write_journeys(const IsFull& is_full);

  const State& state_;
  TakeBytes take_;
  Status taken_;
  Hasher128 hash_;
  ByteWriter out_;
  size_t strings_then_;  // at the beginning
  // How many are written of each.
  size_t files_ = 0;
  size_t places_ = 0;
  size_t strings_ = 1;
  size_t shards_ = 0;
  size_t journeys_ = 0;
};

// All at once. States made by the same steps give equal bytes.
std::string to_snapshot(const State& state, int64_t commit, std::string_view commit_checksum);

struct Snapshot {
  AsOf as_of;
  std::unique_ptr<State> state;  // null: there is none
};

// Without a state when the bytes are no sound snapshot whose last piece is as of that commit, or a
// run of ids that it names is not in `runs_folder` as it was.
Snapshot from_snapshot(std::string_view bytes, std::string_view commit_checksum,
                       const FileSystem* fs = nullptr, const std::string& runs_folder = "");

// Names of the runs of ids that a snapshot needs, from its first kSnapshotHeadBytes. They are not
// checked.
std::vector<std::string> runs_of_snapshot(std::string_view head);

}  // namespace adweave::state
