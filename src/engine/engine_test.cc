// SPDX-License-Identifier: Apache-2.0
// The main job on a simulated disk: conservation, idempotence, determinism, and recovery from a
// power cut at every step.
#include <algorithm>
#include <map>
#include <random>

#include "engine/engine_test_support.h"

namespace adweave::engine {
namespace {

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
  EXPECT_EQ(ledger_of(disk).summary().kind, "dimensions");
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
