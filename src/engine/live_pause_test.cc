// SPDX-License-Identifier: Apache-2.0
// Sources that are paused while a server runs: nothing is read of them, nothing is lost or doubled.
#include <atomic>

#include <gtest/gtest.h>

#include "engine/kafka_test_support.h"
#include "engine/live_test_support.h"

namespace adweave::engine {
namespace {

using tests::KafkaCluster;
using tests::KafkaTestMessage;

// A file is put aside in its middle, others are read meanwhile.
TEST(LivePauseTest, FilesAreReadOnWhereTheyStood) {
  SimulatedDisk calm;
  SimulatedDisk disk;
  for (SimulatedDisk* each : {&calm, &disk}) put_feeds(*each, 200);
  const Result<RunReport> report = run(calm, job_of(), hooks());
  ASSERT_TRUE(report);
  std::map<std::string, int64_t> left;  // records by source
  for (const ledger::Counts& counts : report->counts) left[counts.source] = counts.records_read;
  const std::map<std::string, int64_t> all = left;

  int looks = 0;
  int paused_looks = 0;
  int64_t left_when_paused = 0;
  std::unique_ptr<Live> server;
  LiveHooks live;
  live.now_us = [] { return kReceived; };
  live.steady_us = quick_clock();
  live.committed = [&](const ledger::CommitOutcome& commit) {
    for (const ledger::Counts& counts : commit.counts) left[counts.source] -= counts.records_read;
    if (paused_looks == 0 && left["impressions"] < all.at("impressions")) {
      EXPECT_TRUE(server->paused().pause("impressions"));
      paused_looks = 1;
    }
  };
  live.stop = [&] {
    ++looks;
    const bool others_done = left["clicks"] == 0 && left["conversions"] == 0;
    if (!others_done || paused_looks == 0) return false;
    if (paused_looks++ == 20) left_when_paused = left["impressions"];
    if (paused_looks == 40) {
      EXPECT_EQ(left["impressions"], left_when_paused);
      EXPECT_TRUE(server->paused().resume("impressions"));
    }
    return left["impressions"] == 0;
  };
  Result<std::unique_ptr<Live>> opened = Live::open(disk, job_of(), live);
  ASSERT_TRUE(opened);
  server = *std::move(opened);
  const Status status = server->run();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_GT(left_when_paused, 0);
  const std::string expected = *ledger_text(calm, "/data");
  const std::string found = *ledger_text(disk, "/data");
  for (const char* table : {"impressions:", "clicks:", "conversions:", "rejects:", "duplicates:"})
    EXPECT_EQ(lines_of(found, table), lines_of(expected, table)) << table;
}

// Again and again, while messages come.
TEST(LivePauseTest, TopicsAreReadOnBehindTheLastMessageThatWasTaken) {
  KafkaCluster cluster;
  cluster.create_topic(kTopic, 3);
  SimulatedDisk disk;
  LiveServer server(disk, kafka_job(cluster));
  source::PausedSources& paused = server.live().paused();
  int sent = 0;
  const auto produce = [&](int count) {
    std::vector<KafkaTestMessage> messages;
    for (int i = 0; i < count; ++i, ++sent) {
      messages.push_back(
          {.value = fmt::format("{{\"id\":\"i{}\",\"t\":\"{}\",\"u\":\"u\",\"c\":\"k\"}}", sent,
                                time_of(sent % 300))});
    }
    cluster.produce(kTopic, sent % 3, messages);
  };
  for (int round = 0; round < 30; ++round) {
    produce(20);
    EXPECT_TRUE(round % 2 == 0 ? paused.pause("impressions") : paused.resume("impressions"));
    std::this_thread::sleep_for(std::chrono::milliseconds(round % 5 * 20));
  }
  server.wait_for_events(sent);
  EXPECT_TRUE(paused.pause("impressions"));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const int before = sent;
  produce(30);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  server.wait_for_events(before);
  EXPECT_EQ(ids_of(disk, "impressions").size(), static_cast<size_t>(before));
  EXPECT_TRUE(paused.resume("impressions"));
  server.wait_for_events(sent);
  ASSERT_TRUE(server.stop());
  for (const ledger::CommitOutcome& commit : server.commits()) {
    for (const ledger::Counts& counts : commit.counts) EXPECT_EQ(counts.duplicate, 0);
  }
  const std::multiset<std::string> ids = ids_of(disk, "impressions");
  EXPECT_EQ(ids.size(), static_cast<size_t>(sent));
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
}

}  // namespace
}  // namespace adweave::engine
