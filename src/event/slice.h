// SPDX-License-Identifier: Apache-2.0
// A piece of a source, and what decoding makes of it: the unit of work of the pipeline.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "event/batch.h"
#include "event/reject.h"

namespace adweave::event {

// A part of a slice that was delivered by itself.
struct Piece {
  int64_t begin = 0;          // in the slice's bytes
  int64_t offset = 0;         // of that byte in the source
  int64_t received_time = 0;  // microseconds UTC
};

// Whole records, cut out of a source. `bytes` starts at `begin` of the file's content (what is in
// it after decompression, in UTF-8) and ends where the last record ends.
struct Slice {
  std::string source;  // name in the configuration
  std::string file;    // as source_position shows it
  int64_t begin = 0;   // offset in the content
  int64_t end = 0;
  int64_t received_time = 0;  // microseconds UTC; of several pieces, the newest
  int64_t first_line = 0;     // line number of `begin`, from 1; 0 where lines mean nothing
  std::shared_ptr<const std::string>
      head;  // the file's head (CSV header row, Avro header); may be null
  std::shared_ptr<const std::string> bytes;
  // Several deliveries, each with whole records, put together in their order; empty: all of it is
  // one piece. `end` is where the last one ends in the source.
  std::vector<Piece> pieces;
  std::string problem;     // why these bytes cannot be read: they are one reject
  bool last = false;       // the content ends here
  int64_t file_bytes = 0;  // of the file itself, taken for this slice
};

// Events and rejects of one slice. Within a batch rows are in the order of the slice.
struct DecodedSlice {
  explicit DecodedSlice(Slice s) : slice(std::move(s)) {}

  Slice slice;
  std::array<Batch, kKinds> batches = {Batch(Kind::impression), Batch(Kind::click),
                                       Batch(Kind::conversion), Batch(Kind::bid_request),
                                       Batch(Kind::engagement), Batch(Kind::auction_outcome)};
  std::vector<Reject> rejects;
  int64_t records_read = 0;  // before explosion; a byte range that cannot be decoded is one record

  Batch& batch(Kind kind) { return batches[static_cast<size_t>(kind)]; }
  const Batch& batch(Kind kind) const { return batches[static_cast<size_t>(kind)]; }
};

// Of the journal, in which what senders deliver is kept: "journal:17" is the segment 17, and
// "journal:17:4096" its byte 4096. A delivery that must be decoded as a whole (with a head, or
// compressed) is a file of its own, named by where it begins; offsets are then of its content.
inline constexpr std::string_view kJournalPrefix = "journal:";

// Of Kafka: "kafka:clicks:3" is the partition 3 of the topic clicks, "kafka:clicks:3:1234" the
// message at offset 1234. A message of several records, or to be decoded as a whole, is a file of
// its own as above: "kafka:clicks:3:1234:56" is byte 56 of its content.
inline constexpr std::string_view kKafkaPrefix = "kafka:";

// Finds what a byte of a slice, which must outlive it, is of. Cheap when asked in ascending order.
class PieceCursor {
 public:
  explicit PieceCursor(const Slice& slice);

  // Number of the piece that `byte` of the slice's bytes is in; 0 in a slice of one piece.
  size_t index(int64_t byte) {
    if (byte < begin_ || byte >= end_) find(byte);
    return index_;
  }
  int64_t source_offset(int64_t byte) {
    index(byte);
    return byte + shift_;
  }
  int64_t received_time(int64_t byte) {
    index(byte);
    return received_time_;
  }

 private:
  void find(int64_t byte);
  void enter(size_t index);

  const std::vector<Piece>& pieces_;
  // The piece that was found last.
  size_t index_ = 0;
  int64_t begin_ = 0;
  int64_t end_ = std::numeric_limits<int64_t>::max();
  int64_t shift_ = 0;  // from the slice's bytes to the source
  int64_t received_time_ = 0;
};

// "file:offset", with "#element" for an event of a record that holds several.
std::string position_text(const Slice& slice, const RecordSpan& span);

// The same for many records of a slice, which must outlive it. By hand: it is made for every row.
class PositionTexts {
 public:
  explicit PositionTexts(const Slice& slice);
  // Holds until the next call.
  std::string_view of(const RecordSpan& span);

 private:
  PieceCursor pieces_;
  size_t file_bytes_;
  std::string text_;  // the file's name and ':', then space for the numbers
};

}  // namespace adweave::event
