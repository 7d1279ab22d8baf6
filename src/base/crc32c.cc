// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <array>
#include <cstring>

#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

namespace adweave {

namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // bits reversed

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
    table[byte] = value;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = make_table();

}  // namespace

uint32_t crc32c_portable(std::string_view bytes, uint32_t before) {
  uint32_t value = ~before;
  for (const char c : bytes)
    value = (value >> 8) ^ kTable[(value ^ static_cast<uint8_t>(c)) & 0xff];
  return ~value;
}

#ifdef __SSE4_2__
uint32_t crc32c(std::string_view bytes, uint32_t before) {
  uint64_t value = ~before;
  while (bytes.size() >= sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    value = _mm_crc32_u64(value, word);
    bytes.remove_prefix(sizeof word);
  }
  auto rest = static_cast<uint32_t>(value);
  for (const char c : bytes) rest = _mm_crc32_u8(rest, static_cast<uint8_t>(c));
  return ~rest;
}
#else
uint32_t crc32c(std::string_view bytes, uint32_t before) {
  return crc32c_portable(bytes, before);
}
#endif

}  // namespace adweave
