// SPDX-License-Identifier: Apache-2.0
#include "engine/deliveries.h"

#include <algorithm>
#include <utility>

#include "source/bytes_file.h"

namespace adweave::engine {

DeliveryGroup::DeliveryGroup(const Arrival& first, std::string source, size_t bytes) {
  bytes_.reserve(bytes);
  read_.work = first.work;
  read_.step.before = read_.step.after = first.place.begin;
  read_.slice.source = std::move(source);
  read_.slice.file = first.work->file.name;
  read_.slice.begin = read_.slice.end = first.place.body_offset;
  read_.slice.last = true;
}

void DeliveryGroup::add(const Place& place, std::string_view body, int64_t body_end,
                        Between between) {
  event::Slice& slice = read_.slice;
  const bool needs_end = between == Between::line_end && !bytes_.empty() && bytes_.back() != '\n';
  if (needs_end) bytes_ += '\n';
  slice.pieces.push_back(
      {static_cast<int64_t>(bytes_.size()), place.body_offset, place.received_time});
  bytes_ += body;
  slice.end = body_end;
  slice.received_time = std::max(slice.received_time, place.received_time);
  read_.step.after = place.next;
}

ReadSlice DeliveryGroup::take() {
  read_.slice.file_bytes = static_cast<int64_t>(bytes_.size());
  read_.slice.bytes = std::make_shared<const std::string>(std::move(bytes_));
  return std::move(read_);
}

Result<WholeDelivery> WholeDelivery::open(Arrival arrival, std::string source, std::string body,
                                          const decode::Decoder& decoder, int64_t slice_bytes) {
  source::SourceFile file = arrival.work->file;
  file.name += ":" + std::to_string(arrival.place.begin);
  file.size = static_cast<int64_t>(body.size());
  file.modified_us = arrival.place.received_time;
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
  PositionStep step{arrival_.place.begin, arrival_.place.begin, false, at_end_};
  if (at_end_) step.after = arrival_.place.next;
  ReadSlice read{arrival_.work, step, std::move(*slice), {}};
  return std::optional(std::move(read));
}

}  // namespace adweave::engine
