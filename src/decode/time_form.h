// SPDX-License-Identifier: Apache-2.0
// Times as feeds spell them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time_zone.h"
#include "decode/spec.h"

namespace adweave::decode {

// Microseconds UTC; null when the text is not of the form. An epoch number that would lie outside
// 2000 to 2100 is not of its form: it is in another unit.
std::optional<int64_t> parse_time(const TimeForm& form, std::string_view text,
                                  const TimeZone& zone);

// Null when the pattern can be read; else what is wrong with it.
std::optional<std::string> check_pattern(std::string_view pattern);

}  // namespace adweave::decode
