// SPDX-License-Identifier: Apache-2.0
#include "engine/deliveries.h"

#include <algorithm>
#include <utility>

#include "source/bytes_file.h"

namespace adweave::engine {

LineGroup::LineGroup(const Arrival& first, std::string source) {
  read_.work = first.work;
  read_.step.before = read_.step.after = first.begin;
  read_.slice.source = std::move(source);
  read_.slice.file = first.work->file.name;
  read_.slice.begin = read_.slice.end = first.body_offset;
  read_.slice.last = true;
}

void LineGroup::add(const Arrival& arrival, std::string_view body, int64_t body_end) {
  event::Slice& slice = read_.slice;
  if (!bytes_.empty() && bytes_.back() != '\n') bytes_ += '\n';
  slice.pieces.push_back(
      {static_cast<int64_t>(bytes_.size()), arrival.body_offset, arrival.received_time});
  bytes_ += body;
  slice.end = body_end;
  slice.received_time = std::max(slice.received_time, arrival.received_time);
  read_.step.after = arrival.next;
}

ReadSlice LineGroup::take() {
  read_.slice.file_bytes = static_cast<int64_t>(bytes_.size());
  read_.slice.bytes = std::make_shared<const std::string>(std::move(bytes_));
  return std::move(read_);
}

Result<WholeDelivery> WholeDelivery::open(Arrival arrival, std::string source, std::string body,
                                          const decode::Decoder& decoder, int64_t slice_bytes) {
  source::SourceFile file = arrival.work->file;
  file.name += ":" + std::to_string(arrival.begin);
  file.size = static_cast<int64_t>(body.size());
  file.modified_us = arrival.received_time;
  ADWEAVE_ASSIGN(source::SliceReader reader,
                 source::SliceReader::open(std::make_unique<source::BytesFile>(std::move(body)),
                                           std::move(file), std::move(source), 0, slice_bytes,
                                           format_of(decoder)));
  return WholeDelivery(std::move(arrival), std::move(reader));
}

Result<std::optional<ReadSlice>> WholeDelivery::next() {
  if (at_end_) return std::optional<ReadSlice>();
  ADWEAVE_ASSIGN(std::optional<event::Slice> slice, reader_.next());
  at_end_ = !slice || slice->last;
  if (!slice) return std::optional<ReadSlice>();
  PositionStep step{arrival_.begin, arrival_.begin, false, at_end_};
  if (at_end_) step.after = arrival_.next;
  ReadSlice read{arrival_.work, step, std::move(*slice), {}};
  return std::optional(std::move(read));
}

}  // namespace adweave::engine
