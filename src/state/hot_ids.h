// SPDX-License-Identifier: Apache-2.0
// Identities in memory, at most 40 bytes each with all that belongs to them: 32 of the entry, the
// rest an index that is 53 to 80 % full, so that a search that fails meets 3 to 13 slots, in one
// cache line or two.
//
// Invariants: a key's shard is its highest byte, so shards in order are keys in order. A shard's
// entries are in order of insertion, in chunks that never move; its slots are open-addressed with
// linear probing from a place that grows with the key; a slot holds ten bits of the key and an
// entry's number plus one, 0 is empty. Each shard grows on its own by a half. Keys are hashes
// already.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "state/byte_stream.h"
#include "state/chunked.h"
#include "state/seen.h"

namespace adweave::state {

class HotIds {
 public:
  std::optional<Seen> find(const Hash128& key) const;
  // The key must be new.
  void insert(const Hash128& key, const Seen& seen);
  // Makes a find() or insert() of the key soon after cheaper.
  void prefetch(const Hash128& key) const;

  int64_t size() const { return size_; }
  int64_t memory_bytes() const;
  // Whether the numbers of places run out soon: then the ids must move to disk.
  bool is_full() const { return places_.size() > kPlacesMax / 2; }

  // Gives all, sorted by key, in pieces; stops at the first error.
  Status visit_sorted(const std::function<Status(std::span<const SeenId>)>& visit) const;

  // A shard's ids name places, so the places that are new come before it.
  static constexpr size_t kShards = 256;
  size_t places() const { return places_.size(); }
  void save_places(ByteWriter& out, size_t first) const;
  void save_shard(ByteWriter& out, size_t number) const;
  // False when the bytes are none. A shard must be empty before.
  bool load_places(ByteReader& in);
  bool load_shard(ByteReader& in, size_t number);

 private:
  static constexpr size_t kChunkEntries = 128;
  static constexpr size_t kPlacesMax = size_t{1} << 24;

  // What many keys share: the commit, the file and the high bits of the position.
  struct Place {
    uint32_t commit = 0;
    uint32_t file = 0;
    uint32_t region = 0;
    auto operator<=>(const Place&) const = default;
  };
  // Key without its highest byte, which is the shard's number; content hash, number of the place,
  // low bits of the position: half a cache line.
  struct Entry {
    std::array<char, 32> bytes;
  };
  struct Shard {
    Chunked<Entry, kChunkEntries> entries;
    std::vector<uint32_t> slots;

    uint32_t size() const { return static_cast<uint32_t>(entries.size()); }
    // Where a new key belongs; the search begins at `slot`.
    size_t empty_slot(size_t slot) const;
    void index(uint64_t key_low, uint32_t number, size_t from);
    void resize(size_t slot_count);
  };

  static Hash128 key_of(const Entry& entry, size_t shard);
  SeenId unpack(const Entry& entry, size_t shard) const;
  uint32_t place_code(const Place& place);

  // Where the last find() that missed ended: an insert() of that key begins there. The key of no
  // miss is all zeros, whose search begins at slot 0 indeed.
  struct Miss {
    Hash128 key;
    size_t slot = 0;
  };

  std::array<Shard, kShards> shards_;
  mutable Miss miss_;
  int64_t size_ = 0;
  std::vector<Place> places_;
  std::map<Place, uint32_t> place_codes_;
};

}  // namespace adweave::state
