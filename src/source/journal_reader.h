// SPDX-License-Identifier: Apache-2.0
// Reads a journal's durable deliveries in order. Every frame is checked again as it is read: damage
// is an Error, never a delivery that is passed over. Used by one thread; the journal must live as
// long.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/file_system.h"
#include "source/delivery.h"
#include "source/journal_archive.h"
#include "source/journal_format.h"
#include "source/journal_segments.h"

namespace adweave::source {

class JournalReader {
 public:
  JournalReader(const FileSystem& fs, std::string dir, const JournalSegments& segments,
                JournalPosition from)
      : fs_(&fs), dir_(std::move(dir)), segments_(&segments), position_(from) {}

  // None: there is none yet; wait(). Fails with corrupt, io, or not_found for a position whose
  // segment has been removed. After an error it returns the same again or goes on, as the file is.
  Result<std::optional<JournalEntry>> next();

  // Waits until next() has a delivery; false when time is over, or at once when the journal takes
  // no more and all is read.
  bool wait(std::chrono::milliseconds timeout) const { return segments_->wait(position_, timeout); }

  // Where next() goes on.
  JournalPosition position() const { return position_; }

 private:
  Status open(int64_t number);
  Status read_header(int64_t number);
  // Brings `size` bytes at `offset` into the window, of those before `end`.
  Result<std::string_view> read(int64_t offset, int64_t size, int64_t end);
  Result<JournalEntry> read_entry(const DurablePlace& place);

  const FileSystem* fs_;
  std::string dir_;
  const JournalSegments* segments_;
  JournalPosition position_;

  OpenedSegment segment_;  // number_
  int64_t number_ = 0;
  SegmentHeader header_;
  std::optional<int64_t> next_sequence_;  // none: the first frame tells
  std::string window_;                    // bytes of the file from window_begin_ on
  int64_t window_begin_ = 0;
};

// What event/slice.h says of positions in the journal: "journal:17:4096" or, of a delivery that is
// decoded as a whole, "journal:17:4096:120"; what stands behind # is passed over.
struct JournalPlace {
  int64_t segment = 0;
  int64_t offset = 0;
  std::optional<int64_t> inner;  // within the body
};
std::optional<JournalPlace> parse_journal_place(std::string_view position);

// The delivery that has the byte at `offset` of a segment, whoever writes the journal meanwhile.
// Reads the segment up to there. Fails as JournalReader does: with not_found when the segment is
// not kept any more, with corrupt when no delivery has that byte.
Result<JournalEntry> find_delivery(const FileSystem& fs, const std::string& dir, int64_t segment,
                                   int64_t offset);

}  // namespace adweave::source
