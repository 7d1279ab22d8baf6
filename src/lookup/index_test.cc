// SPDX-License-Identifier: Apache-2.0
#include "lookup/index.h"

#include <map>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "lake/table_writer.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/times.h"

namespace adweave::lookup {
namespace {

using event::Batch;
using event::Kind;
using tests::kNoon;
using tests::SimulatedDisk;

constexpr int64_t kDays = 30;
constexpr int64_t kNow = kNoon + limits::kDayUs;

bool never() {
  return false;
}

// Commits rows of clicks and impressions, and knows what should be found.
class IndexTest : public ::testing::Test {
 protected:
  void SetUp() override { CHECK(make_dirs(disk_, "/data")); }

  static int64_t add_row(Batch& batch, const std::string& id, int64_t time,
                         const std::string& user) {
    const int64_t row = batch.rows++;
    batch.event_id.put(row, id);
    batch.event_time.put(row, time);
    batch.received_time.put(row, time + 1);
    batch.advertiser_id.put(row, "default");
    batch.source.put(row, "s");
    batch.source_position.put(row, "f.csv:" + id);
    batch.source_length.put(row, 9);
    batch.content_hash.put(row, row);
    if (!user.empty()) batch.user_id.put(row, user);
    if (!user.empty()) batch.person_id.put(row, user);
    return row;
  }

  void commit(const std::vector<Batch>& batches) {
    ++ledger_.head;
    for (const Batch& batch : batches) {
      const event::TableRows parts[] = {event::table_rows(batch)};
      auto files = lake::write_table(disk_, {"/data", 1, ledger_.head, "l"}, parts);
      CHECK(files);
      ledger_.live.insert(ledger_.live.end(), files->begin(), files->end());
    }
  }

  // Impressions of some users, and a click on each.
  void commit_some(int count) {
    Batch impressions(Kind::impression);
    Batch clicks(Kind::click);
    for (int i = 0; i < count; ++i) {
      const std::string number = std::to_string(++made_);
      const std::string user = "u" + std::to_string(random_() % 20);
      const int64_t time = kNoon - static_cast<int64_t>(random_() % 1'000) * limits::kSecondUs;
      const int64_t shown = add_row(impressions, "i" + number, time, user);
      impressions.auction_id.put(shown, "a" + std::to_string(made_ / 2));
      impressions.creative_id.put(shown, "c");
      const int64_t clicked = add_row(clicks, "k" + number, time + 1, user);
      clicks.impression_id.put(clicked, "i" + number);
      clicks.campaign_id.put(clicked, "campaign");
      clicks.cost.put(clicked, 1'250'000'000);
      users_[user].insert({time, "i" + number});
      users_[user].insert({time + 1, "k" + number});
    }
    commit({impressions, clicks});
  }

  std::unique_ptr<Index> open(FileSystem& fs, int64_t days = kDays) {
    auto index = Index::open(fs, "/data", "l", ++epoch_, days);
    CHECK(index);
    return *std::move(index);
  }

  static std::set<std::string> ids_of(const std::vector<Record>& records) {
    std::set<std::string> ids;
    for (const Record& record : records) {
      EXPECT_TRUE(ids.emplace(record.text("event_id")).second) << record.text("event_id");
    }
    return ids;
  }

  void expect_all(const Index& index) {
    for (int i = 1; i <= made_; ++i) {
      const std::string number = std::to_string(i);
      const auto found = index.rows_of("i" + number);
      ASSERT_TRUE(found) << found.error().message;
      EXPECT_EQ(ids_of(found->records), (std::set<std::string>{"i" + number, "k" + number}));
    }
    for (const auto& [user, events] : users_) {
      const auto found = index.timeline(user, INT64_MAX, 10'000);
      ASSERT_TRUE(found) << found.error().message;
      std::vector<std::pair<int64_t, std::string>> expected(events.rbegin(), events.rend());
      ASSERT_EQ(found->records.size(), expected.size()) << user;
      int64_t before = INT64_MAX;
      for (const Record& record : found->records) {
        EXPECT_LE(record.time(), before);
        before = record.time();
        EXPECT_TRUE(events.contains({record.time(), std::string(record.text("event_id"))}));
      }
    }
    EXPECT_EQ(index.through(), ledger_.head);
  }

  SimulatedDisk disk_;
  LedgerFiles ledger_{"l", 0, {}};
  std::mt19937 random_{7};
  int made_ = 0;
  int64_t epoch_ = 0;
  std::map<std::string, std::set<std::pair<int64_t, std::string>>> users_;
};

TEST_F(IndexTest, EveryRowIsFoundByEachOfItsIds) {
  commit_some(300);
  const auto index = open(disk_);
  ASSERT_TRUE(index->follow(ledger_, INT64_MIN, kNow, never));
  expect_all(*index);
  const auto by_auction = index->rows_of("a5");
  ASSERT_TRUE(by_auction);
  EXPECT_EQ(ids_of(by_auction->records), (std::set<std::string>{"i10", "i11"}));
  const auto by_position = index->rows_of("f.csv:k7");
  ASSERT_TRUE(by_position);
  ASSERT_EQ(by_position->records.size(), 1U);
  const Record& click = by_position->records.front();
  EXPECT_EQ(click.table->name, "clicks");
  EXPECT_EQ(click.text("impression_id"), "i7");
  EXPECT_EQ(*click.value("cost").as_int(), 1'250'000'000);
  EXPECT_TRUE(click.value("website").is_null());
  EXPECT_TRUE(index->rows_of("i0")->records.empty());
  EXPECT_TRUE(index->rows_of("")->records.empty());
}

TEST_F(IndexTest, ManyCommitsLeaveFewRunsAndTheSameRows) {
  const auto index = open(disk_);
  for (int i = 0; i < 120; ++i) {
    commit_some(1 + i % 5);
    ASSERT_TRUE(index->follow(ledger_, INT64_MIN, kNow + i, never));
    const bool is_written = i % 7 == 0;
    if (is_written) {
      ASSERT_TRUE(index->flush(kNow + i));
    }
  }
  expect_all(*index);
  EXPECT_LT(index->runs(), 30);
  EXPECT_EQ(index->rows(), 2 * made_);
  // Merged files have rows of old commits and new ones: each is taken up once.
  const auto again = open(disk_);
  ASSERT_TRUE(again->follow(ledger_, INT64_MIN, kNow, never));
  expect_all(*again);
}

TEST_F(IndexTest, PagesOfATimelineHaveEachEventOnce) {
  Batch impressions(Kind::impression);
  for (int i = 0; i < 100; ++i) {
    const int64_t row =
        add_row(impressions, "i" + std::to_string(i), kNoon + i / 3 * limits::kSecondUs, "u");
    impressions.creative_id.put(row, "c");
  }
  commit({impressions});
  const auto index = open(disk_);
  ASSERT_TRUE(index->follow(ledger_, INT64_MIN, kNow, never));
  std::set<std::string> seen;
  int64_t before = INT64_MAX;
  for (bool more = true; more;) {
    const auto page = index->timeline("u", before, 10);
    ASSERT_TRUE(page);
    ASSERT_FALSE(page->records.empty());
    ASSERT_LE(page->records.size(), 12U);
    for (const Record& record : page->records)
      EXPECT_TRUE(seen.emplace(record.text("event_id")).second);
    before = page->records.back().time();
    more = page->is_cut;
  }
  EXPECT_EQ(seen.size(), 100U);
}

TEST_F(IndexTest, APersonHasTheEventsOfAllHisUsers) {
  Batch impressions(Kind::impression);
  for (const auto& [id, user, person] :
       {std::tuple{"i1", "cookie", "p"}, {"i2", "device", "p"}, {"i3", "cookie", "other"}}) {
    const int64_t row = add_row(impressions, id, kNoon + impressions.rows, "");
    impressions.user_id.put(row, user);
    impressions.person_id.put(row, person);
    impressions.creative_id.put(row, "c");
  }
  commit({impressions});
  const auto index = open(disk_);
  ASSERT_TRUE(index->follow(ledger_, INT64_MIN, kNow, never));
  const auto events = [&](const char* user) {
    return ids_of(index->timeline(user, INT64_MAX, 10)->records);
  };
  EXPECT_EQ(events("p"), (std::set<std::string>{"i1", "i2"}));
  EXPECT_EQ(events("cookie"), (std::set<std::string>{"i1", "i3"}));
  EXPECT_EQ(events("device"), (std::set<std::string>{"i2"}));
}

TEST_F(IndexTest, OldDaysAreLeftOut) {
  Batch impressions(Kind::impression);
  for (const int64_t days : {0, 10, 29, 31, 400}) {
    const int64_t row =
        add_row(impressions, "i" + std::to_string(days), kNow - days * limits::kDayUs, "u");
    impressions.creative_id.put(row, "c");
  }
  commit({impressions});
  const auto index = open(disk_);
  ASSERT_TRUE(index->follow(ledger_, INT64_MIN, kNow, never));
  EXPECT_EQ(index->timeline("u", INT64_MAX, 100)->records.size(), 3U);
  EXPECT_TRUE(index->rows_of("i31")->records.empty());
  // Days that the ledger gives up, at once.
  ASSERT_TRUE(index->follow(ledger_, kNow - 15 * limits::kDayUs, kNow, never));
  EXPECT_EQ(index->timeline("u", INT64_MAX, 100)->records.size(), 2U);
  EXPECT_TRUE(index->rows_of("i29")->records.empty());
  // More days than before: it is made again.
  const auto longer = open(disk_, 500);
  EXPECT_EQ(longer->through(), -1);
  ASSERT_TRUE(longer->follow(ledger_, INT64_MIN, kNow, never));
  EXPECT_EQ(longer->timeline("u", INT64_MAX, 100)->records.size(), 5U);
}

TEST_F(IndexTest, WhateverStepItIsKilledAtNothingIsLostOrTwice) {
  std::vector<LedgerFiles> stages;
  for (const int count : {40, 3, 5}) {
    commit_some(count);
    stages.push_back(ledger_);
  }
  std::vector<std::pair<std::unique_ptr<SimulatedDisk>, std::string>> moments;
  std::mt19937_64 luck(1);
  disk_.before_change = [&](const std::string& step) {
    moments.emplace_back(disk_.after_power_cut(nullptr), "power cut before " + step);
    moments.emplace_back(disk_.after_power_cut(&luck), "lucky power cut before " + step);
    moments.emplace_back(disk_.after_kill(), "killed before " + step);
  };
  {
    const auto index = open(disk_);
    for (const LedgerFiles& stage : stages) {
      ASSERT_TRUE(index->follow(stage, INT64_MIN, kNow, never));
      ASSERT_TRUE(index->flush(kNow));
    }
  }
  disk_.before_change = nullptr;
  ASSERT_GT(moments.size(), 30U);
  for (const auto& [disk, what] : moments) {
    SCOPED_TRACE(what);
    const auto index = open(*disk);
    ASSERT_TRUE(index->follow(ledger_, INT64_MIN, kNow, never));
    expect_all(*index);
  }
}

TEST_F(IndexTest, ADamagedRunIsMadeAgain) {
  commit_some(40);
  {
    const auto index = open(disk_);
    ASSERT_TRUE(index->follow(ledger_, INT64_MIN, kNow, never));
    ASSERT_TRUE(index->flush(kNow));
  }
  const std::vector<std::string> all = *disk_.list("/data/index");
  for (const std::string& name : all) {
    if (!name.ends_with(".run")) continue;
    const std::string path = "/data/index/" + name;
    std::string bytes = *read_file(disk_, path, limits::kMiB);
    bytes[bytes.size() - 60] = static_cast<char>(bytes[bytes.size() - 60] + 1);
    CHECK(disk_.unlink(path));
    CHECK(write_synced(disk_, path, bytes));
  }
  EXPECT_FALSE(Index::check(disk_, "/data"));
  const auto index = open(disk_);
  EXPECT_EQ(index->through(), -1);
  ASSERT_TRUE(index->follow(ledger_, INT64_MIN, kNow, never));
  expect_all(*index);
  ASSERT_TRUE(index->flush(kNow));
  EXPECT_TRUE(Index::check(disk_, "/data"));
}

TEST_F(IndexTest, AnAlteredByteIsNoticedWhereverItIs) {
  commit_some(40);
  const auto index = open(disk_);
  EXPECT_TRUE(Index::check(disk_, "/data"));
  ASSERT_TRUE(index->follow(ledger_, INT64_MIN, kNow, never));
  ASSERT_TRUE(index->flush(kNow));
  const auto names = *disk_.list("/data/index");
  ASSERT_EQ(names.size(), 2U);
  const std::string path = "/data/index/" + names[0];
  const std::string bytes = *read_file(disk_, path, limits::kMiB);
  size_t unnoticed = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string altered = bytes;
    altered[i] = static_cast<char>(altered[i] ^ 0x10);
    CHECK(disk_.unlink(path));
    CHECK(write_synced(disk_, path, altered));
    unnoticed += Index::check(disk_, "/data") ? 1 : 0;
  }
  EXPECT_EQ(unnoticed, 0U);
}

}  // namespace
}  // namespace adweave::lookup
