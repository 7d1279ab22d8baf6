// SPDX-License-Identifier: Apache-2.0
// Deliveries as slices: what a sender sent in one request, or a message of Kafka.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/feed.h"
#include "source/slice_reader.h"

namespace adweave::engine {

// Where a delivery lies, in a segment of the journal or a partition.
struct Place {
  int64_t begin = 0;          // position there
  int64_t next = 0;           // where to read on
  int64_t body_offset = 0;    // of the first byte, as rows show it
  int64_t received_time = 0;  // microseconds UTC
};

// A delivery of a source.
struct Arrival {
  std::shared_ptr<const WorkFile> work;  // the segment, the partition
  Place place;
};

// What stands between two deliveries of a group: a line end, where the first has none, or nothing.
enum class Between : uint8_t { line_end, nothing };

// Deliveries of one source that are lines, or single messages, put together: the pieces of one
// slice.
class DeliveryGroup {
 public:
  // `bytes`: of all that will be in it, about.
  DeliveryGroup(const Arrival& first, std::string source, size_t bytes = 0);

  size_t source() const { return read_.work->source; }
  bool has_room(size_t bytes, int64_t slice_bytes) const {
    return bytes_.empty() || static_cast<int64_t>(bytes_.size() + bytes) <= slice_bytes;
  }
  void add(const Place& place, std::string_view body, int64_t body_end, Between between);
  ReadSlice take();

  // Past deliveries that hold nothing to decode.
  void go_on(int64_t next) { read_.step.after = next; }
  ReadSlice& read() { return read_; }

 private:
  std::string bytes_;
  ReadSlice read_;
};

// One delivery that is read by itself, in one or more slices: a file of its own, whose name is that
// of what it lies in and where it begins there.
class WholeDelivery {
 public:
  static Result<WholeDelivery> open(Arrival arrival, std::string source, std::string body,
                                    const decode::Decoder& decoder, int64_t slice_bytes);

  // None at the end. A commit takes all of them or nothing.
  Result<std::optional<ReadSlice>> next();
  bool at_end() const { return at_end_; }

 private:
  WholeDelivery(Arrival arrival, source::SliceReader reader)
      : arrival_(std::move(arrival)), reader_(std::move(reader)) {}

  Arrival arrival_;
  source::SliceReader reader_;
  bool at_end_ = false;
};

}  // namespace adweave::engine
