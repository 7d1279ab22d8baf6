// SPDX-License-Identifier: Apache-2.0
#include "source/paused_sources.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/support/simulated_disk.h"

namespace adweave::source {
namespace {

using tests::SimulatedDisk;
using Names = std::set<std::string>;

Names names_on(SimulatedDisk& disk) {
  const auto paused = PausedSources::open(disk, "/data");
  EXPECT_TRUE(paused) << paused.error().message;
  return paused ? (*paused)->names() : Names{"?"};
}

class PausedSourcesTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(make_dirs(disk_, "/data")); }
  SimulatedDisk disk_;
};

TEST_F(PausedSourcesTest, AreThereAfterAStartAfresh) {
  EXPECT_EQ(names_on(disk_), Names());
  const auto paused = *PausedSources::open(disk_, "/data");
  EXPECT_EQ(*paused->pause("clicks"), true);
  EXPECT_EQ(*paused->pause("clicks"), false);
  EXPECT_EQ(*paused->pause("b"), true);
  EXPECT_TRUE(paused->is_paused("clicks"));
  EXPECT_FALSE(paused->is_paused("click"));
  EXPECT_EQ(names_on(disk_), (Names{"b", "clicks"}));
  EXPECT_EQ(*paused->resume("clicks"), true);
  EXPECT_EQ(*paused->resume("clicks"), false);
  EXPECT_EQ(names_on(disk_), Names{"b"});
}

// At each step the list is the one before or the one after, and can be changed again.
TEST_F(PausedSourcesTest, AreTheOldOrTheNewOnesAtAnyStep) {
  ASSERT_TRUE((*PausedSources::open(disk_, "/data"))->pause("a"));
  for (const bool power_cut : {false, true}) {
    std::vector<std::unique_ptr<SimulatedDisk>> moments;
    const std::unique_ptr<SimulatedDisk> disk = disk_.after_kill();
    const auto paused = *PausedSources::open(*disk, "/data");
    disk->before_change = [&](const std::string&) {
      moments.push_back(power_cut ? disk->after_power_cut(nullptr) : disk->after_kill());
    };
    ASSERT_TRUE(paused->pause("b"));
    disk->before_change = {};
    ASSERT_GE(moments.size(), 3U);
    for (const auto& moment : moments) {
      const Names names = names_on(*moment);
      EXPECT_TRUE(names == Names{"a"} || names == (Names{"a", "b"}));
      EXPECT_TRUE((*PausedSources::open(*moment, "/data"))->pause("c"));
      EXPECT_TRUE(names_on(*moment).contains("c"));
    }
  }
}

TEST_F(PausedSourcesTest, ATornListIsNamed) {
  disk_.put("/data/paused", "clicks\nimpr", 0);
  const auto paused = PausedSources::open(disk_, "/data");
  ASSERT_FALSE(paused);
  EXPECT_EQ(paused.error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace adweave::source
