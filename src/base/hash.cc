// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <array>
#include <charconv>

#define XXH_INLINE_ALL  // ids are short: a third of their hash was the calls into the library
#include <xxhash.h>

#include "base/check.h"

namespace adweave {

namespace {
Hash128 from_xxh(XXH128_hash_t h) {
  return {h.high64, h.low64};
}
}  // namespace

Hash128 hash128(std::string_view bytes) {
  return from_xxh(XXH3_128bits(bytes.data(), bytes.size()));
}

uint64_t hash64(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Hash128 combine(const Hash128& a, const Hash128& b) {
  const std::array<uint64_t, 4> words = {a.high, a.low, b.high, b.low};
  return from_xxh(XXH3_128bits(words.data(), sizeof words));
}

std::string to_hex(const Hash128& hash) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(32, '0');
  for (int i = 0; i < 16; ++i) {
    text[static_cast<size_t>(15 - i)] = kDigits[(hash.high >> (4 * i)) & 15U];
    text[static_cast<size_t>(31 - i)] = kDigits[(hash.low >> (4 * i)) & 15U];
  }
  return text;
}

std::optional<Hash128> parse_hex128(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  Hash128 hash;
  const char* middle = hex.data() + 16;
  const char* end = hex.data() + 32;
  if (std::from_chars(hex.data(), middle, hash.high, 16).ptr != middle) return std::nullopt;
  if (std::from_chars(middle, end, hash.low, 16).ptr != end) return std::nullopt;
  return hash;
}

struct Hasher128::State {
  XXH3_state_t xxh;
};

Hasher128::Hasher128() : state_(std::make_unique<State>()) {
  reset();
}
Hasher128::~Hasher128() = default;
Hasher128::Hasher128(Hasher128&&) noexcept = default;
Hasher128& Hasher128::operator=(Hasher128&&) noexcept = default;

void Hasher128::update(std::string_view bytes) {
  CHECK(XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size()) == XXH_OK);
}

Hash128 Hasher128::digest() const {
  return from_xxh(XXH3_128bits_digest(&state_->xxh));
}

void Hasher128::reset() {
  CHECK(XXH3_128bits_reset(&state_->xxh) == XXH_OK);
}

}  // namespace adweave
