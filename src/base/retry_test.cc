// SPDX-License-Identifier: Apache-2.0
#include "base/retry.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace adweave {
namespace {

TEST(Backoff, WaitsDoubleUpToTheLongest) {
  Backoff backoff(7);
  int64_t longest = limits::kRetryFirstUs;
  for (int failures = 0; failures < 100; ++failures) {
    const int64_t wait = backoff.next_us();
    EXPECT_GT(wait, longest / 2 - 1) << failures;
    EXPECT_LE(wait, longest) << failures;
    longest = std::min(2 * longest, limits::kRetryMostUs);
  }
  backoff.reset();
  EXPECT_LE(backoff.next_us(), limits::kRetryFirstUs);
}

TEST(Backoff, SeedsWaitApart) {
  EXPECT_NE(Backoff(1).next_us(), Backoff(2).next_us());
}

}  // namespace
}  // namespace adweave
