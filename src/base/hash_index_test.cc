// SPDX-License-Identifier: Apache-2.0
#include "base/hash_index.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace adweave {
namespace {

TEST(HashIndex, FindsWhatWasAddedThroughEveryGrowth) {
  HashIndex index;
  EXPECT_EQ(index.candidate(7), HashIndex::kNone);
  const auto hash = [](uint32_t number) { return hash64(std::to_string(number)); };
  for (uint32_t next = 0; next < 10'000; ++next) {
    ASSERT_EQ(index.find_or_add(hash(next), next, [](uint32_t) { return false; }), next);
    ASSERT_EQ(index.candidate(hash(next / 2)), next / 2);
  }
  for (uint32_t number = 0; number < 10'000; ++number) {
    const auto is = [&](uint32_t other) { return other == number; };
    ASSERT_EQ(index.find_or_add(hash(number), 10'000, is), number);
  }
}

TEST(HashIndex, KeepsThingsOfOneHashApart) {
  HashIndex index;
  for (const uint64_t hash : {UINT64_MAX, uint64_t{0}}) {  // the last slot goes on at the first
    for (uint32_t number = 0; number < 100; ++number) {
      const auto is = [&](uint32_t other) {
        return hash > 0 ? other == number : other == 1000 + number;
      };
      const uint32_t next = hash > 0 ? number : 1000 + number;
      ASSERT_EQ(index.find_or_add(hash, next, is), next);
      ASSERT_EQ(index.find_or_add(hash, 5000, is), next);
    }
  }
}

}  // namespace
}  // namespace adweave
