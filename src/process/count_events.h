// SPDX-License-Identifier: Apache-2.0
// How many events there are, by kind, window of event time and dictionary fields.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "event/batch.h"

namespace adweave::process {

struct CountBy {
  std::vector<event::Field> fields;  // of type Dict
  int64_t window_us = 0;             // windows begin at its multiples; 0: all time is one window
};

struct EventGroup {
  int64_t window = 0;  // its begin, microseconds UTC
  event::Kind kind = event::Kind::impression;
  std::vector<std::optional<std::string>> values;  // of the fields; null where an event has none

  auto operator<=>(const EventGroup&) const = default;
};

using EventCounts = std::map<EventGroup, int64_t>;

// Adds the rows named, all of which have an event time.
void count_events(const event::Batch& batch, std::span<const int32_t> rows, const CountBy& by,
                  EventCounts& counts);

}  // namespace adweave::process
