// SPDX-License-Identifier: Apache-2.0
// The main job on a simulated disk: conservation, idempotence, determinism, and recovery from a
// power cut at every step.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/time.h"
#include "engine/job.h"
#include "engine/ledger_text.h"
#include "engine/replay.h"
#include "engine/retention.h"
#include "ledger/writer.h"
#include "tests/support/simulated_disk.h"

namespace adweave::engine {
namespace {

using event::Field;
using event::Kind;
using tests::SimulatedDisk;

constexpr int64_t kReceived = 1'698'850'000'000'000;

decode::FieldRule field(Field name, const char* path) {
  decode::FieldRule rule;
  rule.field = name;
  rule.from = {path};
  return rule;
}

SourceJob source(const char* name, decode::Format format, Kind kind, const char* file,
                 std::vector<decode::FieldRule> fields) {
  SourceJob job;
  job.decoder.source = name;
  job.decoder.format = format;
  decode::RowRule row;
  row.kind = kind;
  row.fields = std::move(fields);
  job.decoder.mapping.rows = {row};
  job.files = {file};
  job.mapping = "m1";
  return job;
}

Job job_of() {
  Job job;
  job.data = "/data";
  job.folder = "/in";
  job.configuration = "c1";
  job.holder = "first";
  job.program = "test";
  job.sources = {
      source("impressions", decode::Format::json, Kind::impression, "impressions*.ndjson",
             {field(Field::event_time, "t"), field(Field::user_id, "u"),
              field(Field::creative_id, "c")}),
      source("clicks", decode::Format::csv, Kind::click, "clicks*.csv",
             {field(Field::event_id, "id"), field(Field::event_time, "t"),
              field(Field::user_id, "u"), field(Field::campaign_id, "c")}),
      source("conversions", decode::Format::csv, Kind::conversion, "conversions*.csv",
             {field(Field::event_id, "id"), field(Field::event_time, "t"),
              field(Field::user_id, "u"), field(Field::conversion_type, "type"),
              field(Field::value, "value"), field(Field::currency, "cur")})};
  job.slice_bytes = 300;
  job.commit_bytes = 900;
  return job;
}

std::string time_of(int minute) {
  return fmt::format("2023-11-01T{:02}:{:02}:00Z", 8 + minute / 60, minute % 60);
}

// Rows with repeats, conflicts and rejects in every feed.
void put_feeds(SimulatedDisk& disk, int count) {
  std::string impressions;
  std::string clicks = "id,t,u,c\n";
  std::string conversions = "id,t,u,type,value,cur\n";
  for (int i = 0; i < count; ++i) {
    impressions +=
        fmt::format("{{\"t\":\"{}\",\"u\":\"u{}\",\"c\":\"k{}\"}}\n", time_of(i / 2), i % 5, i % 3);
    if (i % 7 == 0) impressions += "{broken\n";
    if (i % 3 == 0)
      clicks += fmt::format("c{},{},u{},camp{}\n", i / 6 * 6, time_of(i + 1), i % 5, i % 2);
    if (i % 11 == 0) clicks += "bad,row\n";
    if (i % 4 == 0)
      conversions += fmt::format("v{},{},u{},buy,{}.5,EUR\n", i, time_of(i + 3), i % 5, i);
  }
  disk.put("/in/impressions.ndjson", impressions, kReceived);
  disk.put("/in/clicks.csv", clicks, kReceived);
  disk.put("/in/conversions.csv", conversions, kReceived);
}

RunHooks hooks() {
  return {[] { return kReceived; }, {}, {}};
}

// A disk as it was before one step of a run.
struct Moment {
  std::unique_ptr<SimulatedDisk> disk;
  std::string step;
};

class EngineTest : public ::testing::Test {
 protected:
  static RunReport must_run(SimulatedDisk& disk, const Job& job = job_of()) {
    Result<RunReport> report = run(disk, job, hooks());
    if (!report) ADD_FAILURE() << report.error().message;
    CHECK(report);
    return *std::move(report);
  }
  static ledger::Ledger ledger_of(const SimulatedDisk& disk) {
    return *ledger::Ledger::open(disk, "/data");
  }
  static std::string text_of(const SimulatedDisk& disk) {
    const Result<std::string> text = ledger_text(disk, "/data");
    CHECK(text);
    return *text;
  }
};

TEST_F(EngineTest, EveryRecordIsCountedOnce) {
  SimulatedDisk disk;
  put_feeds(disk, 60);
  const RunReport report = must_run(disk);
  ASSERT_EQ(report.counts.size(), 3U);
  EXPECT_EQ(report.counts[0].records_read, 60 + 9);
  EXPECT_EQ(report.counts[0].received(), 60 + 9);
  EXPECT_EQ(report.counts[0].rejected, 9);
  EXPECT_GT(report.counts[1].conflict, 0);
  EXPECT_GT(report.last_commit, report.first_commit);
  const ledger::Ledger ledger = ledger_of(disk);
  int64_t rows = 0;
  for (const auto& file : ledger.live_files("clicks", ledger.head())) rows += file.rows;
  EXPECT_EQ(rows, report.counts[1].accepted);
  EXPECT_TRUE(ledger::verify_files(disk, "/data", ledger, {}).problems.empty());
}

TEST_F(EngineTest, ASecondRunAddsNothingAndWritesNothing) {
  SimulatedDisk disk;
  put_feeds(disk, 30);
  must_run(disk);
  const int64_t head = ledger_of(disk).head();
  const std::string text = text_of(disk);
  const RunReport again = must_run(disk);
  EXPECT_EQ(again.first_commit, 0);
  EXPECT_EQ(again.files_known, 3);
  EXPECT_EQ(ledger_of(disk).head(), head);
  disk.put("/in/clicks-copy.csv", *read_file(disk, "/in/clicks.csv", 1 << 20), kReceived + 5);
  EXPECT_EQ(must_run(disk).first_commit, 0);
  EXPECT_EQ(text_of(disk), text);
}

TEST_F(EngineTest, AnOverlappingFileAddsOnlyWhatIsNew) {
  SimulatedDisk disk;
  put_feeds(disk, 30);
  must_run(disk);
  std::string impressions = *read_file(disk, "/in/impressions.ndjson", 1 << 20);
  impressions = impressions.substr(impressions.find('\n') + 1);
  disk.put("/in/impressions-overlap.ndjson", impressions, kReceived);
  const RunReport report = must_run(disk);
  EXPECT_EQ(report.counts[0].accepted, 0);
  EXPECT_EQ(report.counts[0].duplicate, 29);
}

// The lines of a text that begin with `prefix`.
std::string lines_of(const std::string& text, std::string_view prefix) {
  std::string lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin) + 1;
    if (text.substr(begin, prefix.size()) == prefix) lines += text.substr(begin, end - begin);
    begin = end;
  }
  return lines;
}

TEST_F(EngineTest, AFileThatGrewGoesOn) {
  SimulatedDisk whole;
  put_feeds(whole, 60);
  must_run(whole);
  SimulatedDisk grown;
  put_feeds(grown, 60);
  const std::string all = *read_file(grown, "/in/impressions.ndjson", 1 << 20);
  for (const size_t part : {size_t{3}, size_t{2}, size_t{1}}) {
    const size_t end = all.find('\n', all.size() / part - 1) + 1;
    grown.put("/in/impressions.ndjson", all.substr(0, end), kReceived);
    must_run(grown);
  }
  EXPECT_EQ(lines_of(text_of(grown), "impressions:"), lines_of(text_of(whole), "impressions:"));
}

// Every file of the lake, by name.
std::map<std::string, std::string> lake_bytes(const SimulatedDisk& disk) {
  std::map<std::string, std::string> files;
  const ledger::Ledger ledger = *ledger::Ledger::open(disk, "/data");
  for (const auto& file : ledger.live_files("", ledger.head())) {
    files[file.path] = *read_file(disk, "/data/" + file.path, 1 << 24);
  }
  return files;
}

TEST_F(EngineTest, AnyNumberOfThreadsGivesTheSameBytes) {
  std::map<std::string, std::string> expected;
  for (const int threads : {1, 2, 4}) {
    SimulatedDisk disk;
    put_feeds(disk, 200);
    Job job = job_of();
    job.threads = threads;
    must_run(disk, job);
    if (threads == 1) expected = lake_bytes(disk);
    EXPECT_GT(expected.size(), 10U);
    EXPECT_EQ(lake_bytes(disk), expected);
  }
}

TEST_F(EngineTest, ABadConfigurationTouchesNoDataFolder) {
  SimulatedDisk disk;
  Job job = job_of();
  EXPECT_TRUE(run(disk, job, hooks()).error().code == ErrorCode::not_found);
  put_feeds(disk, 3);
  job.sources[0].decoder.mapping.rows.clear();
  EXPECT_EQ(run(disk, job, hooks()).error().code, ErrorCode::config);
  EXPECT_FALSE(disk.exists("/data"));
}

TEST_F(EngineTest, AChangedDimensionFileIsAVersionOfItsOwn) {
  SimulatedDisk disk;
  put_feeds(disk, 10);
  Job job = job_of();
  job.dimensions["creatives"] = "creatives.csv";
  disk.put("/in/creatives.csv", "creative_id,campaign_id\nk0,camp0\n", 0);
  must_run(disk, job);
  EXPECT_NE(text_of(disk).find("camp0"), std::string::npos);
  EXPECT_EQ(must_run(disk, job).first_commit, 0);
  disk.put("/in/creatives.csv", "creative_id,campaign_id\nk0,camp1\n", 0);
  must_run(disk, job);
  EXPECT_EQ(ledger_of(disk).records().back().kind, "dimensions");
  EXPECT_EQ(*read_file(disk, "/data/" + ledger_of(disk).dimensions(1000)["creatives"].path, 1000),
            "creative_id,campaign_id\nk0,camp1\n");
}

TEST_F(EngineTest, WithoutItsSnapshotTheStateIsTheSame) {
  const auto run_on = [](const std::function<void(SimulatedDisk&)>& disturb) {
    SimulatedDisk disk;
    put_feeds(disk, 30);
    must_run(disk);
    disturb(disk);
    disk.put("/in/clicks2.csv",
             "id,t,u,c\nc0,2023-11-01T08:01:00Z,u0,camp0\nnew,2023-11-01T08:00:00Z,u1,camp1\n",
             kReceived);
    must_run(disk);
    return text_of(disk);
  };
  const auto snapshots = [](SimulatedDisk& disk) { return *disk.list("/data/state"); };
  const std::string with =
      run_on([&](SimulatedDisk& disk) { EXPECT_EQ(snapshots(disk).size(), 1U); });
  const std::string without = run_on([&](SimulatedDisk& disk) {
    for (const std::string& name : snapshots(disk)) ASSERT_TRUE(disk.unlink("/data/state/" + name));
  });
  const std::string damaged = run_on([&](SimulatedDisk& disk) {
    for (const std::string& name : snapshots(disk))
      disk.put("/data/state/" + name, "AWSNAP01 torn", 0);
  });
  EXPECT_EQ(without, with);
  EXPECT_EQ(damaged, with);
  EXPECT_NE(with.find("duplicates: event_id=c0"), std::string::npos);
}

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

TEST_F(EngineTest, AReplayTakesWhatTheCorrectedMappingReadsAndNothingTwice) {
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
  EXPECT_EQ(total(*report, &ReplayedCause::accepted), ledger_of(calm).counts(1000)[1].accepted);
  EXPECT_EQ(total(*report, &ReplayedCause::unchanged), 6 + 4);  // {broken and bad,row
  for (const ledger::Counts& counts : ledger_of(disk).counts(1000)) {
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

TEST_F(EngineTest, AReplayKilledAtAnyStepIsFinishedByTheNextOne) {
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
TEST_F(EngineTest, AReplayedRowIsCountedAmongTheEqualRowsOfItsFile) {
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
  EXPECT_EQ(ledger_of(disk).counts(9)[0].rejected, 1);
  job.sources[0].decoder.event_bytes_max = 1000;
  job.sources[0].decoder.mapping.unread = decode::Unread::drop;
  const Result<ReplayReport> report = replay(disk, job, {}, hooks());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(total(*report, &ReplayedCause::accepted), 1);
  EXPECT_NE(text_of(disk).find(".3 event_time"), std::string::npos) << text_of(disk);
}

TEST_F(EngineTest, ARejectThatFailsInAnotherWayStaysOpenWithOneMoreAttempt) {
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

ledger::WriterOptions options_of(const char* holder) {
  return {"/data", holder, "local", "test", false};
}

constexpr int64_t kNov1 = 1'698'796'800'000'000;

std::string clicks_at(const std::vector<int64_t>& times) {
  std::string clicks = "id,t,u,c\n";
  for (const int64_t time : times)
    clicks += fmt::format("n{},{},u1,camp0\n", time, format_time(time));
  return clicks;
}

TEST_F(EngineTest, AnEventBeforeTheOldestRetainedDayIsRejected) {
  SimulatedDisk disk;
  put_feeds(disk, 30);
  must_run(disk);
  ASSERT_TRUE(retain(disk, options_of("retain"), kNov1, kReceived));
  disk.put("/in/clicks2.csv", clicks_at({kNov1 - 1, kNov1, kNov1 + 1}), kReceived);
  const RunReport report = must_run(disk);
  EXPECT_EQ(report.counts[0].accepted, 2);
  EXPECT_EQ(report.counts[0].rejected, 1);
  const std::string text = text_of(disk);
  EXPECT_NE(text.find("reason=older_than_retention"), std::string::npos);
}

TEST_F(EngineTest, RetentionOnlyMovesForward) {
  SimulatedDisk disk;
  EXPECT_EQ(retain(disk, options_of("a"), kNov1, kReceived).error().code, ErrorCode::not_found);
  put_feeds(disk, 30);
  must_run(disk);
  ASSERT_TRUE(retain(disk, options_of("b"), kNov1, kReceived));
  EXPECT_EQ(retain(disk, options_of("c"), kNov1 - limits::kDayUs, kReceived).error().code,
            ErrorCode::usage);
  EXPECT_EQ(retain(disk, options_of("d"), kReceived + limits::kDayUs, kReceived).error().code,
            ErrorCode::usage);
  const int64_t head = ledger_of(disk).head();
  EXPECT_TRUE(retain(disk, options_of("e"), kNov1, kReceived)->done);
  EXPECT_EQ(ledger_of(disk).head(), head);
}

TEST_F(EngineTest, ARetentionKilledAtAnyStepIsFinishedByTheNextRun) {
  std::vector<std::unique_ptr<SimulatedDisk>> moments;
  const int64_t next_day = kNov1 + limits::kDayUs;
  SimulatedDisk disk;
  put_feeds(disk, 30);
  must_run(disk);
  disk.before_change = [&](const std::string&) { moments.push_back(disk.after_kill()); };
  ASSERT_TRUE(retain(disk, options_of("first"), next_day, kReceived + limits::kDayUs));
  disk.before_change = nullptr;
  const std::string expected = text_of(disk);
  EXPECT_EQ(lines_of(expected, "clicks:"), "");
  const int64_t accepted = ledger_of(disk).counts(1000)[0].accepted;
  EXPECT_EQ(ledger_of(disk).gone_rows(1000).at("impressions"), accepted);
  for (const auto& moment : moments) {
    ASSERT_TRUE(retain(*moment, options_of("second"), next_day, kReceived + limits::kDayUs));
    ASSERT_EQ(text_of(*moment), expected);
    ASSERT_TRUE(ledger::verify_files(*moment, "/data", ledger_of(*moment), {}).problems.empty());
    ASSERT_EQ(moment->list("/data/lake/clicks/_recent/dt=2023-11-01")->size(), 0U);
    ASSERT_EQ(must_run(*moment).first_commit, 0);
  }
}

TEST_F(EngineTest, ClosedDaysOnlyMoveForward) {
  SimulatedDisk disk;
  put_feeds(disk, 30);
  must_run(disk);
  EXPECT_TRUE(*close_days(disk, options_of("a"), kNov1, kReceived));
  EXPECT_FALSE(*close_days(disk, options_of("b"), kNov1, kReceived));
  EXPECT_EQ(close_days(disk, options_of("c"), kNov1 - limits::kDayUs, kReceived).error().code,
            ErrorCode::usage);
  EXPECT_EQ(close_days(disk, options_of("d"), kNov1 + limits::kDayUs, kReceived).error().code,
            ErrorCode::usage);
  EXPECT_EQ(ledger_of(disk).closed_through(), kNov1);
}

std::vector<Moment> moments_of_a_run(bool power_cut, const Job& job = job_of()) {
  SimulatedDisk disk;
  put_feeds(disk, 40);
  std::vector<Moment> moments;
  std::mt19937_64 luck(3);
  disk.before_change = [&](const std::string& step) {
    const bool unlucky = moments.size() % 2 == 0;
    moments.push_back(
        {power_cut ? disk.after_power_cut(unlucky ? nullptr : &luck) : disk.after_kill(), step});
  };
  CHECK(run(disk, job, hooks()));
  return moments;
}

// Recovers on the disk of every moment and compares with the run that nothing interrupted.
void recover_everywhere(std::vector<Moment> moments, Job job = job_of()) {
  SimulatedDisk calm;
  put_feeds(calm, 40);
  CHECK(run(calm, job_of(), hooks()));
  const std::string expected = *ledger_text(calm, "/data");
  ASSERT_GT(moments.size(), 100U);
  job.holder = "second";
  for (const Moment& moment : moments) {
    const Result<RunReport> report = run(*moment.disk, job, hooks());
    ASSERT_TRUE(report) << moment.step << ": " << report.error().message;
    const Result<std::string> text = ledger_text(*moment.disk, "/data");
    ASSERT_TRUE(text) << moment.step << ": " << text.error().message;
    ASSERT_EQ(*text, expected) << moment.step;
    const ledger::Ledger ledger = *ledger::Ledger::open(*moment.disk, "/data");
    ASSERT_TRUE(ledger::verify_files(*moment.disk, "/data", ledger, {}).problems.empty())
        << moment.step;
  }
}

TEST_F(EngineTest, AKillAtAnyStepLosesAndDoublesNothing) {
  recover_everywhere(moments_of_a_run(false));
}

TEST_F(EngineTest, APowerCutAtAnyStepLosesAndDoublesNothing) {
  recover_everywhere(moments_of_a_run(true));
}

// All ids move to disk after each commit.
Job job_with_ids_on_disk() {
  Job job = job_of();
  job.ids_memory_max = 1;
  return job;
}

TEST_F(EngineTest, IdsOnDiskGiveTheSameLedger) {
  const auto run_on = [](const Job& job, const std::function<void(SimulatedDisk&)>& disturb) {
    SimulatedDisk disk;
    put_feeds(disk, 60);
    must_run(disk, job);
    disturb(disk);
    disk.put("/in/clicks2.csv",
             "id,t,u,c\nc0,2023-11-01T08:01:00Z,u0,camp0\nnew,2023-11-01T08:00:00Z,u1,camp1\n",
             kReceived);
    must_run(disk, job);
    return text_of(disk);
  };
  const std::string in_memory =
      run_on(job_of(), [](SimulatedDisk& disk) { EXPECT_FALSE(disk.exists("/data/state/ids")); });
  const auto runs = [](SimulatedDisk& disk) { return *disk.list("/data/state/ids"); };
  const Job job = job_with_ids_on_disk();
  EXPECT_EQ(run_on(job,
                   [&](SimulatedDisk& disk) {
                     EXPECT_GE(runs(disk).size(), 1U);
                     EXPECT_LE(runs(disk).size(), 6U) << "unused runs stay";
                   }),
            in_memory);
  EXPECT_EQ(run_on(job,
                   [&](SimulatedDisk& disk) {
                     ASSERT_TRUE(disk.unlink("/data/state/ids/" + runs(disk).front()));
                   }),
            in_memory);
  EXPECT_EQ(run_on(job,
                   [&](SimulatedDisk& disk) {
                     const std::string path = "/data/state/ids/" + runs(disk).front();
                     std::string bytes = *read_file(disk, path, 1 << 24);
                     bytes[100] = static_cast<char>(bytes[100] ^ 1);
                     disk.put(path, bytes, 0);
                   }),
            in_memory);
}

TEST_F(EngineTest, AKillAtAnyStepWithIdsOnDiskLosesAndDoublesNothing) {
  recover_everywhere(moments_of_a_run(false, job_with_ids_on_disk()), job_with_ids_on_disk());
}

TEST_F(EngineTest, APowerCutAtAnyStepWithIdsOnDiskLosesAndDoublesNothing) {
  recover_everywhere(moments_of_a_run(true, job_with_ids_on_disk()), job_with_ids_on_disk());
}

// A writer that is taken over at any step of its run commits nothing from there on and deletes
// nothing.
TEST_F(EngineTest, AWriterThatWakesLateNeverCommits) {
  SimulatedDisk calm;
  put_feeds(calm, 40);
  must_run(calm);
  const std::string expected = text_of(calm);
  for (int step = 1;; ++step) {
    SimulatedDisk disk;
    put_feeds(disk, 40);
    int steps = 0;
    std::map<std::string, std::string> after_take_over;
    int64_t head_after_take_over = 0;
    disk.before_change = [&](const std::string&) {
      if (++steps != step) return;  // here the first writer sleeps while the second works
      Job second = job_of();
      second.holder = "second";
      second.take_over = true;
      must_run(disk, second);
      after_take_over = lake_bytes(disk);
      head_after_take_over = ledger_of(disk).head();
    };
    const Result<RunReport> late = run(disk, job_of(), hooks());
    if (after_take_over.empty()) {
      ASSERT_TRUE(late) << "an undisturbed run failed";
      break;
    }
    if (!late) {
      EXPECT_EQ(late.error().code, ErrorCode::fenced)
          << "step " << step << ": " << late.error().message;
    }
    EXPECT_EQ(ledger_of(disk).head(), head_after_take_over) << "step " << step;
    EXPECT_EQ(lake_bytes(disk), after_take_over) << "step " << step;
    EXPECT_EQ(text_of(disk), expected) << "step " << step;
    ASSERT_LT(step, 10'000);
  }
}

}  // namespace
}  // namespace adweave::engine
