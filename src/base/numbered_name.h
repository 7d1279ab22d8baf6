// SPDX-License-Identifier: Apache-2.0
// File names that begin with a number of 20 digits, so that they sort by it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/whole_number.h"

namespace adweave {

inline constexpr size_t kNumberedNameDigits = 20;

// Of "<20 digits><suffix>"; none for another name.
inline std::optional<int64_t> number_in_name(std::string_view name, std::string_view suffix) {
  if (name.size() != kNumberedNameDigits + suffix.size() || !name.ends_with(suffix))
    return std::nullopt;
  int64_t number = 0;
  if (!parse_whole(name.substr(0, kNumberedNameDigits), number)) return std::nullopt;
  return number;
}

}  // namespace adweave
