// SPDX-License-Identifier: Apache-2.0
// Sealing and merging beside commits: no commit waits for it, no row changes, whatever comes
// between.
#include "engine/background_merge.h"

#include <set>
#include <utility>

#include "engine/live_test_support.h"
#include "engine/retention.h"
#include "engine/seal.h"
#include "tests/support/times.h"

namespace adweave::engine {
namespace {

using tests::kNov1;

constexpr const char* kDay = "2023-11-01";

Job clicks_job() {
  Job job = job_of();
  for (SourceJob& source : job.sources) source.files.clear();
  job.commit_bytes = 1;  // each delivery is committed at once
  return job;
}

// Calls `on_sealed_file` when a sealed file is begun, on the thread that does so.
class WatchedDisk : public SimulatedDisk {
 public:
  Result<std::unique_ptr<File>> create_exclusive(const std::string& path) override {
    if (path.find("/_sealed/") != std::string::npos && on_sealed_file) on_sealed_file();
    return SimulatedDisk::create_exclusive(path);
  }
  std::function<void()> on_sealed_file;
};

class BackgroundMergeTest : public ::testing::Test {
 protected:
  void start(Job job = clicks_job()) {
    server_ = std::make_unique<LiveServer>(disk_, std::move(job));
    merge_ = std::make_unique<BackgroundMerge>(disk_, server_->live(), hooks());
  }
  void TearDown() override { stop(); }
  void stop() {
    merge_.reset();
    server_.reset();
  }

  MergeHooks hooks() {
    return {[this] { return now_.load(); },
            [this](const MergedDay& day) { sealed_.push_back(day.date); },
            [this](const Error& error) { troubles_.push_back(error.message); }};
  }

  // A commit each.
  void click(int first, int count, const char* day = kDay) {
    for (int i = first; i < first + count; ++i) {
      server_->deliver(
          {"clicks", fmt::format("b{}", i), kReceived,
           fmt::format("id,t,u,c\nc{},{}T08:{:02}:00Z,u{},camp\n", i, day, i % 60, i)});
      server_->settle();
    }
  }

  std::vector<MergedDay> must_seal() {
    const auto days = merge_->seal(true, 1);
    if (!days) ADD_FAILURE() << days.error().message;
    return days ? *days : std::vector<MergedDay>();
  }

  void expect_clicks(size_t count) const {
    const std::multiset<std::string> ids = ids_of(disk_, "clicks");
    EXPECT_EQ(ids.size(), count);
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), count);
    EXPECT_TRUE(verify_files(disk_, "/data", ledger_of(disk_), {}).problems.empty());
  }

  std::vector<event::DataFile> live(std::string_view table) const {
    const ledger::Ledger ledger = ledger_of(disk_);
    return ledger.live_files(table, ledger.head());
  }

  WatchedDisk disk_;
  std::atomic<int64_t> now_ = kReceived;
  std::vector<std::string> sealed_;
  std::vector<std::string> troubles_;
  std::unique_ptr<LiveServer> server_;
  std::unique_ptr<BackgroundMerge> merge_;
};

TEST_F(BackgroundMergeTest, CommitsGoOnWhileADayIsSealed) {
  start();
  click(0, 10);
  int late = 0;
  disk_.on_sealed_file = [&] {
    if (std::exchange(late, 1) == 0)
      click(10, 40);  // each is waited for; a run merges some of them
  };
  const std::vector<MergedDay> days = must_seal();
  ASSERT_EQ(days.size(), 1U);
  EXPECT_EQ(late, 1);
  stop();
  expect_clicks(50);
  const ledger::Ledger ledger = ledger_of(disk_);
  int64_t sealed_rows = 0;
  int64_t first_late = ledger.head();
  for (const event::DataFile& file : live("clicks")) {
    if (file.is_sealed())
      sealed_rows += file.rows;
    else
      first_late = std::min(first_late, file.first_commit);
  }
  EXPECT_EQ(sealed_rows, 10);
  EXPECT_LT(ledger.sealed_days().at(kDay), first_late);  // and does not claim what came meanwhile
  EXPECT_EQ(ledger.record(days[0].commit)->kind, "seal");
}

// What others take away is not merged once more.
TEST_F(BackgroundMergeTest, ARunDoesNotMergeWhatWasSealedOrCompacted) {
  start();
  click(0, 15);
  ASSERT_TRUE(merge_->compact(1));
  click(15, 15);
  must_seal();
  click(30, 70);
  ASSERT_TRUE(server_->live().ask([&](ledger::LedgerWriter& writer) {
    const auto days = seal(disk_, writer, true, {1, [] { return kReceived; }, {}});
    return days ? Status() : Status(days.error());
  }));
  click(100, 70);
  stop();
  expect_clicks(170);
  int64_t merges = 0;
  const ledger::Ledger ledger = ledger_of(disk_);
  ASSERT_TRUE(ledger.visit_records(1, ledger.head(), [&](const ledger::CommitRecord& record) {
    merges += record.kind == "compact" ? 1 : 0;
    return Status();
  }));
  EXPECT_GT(merges, 3);
}

TEST_F(BackgroundMergeTest, ADayIsDueOnceItIsOverAndItsOldestRowIsAsOld) {
  // The server's clock stands at kReceived: rows are committed then, in the afternoon of 1
  // November.
  start();
  click(0, 3);
  now_ = kReceived + 4 * limits::kDayUs;
  merge_->seal_due(5 * limits::kDayUs);
  EXPECT_TRUE(sealed_.empty());  // over for three days
  now_ = kNov1 + 2 * limits::kDayUs - 1;
  merge_->seal_due(limits::kDayUs);
  EXPECT_TRUE(sealed_.empty());
  now_ = kNov1 + 2 * limits::kDayUs;
  merge_->seal_due(limits::kDayUs);
  EXPECT_EQ(sealed_, std::vector<std::string>{kDay});
  EXPECT_EQ(merge_->progress().sealed, 1);
  EXPECT_EQ(merge_->progress().waiting, 0);
  EXPECT_EQ(merge_->progress().failures, 0);
  EXPECT_GT(merge_->progress().duration_us, 0);

  click(3, 2, "2023-10-01");  // a day long over, but its rows have only just come
  now_ = kReceived + limits::kDayUs - 1;
  merge_->seal_due(limits::kDayUs);
  EXPECT_EQ(sealed_.size(), 1U);
  now_ = kReceived + limits::kDayUs;
  merge_->seal_due(limits::kDayUs);
  EXPECT_EQ(sealed_, (std::vector<std::string>{kDay, "2023-10-01"}));
  stop();
  expect_clicks(5);
}

TEST_F(BackgroundMergeTest, ADamagedDayStopsNoOtherAndIsTriedAgainLater) {
  start();
  click(0, 2, "2023-10-01");
  click(2, 2, "2023-10-02");
  const std::string path = "/data/" + live("clicks")[0].path;
  const std::string whole = *read_file(disk_, path, limits::kMiB);
  std::string bytes = whole;
  bytes[bytes.size() / 2] ^= 1;
  disk_.put(path, bytes, 0);
  now_ = kReceived + 2 * limits::kDayUs;
  merge_->seal_due(limits::kDayUs);
  EXPECT_EQ(sealed_, (std::vector<std::string>{"2023-10-02", kDay}));  // kDay: rows of `audit`
  ASSERT_EQ(troubles_.size(), 1U);
  EXPECT_NE(troubles_[0].find(path), std::string::npos);
  EXPECT_EQ(merge_->progress().waiting, 1);
  EXPECT_EQ(merge_->progress().failures, 1);
  merge_->seal_due(limits::kDayUs);
  EXPECT_EQ(troubles_.size(), 1U);
  disk_.put(path, whole, 0);
  now_ = now_ + limits::kSealRetryUs;
  merge_->seal_due(limits::kDayUs);
  EXPECT_EQ(sealed_.back(), "2023-10-01");
  stop();
  expect_clicks(4);
}

TEST_F(BackgroundMergeTest, WhatASealReplacedIsRemovedAWeekLater) {
  start();
  click(0, 3);
  const std::string replaced = "/data/" + live("clicks")[0].path;
  now_ = kReceived + 2 * limits::kDayUs;
  merge_->seal_due(limits::kDayUs);
  EXPECT_TRUE(disk_.exists(replaced));
  now_ = now_ + limits::kVacuumGraceUs;
  merge_->seal_due(limits::kDayUs);
  EXPECT_FALSE(disk_.exists(replaced));
  stop();
  expect_clicks(3);
}

TEST_F(BackgroundMergeTest, AnEndGivesUpTheDayThatIsBeingSealed) {
  start();
  click(0, 3);
  disk_.on_sealed_file = [&] { merge_->stop(); };
  EXPECT_FALSE(merge_->seal(true, 1));
  stop();
  expect_clicks(3);
  for (const event::DataFile& file : live("")) EXPECT_FALSE(file.is_sealed());
}

TEST_F(BackgroundMergeTest, AnEndOfTheServerEndsIt) {
  start();
  click(0, 3);
  EXPECT_TRUE(server_->live().ask(
      [](ledger::LedgerWriter&) { return Status(Error{ErrorCode::io, "the disk is gone"}); }));
  EXPECT_FALSE(server_->wait());
  merge_->begin(0);
  EXPECT_FALSE(merge_->seal(true, 1));
  merge_->stop();
  expect_clicks(3);
}

// A day that a retention commit takes away while it is sealed.
TEST_F(BackgroundMergeTest, WhatWasTakenAwayMeanwhileDoesNotComeBack) {
  start();
  click(0, 3, "2023-10-31");
  click(3, 3);
  bool is_done = false;
  disk_.on_sealed_file = [&] {
    if (std::exchange(is_done, true)) return;
    ASSERT_TRUE(server_->live().ask([&](ledger::LedgerWriter& writer) {
      const auto plan = retain(disk_, writer, kNov1, kReceived);
      return plan ? Status() : Status(plan.error());
    }));
  };
  const auto days = merge_->seal(true, 1);
  EXPECT_TRUE(is_done);
  disk_.on_sealed_file = {};
  must_seal();
  stop();
  expect_clicks(3);
  EXPECT_FALSE(ledger_of(disk_).sealed_days().contains("2023-10-31"));
}

class BackgroundMergeCrashTest : public BackgroundMergeTest,
                                 public ::testing::WithParamInterface<bool> {};

TEST_P(BackgroundMergeCrashTest, NoRowIsLostOrDoubledAtAnyStep) {
  std::vector<Moment> moments;
  start();
  click(0, 4);
  std::mt19937_64 luck(7);
  disk_.before_change = [&](const std::string& step) {
    const bool unlucky = moments.size() % 2 == 0;
    moments.push_back(
        {GetParam() ? disk_.after_power_cut(unlucky ? nullptr : &luck) : disk_.after_kill(), step});
  };
  bool is_late = false;
  disk_.on_sealed_file = [&] {
    if (!std::exchange(is_late, true)) click(4, 2);
  };
  must_seal();
  ASSERT_TRUE(merge_->compact(1));
  stop();
  disk_.before_change = {};
  ASSERT_GT(moments.size(), 60U);
  for (size_t i = 0; i < moments.size() && !HasFailure(); i += 5) {
    Moment& moment = moments[i];
    Job job = clicks_job();
    job.holder = "second";
    {
      LiveServer server(*moment.disk, job);
      server.settle();
      BackgroundMerge merge(*moment.disk, server.live(), {[] { return kReceived; }, {}, {}});
      const auto sealed = merge.seal(true, 1);
      ASSERT_TRUE(sealed) << sealed.error().message << " at " << moment.step;
    }
    const std::multiset<std::string> ids = ids_of(*moment.disk, "clicks");
    EXPECT_GE(ids.size(), 4U) << moment.step;
    EXPECT_EQ(ids.size(), std::set<std::string>(ids.begin(), ids.end()).size()) << moment.step;
    const ledger::Ledger ledger = ledger_of(*moment.disk);
    EXPECT_TRUE(verify_files(*moment.disk, "/data", ledger, {}).problems.empty()) << moment.step;
    // What the kill left of a seal is swept away.
    size_t sealed_files = 0;
    size_t on_disk = 0;
    for (const event::DataFile& file : ledger.live_files("clicks", ledger.head()))
      sealed_files += file.is_sealed() ? 1 : 0;
    const auto names = moment.disk->list(fmt::format("/data/lake/clicks/_sealed/dt={}", kDay));
    if (names) on_disk = names->size();
    EXPECT_EQ(on_disk, sealed_files) << moment.step;
  }
}

INSTANTIATE_TEST_SUITE_P(KillAndPowerCut, BackgroundMergeCrashTest, ::testing::Bool());

}  // namespace
}  // namespace adweave::engine
