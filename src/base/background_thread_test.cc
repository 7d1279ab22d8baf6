// SPDX-License-Identifier: Apache-2.0
#include "base/background_thread.h"

#include <atomic>
#include <chrono>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/limits.h"

namespace adweave {
namespace {

void wait_for(const std::atomic<int>& count, int at_least) {
  while (count < at_least) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(BackgroundThread, WorksAtOnceAndAgainUntilItIsDestroyed) {
  std::atomic<int> count = 0;
  {
    const BackgroundThread thread(1000, [&] { ++count; });
    wait_for(count, 3);
  }
  const int then = count;
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(count, then);
}

TEST(BackgroundThread, AnEndDoesNotWaitForTheNextTime) {
  std::atomic<int> count = 0;
  const auto begin = std::chrono::steady_clock::now();
  {
    const BackgroundThread thread(limits::kDayUs, [&] { ++count; });
    wait_for(count, 1);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::minutes(1));
}

TEST(BackgroundThread, ItsPriorityAloneIsLow) {
  std::atomic<int> nice = -1;
  std::atomic<int> count = 0;
  const int ours = getpriority(PRIO_PROCESS, 0);
  {
    const BackgroundThread thread(limits::kDayUs, [&] {
      nice = getpriority(PRIO_PROCESS, 0);
      ++count;
    });
    wait_for(count, 1);
  }
  EXPECT_GT(nice, ours);
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), ours);
}

}  // namespace
}  // namespace adweave
