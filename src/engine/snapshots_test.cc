// SPDX-License-Identifier: Apache-2.0
#include "engine/snapshots.h"

#include "engine/live_test_support.h"
#include "engine/state_folder.h"

namespace adweave::engine {
namespace {

constexpr int kRounds = 12;
constexpr int kEventsARound = 2;

// Many snapshots, each of many pieces, with commits in between.
Job snapshot_job(int64_t ids_memory_max) {
  Job job = live_job();
  job.snapshot_rows = 1;
  job.snapshot_step_bytes = 400;
  job.ids_memory_max = ids_memory_max;
  return job;
}

// A server that was killed after so many rounds of events and starts again: which snapshot it
// finds, and whether it knows all events. True when commits came between the snapshot's pieces.
bool goes_on(SimulatedDisk& disk, Job job, int rounds) {
  const ledger::Ledger ledger = ledger_of(disk);
  const state::AsOf as_of = newest_snapshot(disk, "/data", ledger).as_of;
  const Result<std::vector<std::string>> names = snapshot_names(disk, "/data");
  const int64_t newest = names && !names->empty() ? commit_of_snapshot(names->back()) : 0;
  EXPECT_EQ(as_of.least() > 0, newest > 0);
  EXPECT_LE(as_of.least(), newest);
  job.holder = "again";
  LiveServer server(disk, job);
  for (source::Delivery delivery :
       {impressions(0, rounds * kEventsARound), clicks(0, rounds * kEventsARound)}) {
    delivery.batch = "another";
    server.deliver(std::move(delivery));
  }
  EXPECT_TRUE(server.stop());
  for (const char* table : {"impressions", "clicks"}) {
    const std::multiset<std::string> ids = ids_of(disk, table);
    EXPECT_EQ(ids.size(), static_cast<size_t>(rounds * kEventsARound));
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
  }
  return as_of.least() < newest;
}

class SnapshotTest : public ::testing::TestWithParam<int64_t> {};

TEST_P(SnapshotTest, IsWrittenWhileCommitsGoOnAndKnowsWhatItIsAsOf) {
  SimulatedDisk disk;
  std::vector<std::unique_ptr<SimulatedDisk>> killed;
  {
    LiveServer server(disk, snapshot_job(GetParam()));
    for (int i = 0; i < kRounds; ++i) {
      server.deliver(impressions(i * kEventsARound, kEventsARound));
      server.deliver(clicks(i * kEventsARound, kEventsARound));
      server.settle();
      killed.push_back(disk.after_kill());
    }
  }
  int mixed = 0;
  for (int i = 0; i < kRounds; ++i)
    mixed += goes_on(*killed[static_cast<size_t>(i)], snapshot_job(GetParam()), i + 1) ? 1 : 0;
  EXPECT_GT(mixed, 0) << "no snapshot was written while commits went on";
}

// In memory, and moved to disk with each commit.
INSTANTIATE_TEST_SUITE_P(Ids, SnapshotTest, ::testing::Values(limits::kIdsMemoryBytes, int64_t{1}));

TEST(Snapshots, WhatAnOlderWriterLeftUnfinishedGoes) {
  SimulatedDisk disk;
  const std::string folder = state_folder("/data");
  const std::string older = join_path(folder, state_file_name(1, 0, ".snapshot.new"));
  const std::string newer = join_path(folder, state_file_name(1, 7, ".snapshot.new"));
  disk.put(older, "half", kReceived);
  disk.put(newer, "half", kReceived);
  {
    LiveServer server(disk, live_job());
    server.deliver(impressions(0, 2));
  }
  EXPECT_FALSE(disk.exists(older));
  EXPECT_TRUE(disk.exists(newer));
}

}  // namespace
}  // namespace adweave::engine
