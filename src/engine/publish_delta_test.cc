// SPDX-License-Identifier: Apache-2.0
// Delta logs follow the ledger, whatever becomes of them. That other programs read them is tested
// in tests/integration/test_delta.py.
#include "engine/publish_delta.h"

#include <algorithm>

#include "engine/engine_test_support.h"
#include "engine/retention.h"
#include "lake/delta_log.h"
#include "lake/delta_stats.h"

namespace adweave::engine {
namespace {

using lake::DeltaLog;

constexpr char kLog[] = "/data/lake/clicks/_delta_log/";

const event::TableInfo& clicks_table() {
  return event::table_of(Kind::click);
}

std::string version_path(int64_t version) {
  return fmt::format("{}{:020}.json", kLog, version);
}

std::vector<std::string> live_paths(const ledger::Ledger& ledger, const event::TableInfo& table) {
  std::vector<std::string> paths;
  for (const auto& file : ledger.live_files(table.name, ledger.head()))
    paths.push_back(lake::path_in_table(file));
  std::sort(paths.begin(), paths.end());
  return paths;
}

class PublishDeltaTest : public EngineTest {
 protected:
  void SetUp() override { put_feeds(disk_, 30); }

  // Adds one click and runs.
  RunReport run_with_click(int number) {
    disk_.put(fmt::format("/in/clicks-{}.csv", number),
              fmt::format("id,t,u,c\nmore-{},2023-11-02T08:00:00Z,u1,camp1\n", number),
              kReceived + 2 * limits::kDayUs);
    return must_run(disk_);
  }

  void expect_as_the_ledger() const {
    const ledger::Ledger ledger = ledger_of(disk_);
    for (const event::TableInfo& table : event::all_tables()) {
      const auto log = DeltaLog::open(disk_, "/data", table);
      ASSERT_TRUE(log) << log.error().message;
      EXPECT_EQ(log->paths(), live_paths(ledger, table)) << table.name;
    }
  }

  SimulatedDisk disk_;
};

TEST_F(PublishDeltaTest, EveryRunEndsWithLogsThatAreAsTheLedger) {
  must_run(disk_);
  expect_as_the_ledger();
  for (int i = 0; i < 23; ++i) run_with_click(i);
  expect_as_the_ledger();
  EXPECT_EQ(DeltaLog::open(disk_, "/data", clicks_table())->version(), 23);
  EXPECT_TRUE(disk_.exists(std::string(kLog) + "00000000000000000020.checkpoint.parquet"));
  EXPECT_NE(read_file(disk_, std::string(kLog) + "_last_checkpoint", 1000)->find("\"version\":20,"),
            std::string::npos);
}

TEST_F(PublishDeltaTest, PublishingAgainChangesNothing) {
  must_run(disk_);
  const auto again = publish_delta(disk_, "/data", ledger_of(disk_), kReceived);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->empty());
  must_run(disk_);
  EXPECT_EQ(DeltaLog::open(disk_, "/data", clicks_table())->version(), 0);
}

TEST_F(PublishDeltaTest, ALostLogIsWrittenAgainAndOneThatIsBehindCatchesUp) {
  must_run(disk_);
  const std::string first = *read_file(disk_, version_path(0), 1 << 20);
  ASSERT_TRUE(disk_.unlink(version_path(0)));
  must_run(disk_);
  EXPECT_EQ(*read_file(disk_, version_path(0), 1 << 20), first);
  run_with_click(1);
  ASSERT_TRUE(disk_.unlink(version_path(1)));
  must_run(disk_);
  expect_as_the_ledger();
}

TEST_F(PublishDeltaTest, ADamagedLogStopsNoRunAndIsMadeReadableAgain) {
  must_run(disk_);
  for (int i = 0; i < 11; ++i) run_with_click(i);
  const std::string checkpoint = std::string(kLog) + "00000000000000000010.checkpoint.parquet";
  const std::string parquet = *read_file(disk_, checkpoint, 1 << 20);
  const std::string last = *read_file(disk_, version_path(11), 1 << 20);
  int number = 100;
  const auto expect_damage = [&](const std::string& path, const std::string& what) {
    const RunReport report = run_with_click(number++);
    EXPECT_EQ(report.counts.at(0).accepted, 1);
    ASSERT_TRUE(report.behind) << path << " " << what;
    EXPECT_EQ(report.behind->code, ErrorCode::corrupt);
    EXPECT_NE(report.behind->message.find(path), std::string::npos) << report.behind->message;
    EXPECT_NE(report.behind->message.find(what), std::string::npos) << report.behind->message;
  };
  disk_.put(version_path(11), "", kReceived);
  expect_damage(version_path(11), "is empty");
  disk_.put(version_path(11), last.substr(0, last.size() / 2), kReceived);
  expect_damage(version_path(11), "is torn");
  std::string flipped = last;
  flipped[flipped.size() / 2] ^= 1;
  disk_.put(version_path(11), flipped, kReceived);
  expect_damage(version_path(11), "does not have its checksum");
  disk_.put(version_path(11), "{\"add\":}\n", kReceived);
  expect_damage(version_path(11), "is no Delta commit");
  ASSERT_TRUE(disk_.unlink(version_path(11)));
  disk_.put(version_path(12), last, kReceived);
  expect_damage(version_path(11), "is missing");
  disk_.put(version_path(11), last, kReceived);
  disk_.put(checkpoint, parquet.substr(0, parquet.size() - 9), kReceived);
  expect_damage(checkpoint, "does not have its checksum");

  const auto rebuilt = rebuild_delta(disk_, "/data", ledger_of(disk_), kReceived);
  ASSERT_TRUE(rebuilt) << rebuilt.error().message;
  expect_as_the_ledger();
  EXPECT_EQ(DeltaLog::open(disk_, "/data", clicks_table())->version(), 13);
  EXPECT_FALSE(run_with_click(number).behind);
  expect_as_the_ledger();
}

TEST_F(PublishDeltaTest, DaysThatAreGoneAreRemovedFromTheLogs) {
  must_run(disk_);
  run_with_click(1);
  const int64_t from = 1'698'883'200'000'000;  // 2023-11-02
  ASSERT_TRUE(retain(disk_, *writer_of(disk_, "retain"), from, from + limits::kDayUs));
  expect_as_the_ledger();
  EXPECT_EQ(DeltaLog::open(disk_, "/data", clicks_table())->paths().size(), 1U);
}

TEST_F(PublishDeltaTest, OldVersionsBelowACheckpointGo) {
  must_run(disk_);
  for (int i = 0; i < 9; ++i) run_with_click(i);
  disk_.put(version_path(9), *read_file(disk_, version_path(9), 1 << 20), kReceived);
  run_with_click(9);
  auto log = DeltaLog::open(disk_, "/data", clicks_table());
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->write_checkpoint(disk_, kReceived + limits::kDeltaLogUs));
  EXPECT_TRUE(disk_.exists(version_path(9)));
  ASSERT_TRUE(log->write_checkpoint(disk_, kReceived + limits::kDeltaLogUs + 1));
  EXPECT_FALSE(disk_.exists(version_path(9)));
  EXPECT_TRUE(disk_.exists(version_path(10)));
  expect_as_the_ledger();
}

TEST_F(PublishDeltaTest, OnlySoManyVersionsStay) {
  must_run(disk_);
  const int64_t newest = limits::kDeltaVersionsMax + 2000;
  for (const int64_t version : {1998, 1999, 2000, 2001})
    disk_.put(version_path(version), "{}\n", kReceived);
  disk_.put(version_path(newest - 1), "{}\n", kReceived);
  auto log = DeltaLog::restart(disk_, "/data", clicks_table());
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->publish(disk_, {"ledger", 100, 1, kReceived, {}, {}, false}));
  ASSERT_EQ(log->version(), newest);
  ASSERT_TRUE(log->write_checkpoint(disk_, kReceived));
  EXPECT_FALSE(disk_.exists(version_path(1998)));
  EXPECT_FALSE(disk_.exists(version_path(1999)));
  EXPECT_TRUE(disk_.exists(version_path(2000)));
  EXPECT_TRUE(disk_.exists(version_path(2001)));
}

TEST(DeltaStats, LongTextsAreCutSoThatTheyStayBounds) {
  const std::string a(40, 'a');
  EXPECT_EQ(lake::cut_down(a), std::string(32, 'a'));
  EXPECT_EQ(lake::cut_up(a), std::string(31, 'a') + "b");
  EXPECT_EQ(lake::cut_up("short"), "short");
  std::string accents;
  for (int i = 0; i < 33; ++i) accents += "é";
  EXPECT_EQ(lake::cut_down(accents).size(), 64U);
  EXPECT_EQ(lake::cut_up(accents), accents.substr(0, 62) + "ê");
  EXPECT_EQ(lake::cut_up(std::string(31, 'a') + "\x7f" + "z"), std::string(31, 'a') + "\u0080");
  EXPECT_EQ(lake::cut_up(std::string(31, 'a') + "\uD7FF" + "z"), std::string(31, 'a') + "\uE000");
  EXPECT_EQ(lake::cut_up(std::string(31, 'a') + "\U0010FFFF" + "z"), std::string(30, 'a') + "b");
  std::string greatest;
  for (int i = 0; i < 33; ++i) greatest += "\U0010FFFF";
  EXPECT_EQ(lake::cut_up(greatest), std::nullopt);
}

}  // namespace
}  // namespace adweave::engine
