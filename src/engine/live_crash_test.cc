// SPDX-License-Identifier: Apache-2.0
// A server that is killed, or whose machine loses power, at any step: what is found after it. And
// bugs are planted that this must find, or it would prove nothing.
#include <algorithm>
#include <functional>
#include <mutex>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "engine/kafka_test_support.h"
#include "engine/live_test_support.h"
#include "engine/recovery.h"
#include "engine/snapshots.h"
#include "tests/support/fault_file_system.h"

namespace adweave::engine {
namespace {

using tests::FaultFileSystem;
using tests::KafkaCluster;
using tests::PlantedBugs;

enum class Crash { kill, power_cut };

// The disk that is found after a crash, and the ids that had been acknowledged before it.
struct Found {
  Moment moment;
  std::set<std::string> acknowledged;
};

// Runs `use` with a disk, and notes what a crash before each change of it leaves.
class Crashes {
 public:
  explicit Crashes(Crash crash) {
    disk_.before_change = [this, crash](const std::string& step) { note(crash, step); };
  }

  SimulatedDisk& disk() { return disk_; }

  void acknowledge(const std::string& id) {
    const std::lock_guard guard(mutex_);
    acknowledged_.insert(id);
  }

  std::vector<Found> end() {
    disk_.before_change = {};
    return std::move(found_);
  }

 private:
  void note(Crash crash, const std::string& step) {
    std::set<std::string> ids;
    {
      const std::lock_guard guard(mutex_);
      ids = acknowledged_;  // before the disk is copied: it has at least these
    }
    const bool unlucky = found_.size() % 2 == 0;
    auto left = crash == Crash::power_cut ? disk_.after_power_cut(unlucky ? nullptr : &luck_)
                                          : disk_.after_kill();
    found_.push_back({{std::move(left), step}, std::move(ids)});
  }

  SimulatedDisk disk_;
  std::vector<Found> found_;
  std::mt19937_64 luck_{5};
  std::mutex mutex_;
  std::set<std::string> acknowledged_;
};

// Starts again on what is found, and goes on until `is_done`. What is wrong then; empty: each
// acknowledged id is there once, and no id twice.
std::string wrong_after(const Found& found, Job job,
                        const std::function<bool(const Live&)>& is_done) {
  SimulatedDisk& disk = *found.moment.disk;
  const Live* server = nullptr;
  LiveHooks hooks;
  hooks.now_us = [] { return kReceived; };
  hooks.steady_us = [] { return 0; };
  hooks.stop = [&] { return is_done(*server); };
  job.holder = "second";
  {
    const Result<std::unique_ptr<Live>> live = Live::open(disk, std::move(job), hooks);
    if (!live) return live.error().message;
    server = live->get();
    if (const Status ended = (*live)->run(); !ended) return ended.error().message;
  }
  const std::vector<std::string> problems =
      ledger::verify_files(disk, "/data", ledger_of(disk), {}).problems;
  if (!problems.empty()) return problems[0];
  std::multiset<std::string> ids = ids_of(disk, "impressions");
  ids.merge(ids_of(disk, "clicks"));
  for (const std::string& id : found.acknowledged) {
    if (!ids.contains(id)) return id + " is lost";
  }
  for (const std::string& id : ids) {
    if (ids.count(id) > 1) return id + " is there twice";
  }
  return "";
}

// Once all of the journal is committed, as it is at the end.
bool at_once(const Live&) {
  return true;
}

std::string at(const std::vector<Found>& all, size_t nth) {
  return fmt::format("step {} of {}: {}", nth, all.size(), all[nth].moment.step);
}

// What a server acknowledges, and the crashes while it does.
std::vector<Found> deliver_under(Crash crash, const PlantedBugs& bugs = {}) {
  Crashes crashes(crash);
  {
    FaultFileSystem fs(crashes.disk(), bugs);
    LiveServer server(fs, live_job());
    for (int i = 0; i < 12; i += 2) {
      server.deliver(impressions(i, 2));
      server.deliver(clicks(i, 2));
      for (const int id : {i, i + 1}) {
        crashes.acknowledge(fmt::format("i{}", id));
        crashes.acknowledge(fmt::format("c{}", id));
      }
    }
    server.settle();
  }
  return crashes.end();
}

class LiveCrashTest : public ::testing::TestWithParam<Crash> {};

// Every third step of journal and commit, which run beside each other.
TEST_P(LiveCrashTest, WhatIsAcknowledgedIsThereOnceAfterAnyStep) {
  const std::vector<Found> found = deliver_under(GetParam());
  ASSERT_GT(found.size(), 60U);
  EXPECT_TRUE(found.front().acknowledged.empty());
  EXPECT_EQ(found.back().acknowledged.size(), 24U);
  for (size_t i = 0; i < found.size() && !HasFailure(); i += 3)
    EXPECT_EQ(wrong_after(found[i], live_job(), at_once), "") << at(found, i);
}

INSTANTIATE_TEST_SUITE_P(KillAndPowerCut, LiveCrashTest,
                         ::testing::Values(Crash::kill, Crash::power_cut));

constexpr int kMessages = 24;

// Messages that a server reads and commits, each acknowledged by the commit that holds its offset.
std::vector<Found> consume_under(Crash crash, KafkaCluster& cluster, const PlantedBugs& bugs = {}) {
  Crashes crashes(crash);
  {
    FaultFileSystem fs(crashes.disk(), bugs);
    LiveServer server(fs, kafka_job(cluster));
    for (int first = 0; first < kMessages; first += 6) {
      for (const int p : {0, 1}) cluster.produce(kTopic, p, events(first + p * 3, 3));
      server.wait_for_events(first + 6);
    }
    if (!server.stop()) ADD_FAILURE() << "the server did not end well";
  }
  std::vector<Found> found = crashes.end();
  // All of them must be there in the end, wherever it was: what was not committed is read again.
  for (Found& each : found) {
    for (int i = 0; i < kMessages; ++i) each.acknowledged.insert(fmt::format("i{}", i));
  }
  return found;
}

bool all_is_read(const Live& server) {
  int64_t next = 0;
  for (const source::KafkaPartition& each : server.kafka()) next += each.next;
  return next == kMessages;
}

class KafkaCrashTest : public ::testing::TestWithParam<Crash> {};

// A new server reads each message once.
TEST_P(KafkaCrashTest, NothingIsLostOrDoubledAfterAnyStep) {
  KafkaCluster cluster;
  cluster.create_topic(kTopic, 2);
  const std::vector<Found> found = consume_under(GetParam(), cluster);
  ASSERT_GT(found.size(), 40U);
  for (size_t i = 0; i < found.size() && !HasFailure(); i += 7) {
    EXPECT_EQ(wrong_after(found[i], kafka_job(cluster), all_is_read), "") << at(found, i);
    EXPECT_EQ(ids_of(*found[i].moment.disk, "impressions").size(), size_t{kMessages});
  }
}

INSTANTIATE_TEST_SUITE_P(KillAndPowerCut, KafkaCrashTest,
                         ::testing::Values(Crash::kill, Crash::power_cut));

// The journal acknowledges what it has not synced.
TEST(PlantedBugTest, AcknowledgedBeforeFsyncIsFound) {
  const std::vector<Found> found =
      deliver_under(Crash::power_cut, {.no_file_sync = true, .below = "/data/journal/"});
  EXPECT_TRUE(std::any_of(found.begin(), found.end(), [](const Found& each) {
    return !wrong_after(each, live_job(), at_once).empty();
  }));
}

// A commit says how far the topic was read before its rows are durable.
TEST(PlantedBugTest, OffsetsBeforeRowsAreFound) {
  KafkaCluster cluster;
  cluster.create_topic(kTopic, 2);
  const std::vector<Found> found =
      consume_under(Crash::power_cut, cluster, {.no_file_sync = true, .below = "/data/lake/"});
  EXPECT_TRUE(std::any_of(found.rbegin(), found.rend(), [&](const Found& each) {
    return !wrong_after(each, kafka_job(cluster), all_is_read).empty();
  }));
}

// A server that starts again has the journeys and files of its last commit, and none of its ids.
TEST(PlantedBugTest, IdsLostOnRestartAreFound) {
  for (const bool is_planted : {false, true}) {
    Found found;
    found.moment.disk = std::make_unique<SimulatedDisk>();
    SimulatedDisk& disk = *found.moment.disk;
    {
      LiveServer server(disk, live_job());
      server.deliver(impressions(0, 4));
      ASSERT_TRUE(server.stop());
    }
    if (is_planted) {
      state::State forgetful;
      ASSERT_TRUE(save_state(disk, "/data", ledger_of(disk), forgetful));
    }
    {
      Job job = live_job();
      job.holder = "again";
      LiveServer server(disk, job);
      source::Delivery again = impressions(0, 4);
      again.batch = "another";
      server.deliver(std::move(again));
      ASSERT_TRUE(server.stop());
    }
    const std::string wrong = wrong_after(found, live_job(), at_once);
    EXPECT_EQ(wrong, is_planted ? "i0 is there twice" : "");
  }
}

}  // namespace
}  // namespace adweave::engine
