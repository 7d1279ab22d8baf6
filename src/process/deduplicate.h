// SPDX-License-Identifier: Apache-2.0
// Decides for every row whether it is new, a repeat, or a conflict (semantics c.7). Runs in the
// sequencer thread, slice after slice, so the first in source order wins.
//
// A row without a given id gets "x:" and its fingerprint, and ".k" for the k-th row with that
// fingerprint in one file: two identical rows of one delivery are both kept (and flagged), an
// overlapping export adds only what is new. What came by the journal was sent once, so there the
// id is "x:", the fingerprint, "@" and the position: every row of it is kept.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "event/batch.h"
#include "process/prepare.h"
#include "state/state.h"

namespace adweave::process {

// How often each fingerprint has come in the file that is being read.
using Occurrences = std::unordered_map<Hash128, int32_t, Hash128Hash>;

struct DedupContext {
  int64_t commit = 0;
  std::string mapping;  // hash of the source's format and mapping
  bool look_up =
      true;  // false: the source says `deduplicate: off`; rows are flagged kNotDeduplicated
};

// What was counted, besides rejects.
struct DedupCounts {
  int64_t accepted = 0;
  int64_t duplicate = 0;
  int64_t conflict = 0;
};

// Removes the rows that are not new from the slice's batches and adds them to `duplicates` and
// `rejects`; remembers the new ones in `state`. Returns the counts of each piece of the slice, of
// which there is at least one. `occurrences` are those of the file so far; each of several pieces
// has its own.
std::vector<DedupCounts> deduplicate(PreparedSlice& prepared, const DedupContext& context,
                                     state::State& state, Occurrences& occurrences,
                                     event::DuplicateRows& duplicates, event::RejectRows& rejects);

// Key of an identity in state::IdsSeen.
Hash128 identity_key(event::Kind kind, std::string_view advertiser_id, const Hash128& event_id);

// Key of a conversion's order: one order is one conversion of a type, whatever event ids it comes
// under. Null for other rows and for adjustments.
std::optional<Hash128> order_key(const event::Batch& batch, int64_t row);

// The fingerprint in an id that deduplicate() made; null for a given id.
std::optional<Hash128> fingerprint_in(std::string_view event_id);

// Splits "file:offset#element".
struct Position {
  std::string file;
  int64_t offset = 0;
  int32_t element = -1;
};
Position parse_position(std::string_view text);

// Remembers a committed row again, as recovery reads it back; what the state knows of it already,
// it leaves.
void remember(state::State& state, const event::Batch& batch, int64_t row,
              const std::string& mapping);

}  // namespace adweave::process
