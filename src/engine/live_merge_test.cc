// SPDX-License-Identifier: Apache-2.0
// A server merges small files while commits go on.
#include <atomic>

#include "engine/live_test_support.h"

namespace adweave::engine {
namespace {

constexpr int kDeliveries = 40;  // of one impression, a commit each

Job job_with_threads() {
  Job job = live_job();
  job.threads = 2;
  return job;
}

int64_t merges(const ledger::Ledger& ledger) {
  int64_t count = 0;
  CHECK(ledger.visit_records(1, ledger.head(), [&](const auto& record) {
    count += record.kind == "compact" ? 1 : 0;
    return Status();
  }));
  return count;
}

void expect_each_once(const SimulatedDisk& disk, size_t count) {
  const std::multiset<std::string> ids = ids_of(disk, "impressions");
  EXPECT_EQ(ids.size(), count);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), count);
  const ledger::Ledger ledger = ledger_of(disk);
  EXPECT_EQ(ledger::verify_files(disk, "/data", ledger, {}).problems, std::vector<std::string>());
}

TEST(LiveMergeTest, FewFilesAreLeftAndEachRowOnce) {
  SimulatedDisk disk;
  {
    LiveServer server(disk, job_with_threads());
    for (int i = 0; i < kDeliveries; ++i) {
      server.deliver(impressions(i, 1));
      server.settle();
    }
    EXPECT_TRUE(server.stop());
  }
  expect_each_once(disk, kDeliveries);
  const ledger::Ledger ledger = ledger_of(disk);
  EXPECT_GT(merges(ledger), 0);
  EXPECT_LT(ledger.live_files("impressions", ledger.head()).size(), size_t{kDeliveries} / 2);
}

// What a kill leaves of a merge goes when the server starts again.
TEST(LiveMergeTest, AKillInTheMiddleLosesAndLeavesNothing) {
  SimulatedDisk disk;
  std::unique_ptr<SimulatedDisk> killed;
  size_t acknowledged = 0;
  std::atomic<bool> is_killed = false;
  std::string half;
  disk.before_change = [&](const std::string& step) {
    // Files beside the commits have numbers of their own.
    if (is_killed || step.find("-500000") == std::string::npos || !step.starts_with("write"))
      return;
    half = step.substr(step.find('/'));
    killed = disk.after_kill();
    is_killed = true;
  };
  {
    LiveServer server(disk, job_with_threads());
    for (int i = 0; i < kDeliveries && !is_killed; ++i) {
      server.deliver(impressions(i, 1));
      if (!is_killed) ++acknowledged;
      server.settle();
    }
    EXPECT_TRUE(server.stop());
  }
  ASSERT_NE(killed, nullptr);
  EXPECT_TRUE(killed->exists(half)) << half;
  Job job = job_with_threads();
  job.holder = "again";
  {
    LiveServer server(*killed, job);
    EXPECT_TRUE(server.stop());
  }
  EXPECT_FALSE(killed->exists(half)) << half;
  const size_t found = ids_of(*killed, "impressions").size();
  EXPECT_GE(found, acknowledged);
  expect_each_once(*killed, found);
}

}  // namespace
}  // namespace adweave::engine
