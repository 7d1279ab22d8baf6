// SPDX-License-Identifier: Apache-2.0
// The bytes of a journal's segments: docs/reference/journal-format.md.
//
// Every frame begins with its segment's mark, a random number that no sender knows: what a body
// holds is never taken for a frame.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "source/delivery.h"

namespace adweave::source {

inline constexpr int64_t kSegmentHeaderBytes = 64;
inline constexpr int64_t kFrameHeadBytes = 48;

struct SegmentHeader {
  int64_t number = 0;
  uint64_t mark = 0;
  int64_t first_sequence = 0;      // of the first frame that it holds or would hold
  int64_t previous_end = 0;        // of the segment before; 0: it holds nothing, not even a header
  uint32_t previous_checksum = 0;  // of the last frame before; 0: there is none
  bool operator==(const SegmentHeader&) const = default;
};

// What is found at an offset of a file cannot be so.
Error journal_damage(const std::string& what, int64_t offset);

std::string to_bytes(const SegmentHeader& header);
// Fails with corrupt or newer_format.
Result<SegmentHeader> parse_segment_header(std::string_view bytes);

// What a segment holds, as far as the next one and the journal must know it.
struct SegmentSummary {
  SegmentHeader header;
  int64_t end = 0;             // after its last frame; 0: it has no whole header
  int64_t next_sequence = 0;   // after its last frame
  uint32_t last_checksum = 0;  // of its last frame; of the last one before it when it has none
  int64_t newest_received = std::numeric_limits<int64_t>::min();  // microseconds UTC
  bool operator==(const SegmentSummary&) const = default;
};

// A frame in the bytes it was read from.
struct Frame {
  uint32_t checksum = 0;
  int64_t sequence = 0;
  int64_t group_begin = 0;  // offset of the first frame that was written and synced with it
  int64_t received_time = 0;
  std::string_view source;
  std::string_view batch;
  std::string_view body;
  int64_t bytes = 0;  // of the frame

  Delivery delivery() const;
};

int64_t frame_bytes(const Delivery& delivery);
// Appends the frame to `out`; returns its checksum.
uint32_t append_frame(std::string& out, uint64_t mark, int64_t sequence, int64_t group_begin,
                      const Delivery& delivery);

// Length of the frame that begins with these bytes, of which only its head needs to be there; none
// when no frame begins so.
std::optional<int64_t> frame_bytes_of(std::string_view head, uint64_t mark);
// The frame that `bytes` begin with; none when it is not there whole and unaltered.
std::optional<Frame> parse_frame(std::string_view bytes, uint64_t mark);

// Whether a whole frame after `place` was written when `place` had been synced already.
bool is_proven_synced(std::string_view segment, int64_t place, uint64_t mark);

// "journal-<20 digits>.log", and of its archive "journal-<20 digits>.log.zst".
std::string segment_name(int64_t number);
std::string archive_name(int64_t number);
std::optional<int64_t> number_of_segment(std::string_view name);
std::optional<int64_t> number_of_archive(std::string_view name);

}  // namespace adweave::source
