// SPDX-License-Identifier: Apache-2.0
#include "source/named_deliveries.h"

#include "base/check.h"
#include "source/number_bytes.h"

namespace adweave::source {

namespace {

constexpr size_t kHeadBytes = 32;

}  // namespace

NamedDelivery named_delivery(JournalPosition position, const Delivery& delivery) {
  return {position, delivery.source, delivery.batch, static_cast<int64_t>(delivery.body.size()),
          hash128(delivery.body)};
}

std::string named_deliveries(const SegmentHeader& header, std::string_view segment) {
  std::string bytes;
  auto at = static_cast<size_t>(kSegmentHeaderBytes);
  while (at < segment.size()) {
    const std::optional<Frame> frame = parse_frame(segment.substr(at), header.mark);
    CHECK(frame);
    if (!is_made_batch(frame->batch)) {
      const Hash128 hash = hash128(frame->body);
      put_number(bytes, static_cast<uint64_t>(at));
      put_number(bytes, hash.high);
      put_number(bytes, hash.low);
      put_number(bytes, static_cast<uint32_t>(frame->body.size()));
      put_number(bytes, static_cast<uint16_t>(frame->source.size()));
      put_number(bytes, static_cast<uint16_t>(frame->batch.size()));
      bytes.append(frame->source).append(frame->batch);
    }
    at += static_cast<size_t>(frame->bytes);
  }
  return bytes;
}

std::optional<std::vector<NamedDelivery>> parse_named_deliveries(int64_t segment,
                                                                 std::string_view bytes) {
  std::vector<NamedDelivery> deliveries;
  while (!bytes.empty()) {
    if (bytes.size() < kHeadBytes) return std::nullopt;
    const size_t source = number_at<uint16_t>(bytes, 28);
    const size_t batch = number_at<uint16_t>(bytes, 30);
    if (bytes.size() < kHeadBytes + source + batch) return std::nullopt;
    deliveries.push_back({.position = {segment, number_at<int64_t>(bytes, 0)},
                          .source = std::string(bytes.substr(kHeadBytes, source)),
                          .batch = std::string(bytes.substr(kHeadBytes + source, batch)),
                          .body_bytes = number_at<uint32_t>(bytes, 24),
                          .body_hash = {.high = number_at<uint64_t>(bytes, 8),
                                        .low = number_at<uint64_t>(bytes, 16)}});
    bytes.remove_prefix(kHeadBytes + source + batch);
  }
  return deliveries;
}

}  // namespace adweave::source
