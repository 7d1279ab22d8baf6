// SPDX-License-Identifier: Apache-2.0
// What changes a ledger besides the main job: rejects decoded again, days that go and close. Killed
// at every step too.
#include "engine/replay.h"

#include <random>

#include "base/time.h"
#include "engine/engine_test_support.h"
#include "engine/retention.h"
#include "tests/support/times.h"

namespace adweave::engine {
namespace {

class ReplayTest : public EngineTest {};

// Feeds of which all clicks and every seventh impression are rejected until the mapping is right.
Job wrong_job() {
  Job job = job_of();
  job.sources[1].decoder.mapping.rows[0].fields[1].times = {
      {decode::TimeForm::Kind::pattern, "%Y/%m/%d"}};
  return job;
}

Job corrected_job(const char* holder = "corrected") {
  Job job = job_of();
  job.sources[1].mapping = "m2";
  job.holder = holder;
  job.commit_bytes = 200'000;  // a few slices each
  return job;
}

void put_rejected_feeds(SimulatedDisk& disk) {
  put_feeds(disk, 40);
  Job job = wrong_job();
  job.holder = "wrong";
  CHECK(run(disk, job, hooks()));
}

int64_t total(const ReplayReport& report, int64_t ReplayedCause::* count) {
  int64_t sum = 0;
  for (const ReplayedCause& cause : report.causes) sum += cause.*count;
  return sum;
}

TEST_F(ReplayTest, AReplayTakesWhatTheCorrectedMappingReadsAndNothingTwice) {
  SimulatedDisk disk;
  put_rejected_feeds(disk);
  const Result<ReplayReport> report = replay(disk, corrected_job(), {}, hooks());
  ASSERT_TRUE(report) << report.error().message;
  SimulatedDisk calm;
  put_feeds(calm, 40);
  must_run(calm);
  const std::string text = text_of(disk);
  const auto events_of = [](const std::string& all) {
    return lines_of(all, "clicks:") + lines_of(all, "conversions:") + lines_of(all, "impressions:");
  };
  EXPECT_EQ(events_of(text), events_of(text_of(calm)));
  EXPECT_EQ(total(*report, &ReplayedCause::accepted), (*ledger_of(calm).counts(1000))[1].accepted);
  EXPECT_EQ(total(*report, &ReplayedCause::unchanged), 6 + 4);  // {broken and bad,row
  const std::vector<ledger::Counts> all = *ledger_of(disk).counts(1000);
  for (const ledger::Counts& counts : all) {
    if (counts.source == "replay:clicks") {
      EXPECT_EQ(counts.received(), 14);
      EXPECT_EQ(counts.records_read, 14);
    }
  }
  const int64_t head = ledger_of(disk).head();
  const Result<ReplayReport> again = replay(disk, corrected_job("again"), {}, hooks());
  EXPECT_EQ(again->first_commit, 0);
  EXPECT_EQ(total(*again, &ReplayedCause::rejects), 10);
  EXPECT_EQ(ledger_of(disk).head(), head);
  EXPECT_EQ(must_run(disk).first_commit, 0);
  EXPECT_EQ(text_of(disk), text);
}

TEST_F(ReplayTest, AReplayKilledAtAnyStepIsFinishedByTheNextOne) {
  SimulatedDisk disk;
  put_rejected_feeds(disk);
  std::vector<Moment> moments;
  std::mt19937_64 luck(5);
  disk.before_change = [&](const std::string& step) {
    moments.push_back({disk.after_kill(), step});
    moments.push_back({disk.after_power_cut(&luck), step});
  };
  ASSERT_TRUE(replay(disk, corrected_job("first"), {}, hooks()));
  disk.before_change = nullptr;
  const std::string expected = text_of(disk);
  const int64_t commits = ledger_of(disk).head();
  ASSERT_GT(moments.size(), 60U);
  for (const Moment& moment : moments) {
    const Result<ReplayReport> report = replay(*moment.disk, corrected_job("second"), {}, hooks());
    ASSERT_TRUE(report) << moment.step << ": " << report.error().message;
    ASSERT_EQ(text_of(*moment.disk), expected) << moment.step;
    ASSERT_LE(ledger_of(*moment.disk).head(), commits + 1) << moment.step;
    const std::vector<std::string> snapshots = *moment.disk->list("/data/state");
    for (const std::string& name : snapshots)
      ASSERT_TRUE(moment.disk->unlink("/data/state/" + name));
    ASSERT_EQ(must_run(*moment.disk).first_commit, 0) << moment.step;
  }
}

// A row without an id is told from its equals by counting them in its file.
TEST_F(ReplayTest, AReplayedRowIsCountedAmongTheEqualRowsOfItsFile) {
  const auto text = [](int count, const char* user) {
    std::string rows;
    for (int i = 0; i < count; ++i)
      rows += fmt::format("{{\"t\":\"{}\",\"u\":\"{}\",\"c\":\"k\"}}\n", time_of(1), user);
    return rows;
  };
  SimulatedDisk disk;
  Job job = job_of();
  job.sources.resize(1);
  job.sources[0].decoder.event_bytes_max = 60;
  disk.put("/in/impressions.ndjson",
           text(2, "u") + text(1, "u\"                              ,\"z\":\"") + text(1, "v"),
           kReceived);
  must_run(disk, job);
  EXPECT_EQ((*ledger_of(disk).counts(9))[0].rejected, 1);
  job.sources[0].decoder.event_bytes_max = 1000;
  job.sources[0].decoder.mapping.unread = decode::Unread::drop;
  const Result<ReplayReport> report = replay(disk, job, {}, hooks());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(total(*report, &ReplayedCause::accepted), 1);
  EXPECT_NE(text_of(disk).find(".3 event_time"), std::string::npos) << text_of(disk);
}

TEST_F(ReplayTest, ARejectThatFailsInAnotherWayStaysOpenWithOneMoreAttempt) {
  SimulatedDisk disk;
  put_rejected_feeds(disk);
  Job job = corrected_job();
  job.sources[1].decoder.mapping.rows[0].fields[1].from = {"nowhere"};
  ASSERT_TRUE(replay(disk, job, {"clicks", "bad_time"}, hooks()));
  const std::string text = text_of(disk);
  EXPECT_NE(text.find("reason=missing_field"), std::string::npos);
  EXPECT_NE(text.find("attempt=2 state=open sign=1"), std::string::npos);
  EXPECT_EQ(text.find("state=replayed"), std::string::npos);
  EXPECT_EQ(replay(disk, job, {}, hooks())->first_commit, 0);
  const Result<ReplayReport> report = replay(disk, corrected_job("good"), {"clicks", ""}, hooks());
  EXPECT_GT(total(*report, &ReplayedCause::accepted), 0);
  EXPECT_EQ(replay(disk, corrected_job("good2"), {"clicks", ""}, hooks())->first_commit, 0);
}

using tests::kNov1;

std::string clicks_at(const std::vector<int64_t>& times) {
  std::string clicks = "id,t,u,c\n";
  for (const int64_t time : times)
    clicks += fmt::format("n{},{},u1,camp0\n", time, format_time(time));
  return clicks;
}

TEST_F(ReplayTest, AnEventBeforeTheOldestRetainedDayIsRejected) {
  SimulatedDisk disk;
  put_feeds(disk, 30);
  must_run(disk);
  ASSERT_TRUE(retain(disk, *writer_of(disk, "retain"), kNov1, kReceived));
  disk.put("/in/clicks2.csv", clicks_at({kNov1 - 1, kNov1, kNov1 + 1}), kReceived);
  const RunReport report = must_run(disk);
  EXPECT_EQ(report.counts[0].accepted, 2);
  EXPECT_EQ(report.counts[0].rejected, 1);
  const std::string text = text_of(disk);
  EXPECT_NE(text.find("reason=older_than_retention"), std::string::npos);
}

TEST_F(ReplayTest, RetentionOnlyMovesForward) {
  SimulatedDisk disk;
  put_feeds(disk, 30);
  must_run(disk);
  ASSERT_TRUE(retain(disk, *writer_of(disk, "b"), kNov1, kReceived));
  EXPECT_EQ(retain(disk, *writer_of(disk, "c"), kNov1 - limits::kDayUs, kReceived).error().code,
            ErrorCode::usage);
  EXPECT_EQ(retain(disk, *writer_of(disk, "d"), kReceived + limits::kDayUs, kReceived).error().code,
            ErrorCode::usage);
  const int64_t head = ledger_of(disk).head();
  EXPECT_TRUE(retain(disk, *writer_of(disk, "e"), kNov1, kReceived)->done);
  EXPECT_EQ(ledger_of(disk).head(), head);
}

TEST_F(ReplayTest, ARetentionKilledAtAnyStepIsFinishedByTheNextRun) {
  std::vector<std::unique_ptr<SimulatedDisk>> moments;
  const int64_t next_day = kNov1 + limits::kDayUs;
  SimulatedDisk disk;
  put_feeds(disk, 30);
  must_run(disk);
  disk.before_change = [&](const std::string&) { moments.push_back(disk.after_kill()); };
  ASSERT_TRUE(retain(disk, *writer_of(disk, "first"), next_day, kReceived + limits::kDayUs));
  disk.before_change = nullptr;
  const std::string expected = text_of(disk);
  EXPECT_EQ(lines_of(expected, "clicks:"), "");
  const int64_t accepted = (*ledger_of(disk).counts(1000))[0].accepted;
  EXPECT_EQ(ledger_of(disk).gone_rows(1000)->at("impressions"), accepted);
  for (const auto& moment : moments) {
    ASSERT_TRUE(
        retain(*moment, *writer_of(*moment, "second"), next_day, kReceived + limits::kDayUs));
    ASSERT_EQ(text_of(*moment), expected);
    ASSERT_TRUE(ledger::verify_files(*moment, "/data", ledger_of(*moment), {}).problems.empty());
    ASSERT_EQ(moment->list("/data/lake/clicks/_recent/dt=2023-11-01")->size(), 0U);
    ASSERT_EQ(must_run(*moment).first_commit, 0);
  }
}

TEST_F(ReplayTest, ClosedDaysOnlyMoveForward) {
  SimulatedDisk disk;
  put_feeds(disk, 30);
  must_run(disk);
  EXPECT_TRUE(*close_days(*writer_of(disk, "a"), kNov1, kReceived));
  EXPECT_FALSE(*close_days(*writer_of(disk, "b"), kNov1, kReceived));
  EXPECT_EQ(close_days(*writer_of(disk, "c"), kNov1 - limits::kDayUs, kReceived).error().code,
            ErrorCode::usage);
  EXPECT_EQ(close_days(*writer_of(disk, "d"), kNov1 + limits::kDayUs, kReceived).error().code,
            ErrorCode::usage);
  EXPECT_EQ(ledger_of(disk).closed_through(), kNov1);
}

}  // namespace
}  // namespace adweave::engine
