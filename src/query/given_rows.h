// SPDX-License-Identifier: Apache-2.0
// Rows that are given, in place of those of the lake.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"

namespace adweave::query {

// By table, in column order: times are microseconds UTC, money is nanos, bytes are left out.
using GivenRows = std::map<std::string, std::vector<std::vector<JsonValue>>, std::less<>>;

}  // namespace adweave::query
