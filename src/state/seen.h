// SPDX-License-Identifier: Apache-2.0
// What deduplication remembers of an identity.
#pragma once

#include <cstdint>

#include "base/hash.h"

namespace adweave::state {

// Where an identity was first accepted.
struct Seen {
  uint64_t content_hash = 0;
  uint32_t commit = 0;
  uint32_t file = 0;      // in the FileTable
  uint64_t position = 0;  // pack_position()
  bool operator==(const Seen&) const = default;
};

struct SeenId {
  Hash128 key;
  Seen seen;
};
static_assert(sizeof(SeenId) == 40, "written to disk as it is");

// Offset (44 bits) and element (20 bits, plus one; 0 is none) of a record in one number.
uint64_t pack_position(int64_t offset, int32_t element);
int64_t packed_offset(uint64_t position);
int32_t packed_element(uint64_t position);

}  // namespace adweave::state
