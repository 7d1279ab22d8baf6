// SPDX-License-Identifier: Apache-2.0
// Numbers as texts.
#pragma once

#include <charconv>
#include <string_view>

namespace adweave {

// Whether the whole text is a decimal number that fits `out`, which then holds it; otherwise `out`
// may hold anything.
template <class Number>
bool parse_whole(std::string_view text, Number& out) {
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, out);
  return error == std::errc() && end == last;
}

}  // namespace adweave
