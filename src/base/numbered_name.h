// SPDX-License-Identifier: Apache-2.0
// File names that begin with a number of 20 digits, so that they sort by it.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace adweave {

inline constexpr size_t kNumberedNameDigits = 20;

// Of "<20 digits><suffix>"; none for another name.
inline std::optional<int64_t> number_in_name(std::string_view name, std::string_view suffix) {
  if (name.size() != kNumberedNameDigits + suffix.size() || !name.ends_with(suffix))
    return std::nullopt;
  int64_t number = 0;
  const char* digits_end = name.data() + kNumberedNameDigits;
  const auto [end, error] = std::from_chars(name.data(), digits_end, number);
  if (error != std::errc() || end != digits_end) return std::nullopt;
  return number;
}

}  // namespace adweave
