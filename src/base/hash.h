// SPDX-License-Identifier: Apache-2.0
// Hashes of bytes (XXH3). Stable across machines and releases: they are stored on disk.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace adweave {

struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;
  auto operator<=>(const Hash128&) const = default;
};

// For hash tables: the hash is already uniform.
struct Hash128Hash {
  size_t operator()(const Hash128& h) const { return static_cast<size_t>(h.low); }
};

Hash128 hash128(std::string_view bytes);
uint64_t hash64(std::string_view bytes, uint64_t seed = 0);

// Combines two hashes, order matters.
Hash128 combine(const Hash128& a, const Hash128& b);

// 32 lower-case hex digits, high half first.
std::string to_hex(const Hash128& hash);
std::optional<Hash128> parse_hex128(std::string_view hex);

// Hash of a stream of pieces; equal to hash128 of their concatenation.
class Hasher128 {
 public:
  Hasher128();
  ~Hasher128();
  Hasher128(Hasher128&&) noexcept;
  Hasher128& operator=(Hasher128&&) noexcept;

  void update(std::string_view bytes);
  Hash128 digest() const;
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace adweave
