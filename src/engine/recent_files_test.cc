// SPDX-License-Identifier: Apache-2.0
// Many small commits in one run leave few files and no other rows than few large commits do.
#include <algorithm>
#include <map>
#include <set>

#include "engine/engine_test_support.h"
#include "engine/seal.h"
#include "lake/delta_log.h"

namespace adweave::engine {
namespace {

constexpr int kRows = 900;  // about four in a commit
constexpr int kFewRows = 250;
constexpr size_t kFilesMax = 64;  // of a table and day; a file a commit would be hundreds

// One feed of clicks on three days, one of them rare, so that sizes differ.
void put_clicks(SimulatedDisk& disk, int rows) {
  std::string clicks = "id,t,u,c\n";
  for (int i = 0; i < rows; ++i) {
    const int day = i % 40 == 0 ? 3 : i % 2 + 1;
    clicks += fmt::format("k{},2023-11-0{}T08:{:02}:00Z,u{},camp{}\n", i / 7 * 7 == i ? i / 2 : i,
                          day, i % 60, i % 9, i % 4);
    if (i % 50 == 0) clicks += "bad,row\n";
  }
  disk.put("/in/clicks.csv", clicks, kReceived + 5 * limits::kDayUs);
}

Job small_commits() {
  Job job = job_of();
  job.sources.erase(job.sources.begin());
  job.sources.pop_back();
  job.slice_bytes = 80;
  job.commit_bytes = 80;
  return job;
}

class RecentFilesTest : public EngineTest {
 protected:
  // A run whose clock moves on, so that it publishes meanwhile.
  static void must_run_long(SimulatedDisk& disk, const Job& job, int64_t step = limits::kSecondUs) {
    int64_t now = kReceived;
    const auto report = run(disk, job, {[&] { return now += step; }, {}, {}});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_FALSE(report->behind);
  }

  // Rows of clicks, rejects and duplicates; audit has rows for each commit.
  static std::string rows_of(const SimulatedDisk& disk) {
    const std::string text = text_of(disk);
    return lines_of(text, "clicks:") + lines_of(text, "rejects:") + lines_of(text, "duplicates:");
  }

  static int64_t data_commits(const ledger::Ledger& ledger) {
    int64_t count = 0;
    CHECK(ledger.visit_records(1, ledger.head(), [&](const auto& record) {
      count += record.kind == "data" ? 1 : 0;
      return Status();
    }));
    return count;
  }
};

TEST_F(RecentFilesTest, ManySmallCommitsLeaveFewFilesAndTheSameRows) {
  SimulatedDisk large;
  put_clicks(large, kRows);
  Job job = small_commits();
  job.slice_bytes = job.commit_bytes = limits::kMiB;
  must_run(large, job);
  EXPECT_EQ(data_commits(ledger_of(large)), 1);

  SimulatedDisk small;
  put_clicks(small, kRows);
  must_run_long(small, small_commits());
  const ledger::Ledger ledger = ledger_of(small);
  EXPECT_GT(data_commits(ledger), 200);
  EXPECT_EQ(rows_of(small), rows_of(large));

  std::map<std::string, size_t> files;
  for (const event::DataFile& file : ledger.live_files("", ledger.head()))
    ++files[file.table + " " + file.date];
  EXPECT_GE(files.size(), 5U);
  for (const auto& [place, count] : files) EXPECT_LT(count, kFilesMax) << place;

  // Merging wrote less than the commits did.
  std::map<std::string, int64_t> written;
  ASSERT_TRUE(ledger.visit_records(1, ledger.head(), [&](const auto& record) {
    for (const event::DataFile& file : record.added) written[record.kind] += file.bytes;
    return Status();
  }));
  EXPECT_GT(written["compact"], 0);
  EXPECT_LT(written["compact"], written["data"]);

  for (const event::TableInfo& table : event::all_tables()) {
    std::vector<std::string> live;
    for (const event::DataFile& file : ledger.live_files(table.name, ledger.head()))
      live.push_back(lake::path_in_table(file));
    std::sort(live.begin(), live.end());
    const auto log = lake::DeltaLog::open(small, "/data", table);
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ(log->paths(), live) << table.name;
  }
}

TEST_F(RecentFilesTest, AnyNumberOfThreadsMergesTheSame) {
  const auto bytes_of_lake = [](int threads) {
    SimulatedDisk disk;
    put_clicks(disk, kFewRows);
    Job job = small_commits();
    job.threads = threads;
    must_run_long(disk, job);
    std::string all;
    const ledger::Ledger ledger = ledger_of(disk);
    for (const event::DataFile& file : ledger.live_files("", ledger.head()))
      all += file.path + " " + file.checksum + "\n";
    return all;
  };
  EXPECT_EQ(bytes_of_lake(1), bytes_of_lake(3));
}

TEST_F(RecentFilesTest, FilesThatWereMergedAnHourAgoAreRemoved) {
  SimulatedDisk disk;
  put_clicks(disk, kRows);
  must_run_long(disk, small_commits(), 20 * limits::kSecondUs);
  const ledger::Ledger ledger = ledger_of(disk);
  std::set<std::string> replaced;
  int64_t vacuums = 0;
  ASSERT_TRUE(ledger.visit_records(1, ledger.head(), [&](const auto& record) {
    for (const ledger::ReplacedFile& file : record.replaced) replaced.insert(file.path);
    vacuums += record.kind == "vacuum" ? 1 : 0;
    return Status();
  }));
  EXPECT_GT(vacuums, 10);
  EXPECT_LT(ledger.superseded().size(), replaced.size() / 2);
  for (const ledger::Superseded& file : ledger.superseded()) {
    EXPECT_TRUE(disk.exists("/data/" + file.path));
    EXPECT_TRUE(replaced.erase(file.path)) << file.path;
  }
  for (const std::string& path : replaced) EXPECT_FALSE(disk.exists("/data/" + path)) << path;
  EXPECT_TRUE(verify_files(disk, "/data", ledger, {}).problems.empty());
  for (const event::TableInfo& table : event::all_tables()) {
    const auto log = lake::DeltaLog::open(disk, "/data", table);
    ASSERT_TRUE(log);
    EXPECT_TRUE(log->verify(disk).empty()) << table.name;
  }
}

TEST_F(RecentFilesTest, ADamagedFileIsLeftAloneAndStopsNoRun) {
  SimulatedDisk disk;
  put_clicks(disk, kFewRows);
  const Job job = small_commits();
  bool damaged = false;
  const auto stop = [&] {
    if (damaged || !disk.exists("/data/ledger")) return false;
    const ledger::Ledger ledger = ledger_of(disk);
    if (ledger.head() < 10) return false;
    const event::DataFile file = ledger.live_files("clicks", ledger.head()).front();
    disk.put("/data/" + file.path, "damaged", kReceived);
    return damaged = true, false;
  };
  const auto report = run(disk, job, {[] { return kReceived; }, {}, stop});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(damaged);
  EXPECT_GT(data_commits(ledger_of(disk)), 50);
  EXPECT_EQ(verify_files(disk, "/data", ledger_of(disk), {}).problems.size(), 1U);
}

// A state made of the merged files alone goes on as the state before them does.
TEST_F(RecentFilesTest, ARunGoesOnFromMergedFiles) {
  const auto rows_after = [](bool forget) {
    SimulatedDisk disk;
    put_clicks(disk, kFewRows);
    must_run_long(disk, small_commits());
    const auto names = disk.list("/data/state");
    for (const std::string& name : *names) {
      if (!forget || !name.ends_with(".snapshot")) continue;
      EXPECT_TRUE(disk.unlink("/data/state/" + name));
    }
    disk.put("/in/clicks-again.csv",
             "id,t,u,c\nk5,2023-11-02T08:05:00Z,u5,camp1\nk6,2023-11-02T08:05:00Z,u5,other\n"
             "new,2023-11-02T08:00:00Z,u1,camp1\n",
             kReceived);
    must_run_long(disk, small_commits());
    return rows_of(disk);
  };
  EXPECT_EQ(rows_after(true), rows_after(false));
}

}  // namespace
}  // namespace adweave::engine
