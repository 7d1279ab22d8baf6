// SPDX-License-Identifier: Apache-2.0
// Every identity that was ever accepted, exactly: what deduplication asks. 40 bytes a key and its
// share of an index.
//
// Invariants: entries_ are in order of insertion and never change; index_ is open-addressed with
// linear probing, a power of two in size, at most 3/4 full; a slot holds an entry's number plus
// one, 0 is empty. Keys are hashes already.
//
// Used by one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/hash.h"
#include "state/byte_stream.h"

namespace adweave::state {

// Where an identity was first accepted.
struct Seen {
  uint64_t content_hash = 0;
  uint32_t commit = 0;
  uint32_t file = 0;      // in the FileTable
  uint64_t position = 0;  // pack_position()
};

// Offset (44 bits) and element (20 bits, plus one; 0 is none) of a record in one number.
uint64_t pack_position(int64_t offset, int32_t element);
int64_t packed_offset(uint64_t position);
int32_t packed_element(uint64_t position);

class IdsSeen {
 public:
  // Null when it is new.
  const Seen* find(const Hash128& key) const;
  // The key must be new.
  void insert(const Hash128& key, const Seen& seen);
  int64_t size() const { return static_cast<int64_t>(entries_.size()); }

  void save(ByteWriter& out) const;
  void load(ByteReader& in);

 private:
  struct Entry {
    Hash128 key;
    Seen seen;
  };

  size_t slot_of(const Hash128& key) const;
  void grow();

  std::vector<Entry> entries_;
  std::vector<uint32_t> index_;
};

}  // namespace adweave::state
