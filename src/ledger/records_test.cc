// SPDX-License-Identifier: Apache-2.0
#include "ledger/records.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "ledger/writer.h"
#include "tests/support/simulated_disk.h"

namespace adweave::ledger {
namespace {

using limits::kRecordsPerPack;
using tests::SimulatedDisk;

class PackTest : public ::testing::Test {
 protected:
  LedgerWriter writer(const std::string& holder, bool take_over = false) {
    auto opened = LedgerWriter::open(disk_, {"/data", holder, "ledger-1", "0.1.0", take_over});
    CHECK(opened);
    return *std::move(opened);
  }

  // A commit that all that a summary keeps depends on.
  static CommitRecord record_of(int64_t number) {
    const std::string n = std::to_string(number);
    CommitRecord record;
    record.kind = "data";
    record.committed_at = number;
    record.positions = {{"clicks", "clicks.csv", number, "h" + n, number, number + 1, "m", 0}};
    record.counts = {{number % 2 == 0 ? "clicks" : "views", 3, 1, 1, 0, 1}};
    record.heads = {{"clicks", "clicks.csv", "head" + std::to_string(number % 3),
                     number < 6 ? "aWQsdA==" : ""}};
    record.added.push_back({"clicks",
                            "lake/clicks/_recent/dt=2023-11-01/part-1-" + n + "-0.parquet",
                            "2023-11-01", number, number, 1, 10, "c", 0, 0});
    if (number % 10 != 0) return record;
    record.kind = number % 100 == 0 ? "seal" : "compact";
    for (int64_t merged = number - 10; merged < number; ++merged) {
      if (merged % 10 == 0 && merged % 100 != 0) continue;
      record.replaced.push_back(
          {"lake/clicks/_recent/dt=2023-11-01/part-1-" + std::to_string(merged) + "-0.parquet"});
    }
    return record;
  }

  static void append_up_to(LedgerWriter& writer, int64_t last) {
    while (writer.ledger().head() < last) {
      CommitRecord record = record_of(writer.ledger().head() + 1);
      std::erase_if(record.replaced, [&](const ReplacedFile& file) {
        return !writer.ledger().summary().are_live({file});  // an epoch has added none
      });
      ASSERT_TRUE(writer.append(std::move(record)));
    }
  }

  LedgerFiles files() { return *list_ledger(disk_, "/data"); }
  Ledger reader() {
    auto opened = Ledger::open(disk_, "/data");
    CHECK(opened);
    return *std::move(opened);
  }

  SimulatedDisk disk_;
};

TEST_F(PackTest, FullPacksTakeThePlaceOfFiles) {
  LedgerWriter w = writer("a");
  ASSERT_TRUE(w.begin_epoch(1));
  append_up_to(w, kRecordsPerPack - 1);
  EXPECT_TRUE(files().packs.empty());
  EXPECT_EQ(files().commits.size(), kRecordsPerPack - 1);
  append_up_to(w, 2 * kRecordsPerPack + 5);
  EXPECT_EQ(files().packs, (std::vector<int64_t>{kRecordsPerPack, 2 * kRecordsPerPack}));
  EXPECT_EQ(files().commits.size(), 5U);
  EXPECT_EQ(files().summaries, std::vector<int64_t>{2 * kRecordsPerPack});
  EXPECT_EQ(to_bytes(reader().summary()), to_bytes(w.ledger().summary()));
}

TEST_F(PackTest, EveryRecordIsReadAsItWas) {
  LedgerWriter w = writer("a");
  ASSERT_TRUE(w.begin_epoch(1));
  append_up_to(w, kRecordsPerPack + 5);
  const Ledger ledger = reader();
  for (const int64_t number : {int64_t{2}, kRecordsPerPack, kRecordsPerPack + 1, ledger.head()}) {
    const auto read = ledger.record(number);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->positions[0].before, number);
    EXPECT_EQ(read->checksum, w.ledger().record(number)->checksum);
  }
  EXPECT_EQ((*ledger.counts(11))[0].accepted, 5);
  EXPECT_EQ(**ledger.file_head(7, "clicks", "clicks.csv"), "id,t");
  int64_t visited = 0;
  ASSERT_TRUE(ledger.visit_records(2, ledger.head(), [&](const CommitRecord& record) {
    EXPECT_EQ(record.number, ++visited + 1);
    return Status();
  }));
  EXPECT_EQ(visited, ledger.head() - 1);
}

TEST_F(PackTest, ASummaryThatDoesNotFitIsPassedOver) {
  LedgerWriter w = writer("a");
  ASSERT_TRUE(w.begin_epoch(1));
  append_up_to(w, kRecordsPerPack + 5);
  const std::string path = "/data/" + summary_path(kRecordsPerPack);
  const std::string bytes = *read_file(disk_, path, limits::kMiB * 64);
  const std::string expected = to_bytes(w.ledger().summary());

  Summary other = *parse_summary(bytes);
  other.checksum = std::string(32, 'f');
  other.counts[0].accepted += 1;
  for (const std::string& text :
       {bytes.substr(0, bytes.size() / 2), std::string(), to_bytes(other)}) {
    disk_.put(path, text, 0);
    EXPECT_EQ(to_bytes(reader().summary()), expected);
  }
  ASSERT_TRUE(disk_.unlink(path));
  EXPECT_EQ(to_bytes(reader().summary()), expected);
}

TEST_F(PackTest, VerifyFindsADamagedPackAndAFalseSummary) {
  LedgerWriter w = writer("a");
  ASSERT_TRUE(w.begin_epoch(1));
  while (w.ledger().head() < kRecordsPerPack + 1) {
    CommitRecord record = record_of(w.ledger().head() + 1);
    record.added.clear();
    record.replaced.clear();
    ASSERT_TRUE(w.append(std::move(record)));
  }
  const auto problems = [&] { return verify_files(disk_, "/data", reader(), {}).problems; };
  EXPECT_TRUE(problems().empty());

  const std::string summary = "/data/" + summary_path(kRecordsPerPack);
  const std::string right = *read_file(disk_, summary, limits::kMiB * 64);
  Summary wrong = *parse_summary(right);
  wrong.counts[0].accepted += 1;
  disk_.put(summary, to_bytes(wrong), 0);
  ASSERT_EQ(problems().size(), 1U);
  EXPECT_NE(problems()[0].find("summary"), std::string::npos);
  disk_.put(summary, right, 0);

  const std::string pack = "/data/" + pack_path(1);
  const std::string bytes = *read_file(disk_, pack, limits::kMiB * 64);
  std::string altered = bytes;
  altered[bytes.size() / 2] ^= 1;
  disk_.put(pack, altered, 0);
  ASSERT_EQ(problems().size(), 1U);
  EXPECT_NE(problems()[0].find(pack_path(1)), std::string::npos) << problems()[0];
  disk_.put(pack, bytes.substr(0, bytes.size() / 2), 0);
  EXPECT_EQ(Ledger::open(disk_, "/data").error().code, ErrorCode::corrupt);
  ASSERT_TRUE(disk_.unlink(pack));
  EXPECT_EQ(Ledger::open(disk_, "/data").error().code, ErrorCode::corrupt);
}

// The number that a writer links to is free again once its record is packed.
TEST_F(PackTest, AWriterThatWasTakenOverLosesItsNumberToAPack) {
  LedgerWriter old = writer("a");
  ASSERT_TRUE(old.begin_epoch(1));
  append_up_to(old, 10);
  LedgerWriter next = writer("b", true);
  ASSERT_TRUE(next.begin_epoch(2));
  append_up_to(next, kRecordsPerPack);
  ASSERT_FALSE(disk_.exists("/data/" + commit_path(11)));
  const std::string expected = to_bytes(reader().summary());
  const Status late = old.append(record_of(11));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::fenced);
  EXPECT_FALSE(disk_.exists("/data/" + commit_path(11)));
  EXPECT_EQ(to_bytes(reader().summary()), expected);
}

// Even while that writer's record is there.
TEST_F(PackTest, ReadersTakeThePack) {
  LedgerWriter w = writer("a");
  ASSERT_TRUE(w.begin_epoch(1));
  append_up_to(w, 10);
  Ledger early = reader();
  append_up_to(w, kRecordsPerPack + 1);
  CommitRecord other = record_of(11);
  other.number = 11;
  other.previous = early.head_checksum();
  other.counts[0].accepted = 1000;
  disk_.put("/data/" + commit_path(11), to_bytes(other), 0);
  ASSERT_TRUE(early.reload());
  EXPECT_EQ(to_bytes(early.summary()), to_bytes(w.ledger().summary()));
  EXPECT_EQ(early.record(11)->checksum, w.ledger().record(11)->checksum);
}

// A kill or a power cut before any change that packing makes: the same ledger, and the next writer
// finishes.
TEST_F(PackTest, ACutAtAnyStepLosesNothing) {
  LedgerWriter w = writer("a");
  ASSERT_TRUE(w.begin_epoch(1));
  const auto append_small = [](LedgerWriter& writer) {
    CommitRecord record;
    record.kind = "data";
    record.counts = {{"clicks", 1, 1, 0, 0, 0}};
    CHECK(writer.append(std::move(record)));
  };
  while (w.ledger().head() < kRecordsPerPack - 1) append_small(w);
  struct Moment {
    std::unique_ptr<SimulatedDisk> disk;
    std::string step;
  };
  std::vector<Moment> moments;
  std::mt19937_64 luck(7);
  int64_t steps = 0;
  disk_.before_change = [&](const std::string& step) {
    const bool removal = ++steps > 20 && steps < kRecordsPerPack;  // 2,048 of a kind
    if (removal && steps % 700 != 0) return;
    moments.push_back({disk_.after_power_cut(nullptr), step});
    moments.push_back({disk_.after_power_cut(&luck), step});
  };
  append_small(w);
  disk_.before_change = nullptr;
  ASSERT_GT(steps, kRecordsPerPack);
  const std::string before = w.ledger().record(kRecordsPerPack - 1)->checksum;
  for (Moment& moment : moments) {
    auto next = LedgerWriter::open(*moment.disk, {"/data", "b", "", "0.1.0", false});
    ASSERT_TRUE(next) << moment.step << ": " << next.error().message;
    const Ledger& ledger = next->ledger();
    ASSERT_GE(ledger.head(), kRecordsPerPack - 1) << moment.step;
    EXPECT_EQ(ledger.record(kRecordsPerPack - 1)->checksum, before) << moment.step;
    ASSERT_TRUE(next->begin_epoch(9)) << moment.step;
    if (ledger.head() == kRecordsPerPack) {
      append_small(*next);
    }
    const LedgerFiles left = *list_ledger(*moment.disk, "/data");
    EXPECT_EQ(left.packs, std::vector<int64_t>{kRecordsPerPack}) << moment.step;
    EXPECT_LE(left.commits.size(), 2U) << moment.step;
    EXPECT_EQ(left.summaries.size(), 1U) << moment.step;
    const auto reopened = Ledger::open(*moment.disk, "/data");
    ASSERT_TRUE(reopened);
    EXPECT_EQ(to_bytes(reopened->summary()), to_bytes(ledger.summary())) << moment.step;
  }
}

}  // namespace
}  // namespace adweave::ledger
