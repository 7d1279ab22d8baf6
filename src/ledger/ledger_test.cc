// SPDX-License-Identifier: Apache-2.0
#include "ledger/ledger.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "ledger/writer.h"
#include "tests/support/simulated_disk.h"

namespace adweave::ledger {
namespace {

using tests::SimulatedDisk;

WriterOptions options(const std::string& holder, bool take_over = false) {
  return {"/data", holder, "ledger-1", "0.1.0", take_over};
}

CommitRecord data_record(int64_t rows) {
  CommitRecord record;
  record.kind = "data";
  record.positions = {{"clicks", "clicks.csv", 100, std::string(32, 'a'), 0, 100, "m", 1}};
  record.counts = {{"clicks", rows, rows, 0, 0, 0}};
  return record;
}

class LedgerTest : public ::testing::Test {
 protected:
  LedgerWriter writer(const std::string& holder, bool take_over = false) {
    Result<LedgerWriter> opened = LedgerWriter::open(disk_, options(holder, take_over));
    CHECK(opened);
    return *std::move(opened);
  }
  // Adds a row file under the name that epoch and commit give it, and to the record.
  void add_file(CommitRecord& record, const std::string& name, const std::string& bytes) {
    const std::string path = "lake/clicks/_recent/dt=2023-11-01/" + name;
    disk_.put("/data/" + path, bytes, 0);
    const int64_t commit = name[7] - '0';  // "part-1-2-0.parquet"
    record.added.push_back({"clicks", path, "2023-11-01", commit, commit, 1,
                            static_cast<int64_t>(bytes.size()), to_hex(hash128(bytes)), 0, 0});
  }
  std::string bytes_of(int64_t number) {
    return *read_file(disk_, "/data/" + commit_path(number), 1 << 20);
  }
  void damage(int64_t number, std::string bytes) {
    disk_.put("/data/" + commit_path(number), std::move(bytes), 0);
  }
  ErrorCode open_error() { return Ledger::open(disk_, "/data").error().code; }

  SimulatedDisk disk_;
};

TEST_F(LedgerTest, ARecordIsReadBackAsItWasWritten) {
  CommitRecord record = data_record(7);
  record.number = 3;
  record.previous = "p";
  record.epoch = 2;
  record.dimensions = {{"creatives", "lake/_dimensions/creatives-3.csv", "creatives.csv", 12, "c"}};
  add_file(record, "part-2-3-0.parquet", "bytes");
  const std::string bytes = to_bytes(record);
  Result<CommitRecord> parsed = parse_commit(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->added[0].commit, 3);
  EXPECT_EQ(parsed->counts[0].received(), 7);
  EXPECT_EQ(parsed->checksum, record.checksum);
  EXPECT_EQ(to_bytes(*parsed), bytes);
}

TEST_F(LedgerTest, APositionCarriesTheMarkOfItsLastRecord) {
  CommitRecord record = data_record(7);
  record.positions[0].mark = "99:5:abc";
  Result<CommitRecord> parsed = parse_commit(to_bytes(record));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->positions[0].mark, "99:5:abc");
}

TEST_F(LedgerTest, APositionOfTheFourthFormatHasNoMark) {
  CommitRecord record = data_record(7);
  std::string bytes = to_bytes(record);
  bytes.erase(bytes.find(",\"checksum\":\"" + record.checksum));
  const auto replace = [&](const std::string& what, const std::string& by) {
    ASSERT_NE(bytes.find(what), std::string::npos);
    bytes.replace(bytes.find(what), what.size(), by);
  };
  replace("\"format_version\":5", "\"format_version\":4");
  replace(",\"mark\":\"\"", "");
  const std::string line = bytes + ",\"checksum\":\"" + to_hex(hash128(bytes)) + "\"}\n";
  const Result<CommitRecord> parsed = parse_commit(line);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->positions[0].after, 100);
  EXPECT_EQ(parsed->positions[0].mark, "");
}

TEST_F(LedgerTest, EveryChangedByteAndEveryTruncationIsFound) {
  CommitRecord record = data_record(7);
  const std::string bytes = to_bytes(record);
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(parse_commit(bytes.substr(0, i))) << "cut at " << i;
    std::string altered = bytes;
    altered[i] ^= 1;
    EXPECT_FALSE(parse_commit(altered)) << "byte " << i;
  }
}

TEST_F(LedgerTest, CommitsAreNumberedAndCounted) {
  LedgerWriter w = writer("a");
  ASSERT_TRUE(w.begin_epoch(5));
  ASSERT_TRUE(w.append(data_record(7)));
  ASSERT_TRUE(w.append(data_record(2)));
  const Result<Ledger> ledger = Ledger::open(disk_, "/data");
  ASSERT_TRUE(ledger);
  EXPECT_EQ(ledger->head(), 3);
  EXPECT_EQ(ledger->epoch(), 1);
  EXPECT_EQ(ledger->ledger_id(), "ledger-1");
  EXPECT_EQ((*ledger->counts(2))[0].accepted, 7);
  EXPECT_EQ((*ledger->counts(3))[0].accepted, 9);
  EXPECT_EQ(ledger->positions("clicks").size(), 1U);
  EXPECT_TRUE(ledger->positions("other").empty());
}

TEST_F(LedgerTest, AMissingOrExchangedRecordIsCorrupt) {
  LedgerWriter w = writer("a");
  ASSERT_TRUE(w.begin_epoch(5));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(w.append(data_record(i)));
  const std::string second = bytes_of(2);
  damage(2, bytes_of(3));
  EXPECT_EQ(open_error(), ErrorCode::corrupt);
  damage(2, second);
  ASSERT_TRUE(Ledger::open(disk_, "/data"));
  ASSERT_TRUE(disk_.unlink("/data/" + commit_path(2)));
  EXPECT_EQ(open_error(), ErrorCode::corrupt);
}

TEST_F(LedgerTest, ANewerFormatIsRefused) {
  {
    LedgerWriter w = writer("a");
  }
  disk_.put("/data/format_version", "9\n", 0);
  EXPECT_EQ(open_error(), ErrorCode::newer_format);
  EXPECT_EQ(LedgerWriter::open(disk_, options("b")).error().code, ErrorCode::newer_format);
}

TEST_F(LedgerTest, AFolderWithoutFormatIsNoDataFolder) {
  ASSERT_TRUE(disk_.make_dir("/data"));
  EXPECT_EQ(open_error(), ErrorCode::not_found);
}

TEST_F(LedgerTest, ASecondWriterIsRefusedWhileTheFirstLives) {
  LedgerWriter first = writer("a");
  EXPECT_EQ(LedgerWriter::open(disk_, options("b")).error().code, ErrorCode::locked);
}

TEST_F(LedgerTest, AWriterThatWasTakenOverNeverCommits) {
  LedgerWriter late = writer("late");
  ASSERT_TRUE(late.begin_epoch(1));
  ASSERT_TRUE(late.append(data_record(1)));
  LedgerWriter next = writer("next", true);
  ASSERT_TRUE(next.begin_epoch(2));
  EXPECT_EQ(late.append(data_record(2)).error().code, ErrorCode::fenced);
  ASSERT_TRUE(next.append(data_record(3)));
  EXPECT_EQ(late.append(data_record(2)).error().code, ErrorCode::fenced);
  EXPECT_EQ(Ledger::open(disk_, "/data")->head(), 4);
}

TEST_F(LedgerTest, OfTwoWritersThatBeginTheSameEpochOneEnds) {
  LedgerWriter late = writer("late");
  LedgerWriter next = writer("next", true);
  ASSERT_TRUE(next.begin_epoch(2));
  EXPECT_EQ(late.begin_epoch(1).error().code, ErrorCode::fenced);
}

TEST_F(LedgerTest, ALastCommitBeforeTheTakeOverBecomesPartOfTheLedger) {
  LedgerWriter late = writer("late");
  ASSERT_TRUE(late.begin_epoch(1));
  LedgerWriter next = writer("next", true);
  ASSERT_TRUE(late.append(data_record(1)));
  ASSERT_TRUE(next.begin_epoch(2));
  EXPECT_EQ(next.ledger().head(), 3);
  EXPECT_EQ(next.epoch(), 2);
}

TEST_F(LedgerTest, ARecordOfTheFirstFormatIsReadAndOfANewerOneRefused) {
  std::string bytes =
      R"({"format_version":1,"number":1,"previous":"","epoch":1,"kind":"epoch","ledger_id":"l",)"
      R"("program":"0","committed_at":0,"schema":"","configuration":"","positions":[],"counts":[],)"
      R"("added":[],"dimensions":[])";
  const auto sealed = [](const std::string& body) {
    return body + ",\"checksum\":\"" + to_hex(hash128(body)) + "\"}\n";
  };
  const Result<CommitRecord> first = parse_commit(sealed(bytes));
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->retained_from, 0);
  bytes[bytes.find("1")] = '9';
  EXPECT_EQ(parse_commit(sealed(bytes)).error().code, ErrorCode::newer_format);
}

constexpr int64_t kOct1 = 1'696'118'400'000'000;

TEST_F(LedgerTest, ARetentionTakesWholeDaysOfEarlierCommitsAway) {
  const auto add_day = [&](CommitRecord& record, const std::string& day, const std::string& name) {
    const std::string path = "lake/clicks/_recent/dt=" + day + "/" + name;
    disk_.put("/data/" + path, "x", 0);
    const int64_t commit = name[7] - '0';  // "part-1-2-0.parquet"
    record.added.push_back({"clicks", path, day, commit, commit, 1, 1, to_hex(hash128("x")), 0, 0});
  };
  LedgerWriter w = writer("a");
  ASSERT_TRUE(w.begin_epoch(1));
  CommitRecord record = data_record(2);
  add_day(record, "2023-09-30", "part-1-2-0.parquet");
  add_day(record, "2023-10-01", "part-1-2-1.parquet");
  ASSERT_TRUE(w.append(record));
  EXPECT_FALSE(w.ledger().retention());
  CommitRecord retention;
  retention.kind = "retention";
  retention.retained_from = kOct1;
  ASSERT_TRUE(w.append(retention));
  CommitRecord later = data_record(1);
  add_day(later, "2023-09-30", "part-1-4-0.parquet");
  ASSERT_TRUE(w.append(later));

  const Ledger ledger = *Ledger::open(disk_, "/data");
  EXPECT_EQ(ledger.retention()->commit, 3);
  EXPECT_EQ(ledger.live_files("clicks", 2).size(), 1U);
  EXPECT_EQ(ledger.live_files("clicks", 4).size(), 2U);
  EXPECT_EQ(ledger.gone_rows(4)->at("clicks"), 1);
  EXPECT_TRUE(ledger.gone_rows(1)->empty());
  ASSERT_TRUE(writer("b", true).begin_epoch(5));
  EXPECT_EQ(*disk_.list("/data/lake/clicks/_recent/dt=2023-09-30"),
            std::vector<std::string>{"part-1-4-0.parquet"});
  EXPECT_TRUE(verify_files(disk_, "/data", ledger, {}).problems.empty());
}

TEST_F(LedgerTest, AClosedPeriodIsKnownAsOfEveryCommit) {
  LedgerWriter w = writer("a");
  ASSERT_TRUE(w.begin_epoch(1));
  EXPECT_FALSE(w.ledger().closed_through());
  CommitRecord close;
  close.kind = "close";
  close.closed_through = kOct1;
  ASSERT_TRUE(w.append(close));
  const Ledger ledger = *Ledger::open(disk_, "/data");
  EXPECT_EQ(ledger.closed_through(), kOct1);
  EXPECT_FALSE(ledger.closed_through(1));
}

TEST_F(LedgerTest, TheHeadOfAFileIsKeptOnce) {
  LedgerWriter w = writer("a");
  ASSERT_TRUE(w.begin_epoch(1));
  for (const char* bytes : {"aWQsdA==", ""}) {
    CommitRecord record = data_record(1);
    record.heads = {{"clicks", "clicks.csv", "h1", bytes}};
    ASSERT_TRUE(w.append(record));
  }
  const Ledger ledger = *Ledger::open(disk_, "/data");
  EXPECT_EQ(**ledger.file_head(2, "clicks", "clicks.csv"), "id,t");
  EXPECT_EQ(**ledger.file_head(3, "clicks", "clicks.csv"), "id,t");
  EXPECT_FALSE(*ledger.file_head(3, "clicks", "other.csv"));
}

TEST_F(LedgerTest, SweepTakesOnlyUnnamedFilesOfOlderEpochs) {
  {
    LedgerWriter w = writer("a");
    ASSERT_TRUE(w.begin_epoch(1));
    CommitRecord record = data_record(1);
    add_file(record, "part-1-2-0.parquet", "kept");
    ASSERT_TRUE(w.append(record));
  }
  CommitRecord nobody;
  add_file(nobody, "part-1-3-0.parquet", "left by a killed run");
  add_file(nobody, "part-2-3-0.parquet", "of the epoch that begins");
  add_file(nobody, "part-3-3-0.parquet", "of a newer epoch");
  disk_.put("/data/ledger/1-3-x.tmp", "torn", 0);
  LedgerWriter w = writer("b");
  ASSERT_TRUE(w.begin_epoch(2));
  EXPECT_EQ(
      *disk_.list("/data/lake/clicks/_recent/dt=2023-11-01"),
      (std::vector<std::string>{"part-1-2-0.parquet", "part-2-3-0.parquet", "part-3-3-0.parquet"}));
  EXPECT_FALSE(disk_.exists("/data/ledger/1-3-x.tmp"));
}

TEST_F(LedgerTest, VerifyFindsAMissingAndAnAlteredFile) {
  LedgerWriter w = writer("a");
  ASSERT_TRUE(w.begin_epoch(1));
  CommitRecord record = data_record(1);
  add_file(record, "part-1-2-0.parquet", "one");
  add_file(record, "part-1-2-1.parquet", "two");
  ASSERT_TRUE(w.append(record));
  EXPECT_TRUE(verify_files(disk_, "/data", w.ledger(), {}).problems.empty());
  disk_.put("/data/lake/clicks/_recent/dt=2023-11-01/part-1-2-0.parquet", "0ne", 0);
  ASSERT_TRUE(disk_.unlink("/data/lake/clicks/_recent/dt=2023-11-01/part-1-2-1.parquet"));
  EXPECT_EQ(verify_files(disk_, "/data", w.ledger(), {}).problems.size(), 2U);
}

// A power cut before any change of two commits leaves a ledger that opens, and no commit that was
// acknowledged is lost.
TEST_F(LedgerTest, APowerCutAtAnyStepKeepsEveryAcknowledgedCommit) {
  struct Moment {
    std::unique_ptr<SimulatedDisk> disk;
    int64_t acknowledged;
    std::string step;
  };
  std::vector<Moment> moments;
  std::mt19937_64 luck(7);
  int64_t acknowledged = 0;
  disk_.before_change = [&](const std::string& step) {
    moments.push_back({disk_.after_power_cut(nullptr), acknowledged, step});
    moments.push_back({disk_.after_power_cut(&luck), acknowledged, step});
  };
  LedgerWriter w = writer("a");
  ASSERT_TRUE(w.begin_epoch(1));
  acknowledged = 1;
  ASSERT_TRUE(w.append(data_record(1)));
  acknowledged = 2;
  ASSERT_TRUE(w.append(data_record(2)));
  disk_.before_change = nullptr;
  ASSERT_GT(moments.size(), 40U);
  for (Moment& moment : moments) {
    Result<LedgerWriter> next = LedgerWriter::open(*moment.disk, options("b"));
    ASSERT_TRUE(next) << moment.step << ": " << next.error().message;
    EXPECT_GE(next->ledger().head(), moment.acknowledged) << moment.step;
    EXPECT_LE(next->ledger().head(), moment.acknowledged + 1) << moment.step;
    ASSERT_TRUE(next->begin_epoch(9)) << moment.step;
  }
}

}  // namespace
}  // namespace adweave::ledger
