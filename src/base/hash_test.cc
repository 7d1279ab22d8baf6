// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <gtest/gtest.h>

namespace adweave {
namespace {

TEST(Hash, IsTheSameOnEveryMachine) {
  // XXH3_128bits("") and XXH3_128bits("adweave"): stored on disk, so they must never change.
  EXPECT_EQ(to_hex(hash128("")), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(hash64(""), 0x2d06800538d394c2U);
}

TEST(Hash, HexRoundTrips) {
  const Hash128 hash = hash128("impression");
  EXPECT_EQ(parse_hex128(to_hex(hash)), hash);
  EXPECT_EQ(parse_hex128("not hex"), std::nullopt);
  EXPECT_EQ(parse_hex128("zz" + to_hex(hash).substr(2)), std::nullopt);
}

TEST(Hash, StreamEqualsWhole) {
  Hasher128 hasher;
  hasher.update("click");
  hasher.update("conversion");
  EXPECT_EQ(hasher.digest(), hash128("clickconversion"));
}

TEST(Hash, CombineDependsOnOrder) {
  EXPECT_NE(combine(hash128("a"), hash128("b")), combine(hash128("b"), hash128("a")));
}

}  // namespace
}  // namespace adweave
