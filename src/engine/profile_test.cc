// SPDX-License-Identifier: Apache-2.0
#include "engine/profile.h"

#include <thread>

#include <gtest/gtest.h>

#include "engine/engine_test_support.h"

namespace adweave::engine {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

void finish(Profile& profile, int64_t wall_s, int64_t cpu_s, int threads) {
  profile.finish(wall_s * kSecond, cpu_s * kSecond, threads);
}

TEST(ProfileTest, ATimerMeasuresItsOwnThread) {
  Profile profile;
  std::thread([&] {
    StageTimer timer(&profile, Stage::decode);
    timer.add(3, 40);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }).join();
  {
    const StageTimer timer(nullptr, Stage::decode);
  }
  const StageCost cost = profile.of(Stage::decode);
  EXPECT_EQ(cost.rows, 3);
  EXPECT_EQ(cost.bytes, 40);
  EXPECT_GE(cost.wall, 20'000'000);
  EXPECT_GE(cost.wait(), 10'000'000);  // asleep
  EXPECT_EQ(profile.of(Stage::write).wall, 0);
}

TEST(ProfileTest, ProcessorsAreTheBottleneckWhereTheyAreInUse) {
  Profile profile;
  profile.add(Stage::decode, {8 * kSecond, 8 * kSecond});
  profile.add(Stage::write, {6 * kSecond, 9 * kSecond});
  finish(profile, 8, 16, 2);
  EXPECT_EQ(bottleneck(profile, 4), "decode: 50 % of CPU; add threads");
  EXPECT_EQ(bottleneck(profile, 2), "decode: 50 % of CPU; all processors are in use");
}

TEST(ProfileTest, TheDiskIsTheBottleneckWhereTheRunWaitsForIt) {
  Profile profile;
  profile.add(Stage::decode, {2 * kSecond, 2 * kSecond});
  profile.add(Stage::commit, {kSecond / 10, 6 * kSecond});
  finish(profile, 10, 3, 2);
  EXPECT_EQ(bottleneck(profile, 2), "commit: the disk; the run waits for it 59 % of the time");
}

TEST(ProfileTest, WaitingForAProcessorIsNotWaitingForTheDisk) {
  Profile profile;
  profile.add(Stage::decode, {4 * kSecond, 8 * kSecond, 4 * kSecond});
  profile.add(Stage::write, {kSecond, 10 * kSecond, 8 * kSecond});
  finish(profile, 10, 6, 2);
  EXPECT_EQ(profile.of(Stage::write).wait(), kSecond);
  EXPECT_EQ(bottleneck(profile, 2), "decode: 67 % of CPU; all processors are in use");
}

TEST(ProfileTest, OneThreadIsTheBottleneckWhereAllWaitForIt) {
  Profile profile;
  profile.add(Stage::decode, {6 * kSecond, 6 * kSecond});
  profile.add(Stage::deduplicate, {9 * kSecond, 9 * kSecond});
  finish(profile, 10, 15, 8);
  EXPECT_EQ(bottleneck(profile, 8),
            "deduplicate: one thread does it, 90 % of the time; more threads do not help");
  profile.add_idle(5 * kSecond);  // it waits for slices: so it is not what all wait for
  EXPECT_EQ(bottleneck(profile, 16), "deduplicate: 60 % of CPU; add threads");
  EXPECT_EQ(bottleneck(profile, 8), "deduplicate: 60 % of CPU");
}

TEST_F(EngineTest, AProfileCountsWhatWentThroughEachStage) {
  SimulatedDisk disk;
  put_feeds(disk, 40);
  Profile profile;
  RunHooks with_profile = hooks();
  with_profile.profile = &profile;
  const Result<RunReport> report = run(disk, job_of(), with_profile);
  ASSERT_TRUE(report);
  int64_t records = 0;
  int64_t events = 0;
  int64_t accepted = 0;
  for (const ledger::Counts& counts : report->counts) {
    records += counts.records_read;
    events += counts.accepted + counts.duplicate + counts.conflict;
    accepted += counts.accepted;
  }
  EXPECT_EQ(profile.of(Stage::read).bytes, report->bytes);
  EXPECT_EQ(profile.of(Stage::decode).rows, records);
  EXPECT_EQ(profile.of(Stage::deduplicate).rows, events);
  EXPECT_EQ(profile.of(Stage::attribute).rows, accepted);
  EXPECT_GT(profile.of(Stage::write).rows, accepted);  // credits, rejects, audit too
  for (const Stage stage : {Stage::identify, Stage::prepare, Stage::commit, Stage::publish})
    EXPECT_GT(profile.of(stage).wall, 0) << stage_name(stage);
}

}  // namespace
}  // namespace adweave::engine
