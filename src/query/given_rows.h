// SPDX-License-Identifier: Apache-2.0
// Rows that are given, in place of those of the lake.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"

namespace adweave::query {

// By table, in column order: times are microseconds UTC, money is nanos, bytes are left out.
using GivenRows = std::map<std::string, std::vector<std::vector<JsonValue>>, std::less<>>;

// What there is among some rows; without it some views are simpler, and faster.
struct RowKinds {
  bool facts = true;
  bool engagements = true;
  bool adjustments = true;  // conversions that restate or retract others
  bool taken_back = true;   // credits, by later rows
  auto operator<=>(const RowKinds&) const = default;
};

}  // namespace adweave::query
