// SPDX-License-Identifier: Apache-2.0
// Numbers in the journal's files: little-endian, unaligned.
#pragma once

#include <bit>
#include <cstring>
#include <string>
#include <string_view>

#include "base/check.h"

namespace adweave::source {

static_assert(std::endian::native == std::endian::little, "numbers are stored as they are");

template <class T>
void put_number(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <class T>
T number_at(std::string_view bytes, size_t at) {
  T value{};
  CHECK(at + sizeof value <= bytes.size());
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

}  // namespace adweave::source
