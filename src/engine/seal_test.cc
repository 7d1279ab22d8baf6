// SPDX-License-Identifier: Apache-2.0
// Sealing, merging and vacuum change no row, whatever is asked of the ledger afterwards. Kill and
// power cut at every step: tests/simulation. That other programs read sealed days:
// tests/integration/test_seal.py.
#include "engine/seal.h"

#include <algorithm>

#include "base/json.h"
#include "engine/engine_test_support.h"
#include "engine/retention.h"
#include "engine/vacuum.h"
#include "tests/support/times.h"

namespace adweave::engine {
namespace {

using tests::kNov1;

class SealTest : public EngineTest {
 protected:
  void SetUp() override {
    put_feeds(disk_, 60);
    must_run(disk_);
  }

  // It lives as long as the statement.
  std::unique_ptr<ledger::LedgerWriter> writer() { return writer_of(disk_, "upkeep"); }
  static UpkeepOptions at(int64_t now) {
    return {1, [now] { return now; }, {}};
  }

  std::vector<MergedDay> must_seal(bool all = true) {
    const auto days = seal(disk_, *writer(), all, at(kReceived));
    if (!days) ADD_FAILURE() << days.error().message;
    return days ? *days : std::vector<MergedDay>();
  }

  // Adds a click to the feeds' day and runs.
  static void run_with_click(SimulatedDisk& disk, const std::string& id) {
    disk.put("/in/clicks-" + id + ".csv", "id,t,u,c\n" + id + ",2023-11-01T08:00:00Z,u1,camp1\n",
             kReceived);
    must_run(disk);
  }

  static void forget_state(SimulatedDisk& disk) {
    const auto names = disk.list("/data/state");
    for (const std::string& name : *names) {
      if (!name.ends_with(".snapshot")) continue;
      EXPECT_TRUE(disk.unlink("/data/state/" + name));
    }
  }

  std::vector<event::DataFile> live(std::string_view table) const {
    const ledger::Ledger ledger = ledger_of(disk_);
    return ledger.live_files(table, ledger.head());
  }

  SimulatedDisk disk_;
};

TEST_F(SealTest, NoRowChanges) {
  const std::string before = text_of(disk_);
  ASSERT_GT(live("impressions").size(), 1U);
  const auto merged = compact(disk_, *writer(), at(kReceived));
  ASSERT_TRUE(merged) << merged.error().message;
  ASSERT_EQ(merged->size(), 1U);
  EXPECT_EQ(text_of(disk_), before);
  EXPECT_EQ(live("impressions").size(), 1U);
  EXPECT_FALSE(live("impressions")[0].is_sealed());
  EXPECT_LT(live("impressions")[0].first_commit, live("impressions")[0].commit);

  ASSERT_EQ(must_seal().size(), 1U);
  EXPECT_EQ(text_of(disk_), before);
  ASSERT_EQ(live("impressions").size(), 1U);
  EXPECT_TRUE(live("impressions")[0].is_sealed());
  EXPECT_TRUE(must_seal().empty());
  EXPECT_TRUE(verify_files(disk_, "/data", ledger_of(disk_), {}).problems.empty());
}

TEST_F(SealTest, WhatComesLateIsSealedBesideWhatIsThere) {
  must_seal();
  const event::DataFile first = live("clicks")[0];
  const std::string folder = parent_path("/data/" + event::published_path(first));
  const auto complete = [&] {
    const auto text = read_file(disk_, folder + "/_complete.json", limits::kKiB);
    return *parse_json(*text)->int_at("through_commit");
  };
  EXPECT_EQ(complete(), ledger_of(disk_).head() - 1);
  run_with_click(disk_, "late");
  EXPECT_EQ(live("clicks").size(), 2U);
  EXPECT_EQ(disk_.list(folder)->size(), 2U);  // the file and _complete.json
  const std::string before = text_of(disk_);
  must_seal();
  EXPECT_EQ(text_of(disk_), before);
  const auto files = live("clicks");
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].path, first.path);
  EXPECT_EQ(disk_.list(folder)->size(), 3U);
  EXPECT_EQ(complete(), ledger_of(disk_).head() - 1);
}

TEST_F(SealTest, ADayIsSealedOnceItHasBeenOverForADay) {
  const auto sealed_at = [&](int64_t now) {
    const auto days = seal(disk_, *writer(), false, at(now));
    return days ? days->size() : 99;
  };
  EXPECT_EQ(sealed_at(kNov1 + 2 * limits::kDayUs - 1), 0U);
  EXPECT_EQ(sealed_at(kNov1 + 2 * limits::kDayUs), 1U);
}

// The state is made of sealed and merged files alone, and goes on as the state before them does.
TEST_F(SealTest, ARunGoesOnFromSealedFilesAsFromTheOthers) {
  const std::unique_ptr<SimulatedDisk> calm = disk_.after_kill();
  must_seal();
  ASSERT_TRUE(vacuum(disk_, *writer(), 0, kReceived, false));
  run_with_click(disk_, "late");
  run_with_click(*calm, "late");
  ASSERT_TRUE(compact(disk_, *writer(), at(kReceived)));
  for (SimulatedDisk* disk : {&disk_, calm.get()}) {
    forget_state(*disk);
    put_feeds(*disk, 90);  // every file grows: repeats, occurrences, new touches and conversions
    must_run(*disk);
  }
  EXPECT_EQ(text_of(disk_), text_of(*calm));
}

TEST_F(SealTest, ADamagedFileIsNotSealed) {
  const std::string path = "/data/" + live("clicks")[0].path;
  std::string bytes = *read_file(disk_, path, limits::kMiB);
  bytes[bytes.size() / 2] ^= 1;
  disk_.put(path, bytes, 0);
  const auto sealed = seal(disk_, *writer(), true, at(kReceived));
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().code, ErrorCode::corrupt);
  EXPECT_NE(sealed.error().message.find(path), std::string::npos);
  EXPECT_TRUE(ledger_of(disk_).superseded().empty());
}

TEST_F(SealTest, VacuumWaitsForItsGrace) {
  const auto count = [&](int64_t grace, int64_t now, bool dry_run) {
    return *vacuum(disk_, *writer(), grace, now, dry_run);
  };
  const size_t files = live("").size();
  must_seal();
  EXPECT_EQ(count(10, kReceived + 9, false).files, 0);
  EXPECT_EQ(count(10, kReceived + 9, false).files_left, static_cast<int64_t>(files));
  EXPECT_EQ(count(10, kReceived + 10, true).files, static_cast<int64_t>(files));
  EXPECT_EQ(count(10, kReceived + 10, false).files, static_cast<int64_t>(files));
  EXPECT_EQ(count(10, kReceived + 10, false).files, 0);
  run_with_click(disk_, "later");  // begins an epoch: what is left of old ones is swept away
  EXPECT_TRUE(verify_files(disk_, "/data", ledger_of(disk_), {}).problems.empty());
}

TEST_F(SealTest, RetentionTakesSealedDaysAndTheirPlainFolders) {
  must_seal();
  const std::string plain = "/data/" + event::published_path(live("clicks")[0]);
  const auto accepted = *ledger_of(disk_).counts(ledger_of(disk_).head());
  ASSERT_TRUE(retain(disk_, *writer(), kNov1 + limits::kDayUs, kReceived + limits::kDayUs));
  EXPECT_TRUE(live("clicks").empty());
  EXPECT_FALSE(disk_.exists(plain));
  EXPECT_TRUE(ledger_of(disk_).sealed_days().empty());
  const auto gone = *ledger_of(disk_).gone_rows(ledger_of(disk_).head());
  for (const ledger::Counts& counts : accepted)
    EXPECT_EQ(gone.at(counts.source), counts.accepted) << counts.source;
}

}  // namespace
}  // namespace adweave::engine
