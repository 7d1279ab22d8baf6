// SPDX-License-Identifier: Apache-2.0
// The deliveries of a segment to which their senders gave an id, without their bodies: what a start
// must know to recognize one that is sent again. docs/reference/journal-format.md describes their
// bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "source/delivery.h"
#include "source/journal_format.h"

namespace adweave::source {

struct NamedDelivery {
  JournalPosition position;
  std::string source;
  std::string batch;
  int64_t body_bytes = 0;
  Hash128 body_hash;
};

NamedDelivery named_delivery(JournalPosition position, const Delivery& delivery);

// Of a segment that is sound.
std::string named_deliveries(const SegmentHeader& header, std::string_view segment);
// None when they are not whole.
std::optional<std::vector<NamedDelivery>> parse_named_deliveries(int64_t segment,
                                                                 std::string_view bytes);

}  // namespace adweave::source
