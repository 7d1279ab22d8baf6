// SPDX-License-Identifier: Apache-2.0
// What the journal holds.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace adweave::source {

// Where a frame begins. Segments are numbered from 1 and never reused; {0, 0} is before all.
struct JournalPosition {
  int64_t segment = 0;
  int64_t offset = 0;
  auto operator<=>(const JournalPosition&) const = default;
};

// With it begin the ids that senders do not give.
inline constexpr char kMadeBatchMark = '~';

inline bool is_made_batch(std::string_view batch) {
  return batch.starts_with(kMadeBatchMark);
}

// What a sender sent in one request.
struct Delivery {
  std::string source;         // name in the configuration
  std::string batch;          // its id, from the sender or made for it
  int64_t received_time = 0;  // microseconds UTC
  std::string body;           // as it was sent
  bool operator==(const Delivery&) const = default;
};

// A delivery as it lies in the journal.
struct JournalEntry {
  JournalPosition position;
  JournalPosition next;     // where to read on; commit this once the delivery is done
  int64_t body_offset = 0;  // in the segment's file
  int64_t sequence = 0;     // one more each delivery, over all segments
  Delivery delivery;
};

}  // namespace adweave::source
