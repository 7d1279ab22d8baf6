// SPDX-License-Identifier: Apache-2.0
#include "source/tail_positions.h"

#include <gtest/gtest.h>

#include "source/journal_test_support.h"
#include "tests/support/simulated_disk.h"

namespace adweave::source {
namespace {

using tests::SimulatedDisk;

TailPosition position_of(uint64_t number, int64_t after) {
  return {.source = "ads",
          .name = "logs/ad.log",
          .number = number,
          .after = after,
          .head = hash128(std::to_string(number))};
}

std::vector<TailPosition> opened(SimulatedDisk& disk, const Journal& journal) {
  const Result<TailPositions> positions = TailPositions::open(disk, "/data", journal, true);
  EXPECT_TRUE(positions) << positions.error().message;
  return positions ? positions->all() : std::vector<TailPosition>{{.name = "?"}};
}

class TailPositionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    journal_ = open_journal(disk_);
    ASSERT_TRUE(journal_);
  }
  void keep_batch(const TailPosition& position, int64_t begin) {
    ASSERT_TRUE(append(*journal_, {position.source, tail_batch(position, begin), 1, "body\n"}));
  }

  SimulatedDisk disk_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(TailPositionsTest, ABatchSaysWhereItLeavesItsFile) {
  TailPosition position = position_of(0xffff'ffff'ffff'ffff, int64_t{1} << 62);
  position.name = "logs/a:b-c.log";
  auto batch = parse_tail_batch(tail_batch(position, 7));
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->begin, 7);
  batch->position.source = position.source;
  EXPECT_EQ(batch->position, position);
  position.name = std::string(300, 'x') + "/ad.log";
  const std::string id = tail_batch(position, int64_t{1} << 62);
  EXPECT_EQ(static_cast<int64_t>(id.size()), limits::kDeliveryBatchBytesMax);
  EXPECT_TRUE(id.ends_with("x/ad.log"));
  EXPECT_TRUE(parse_tail_batch(id));
  for (const char* other : {"", "~0123", "~tail:", "tail:1-2:3-4:x", "~tail:5-0:1-2:x"})
    EXPECT_FALSE(parse_tail_batch(other)) << other;
}

TEST_F(TailPositionsTest, WhatIsInTheJournalAloneIsKnown) {
  EXPECT_TRUE(opened(disk_, *journal_).empty());
  keep_batch(position_of(5, 100), 0);
  keep_batch(position_of(6, 10), 0);
  keep_batch(position_of(5, 300), 100);
  EXPECT_EQ(opened(disk_, *journal_), (std::vector{position_of(5, 300), position_of(6, 10)}));
  keep_batch(position_of(5, 20), 0);  // it has begun anew
  EXPECT_EQ(opened(disk_, *journal_), (std::vector{position_of(5, 20), position_of(6, 10)}));
  ASSERT_TRUE(journal_->release(journal_->end(), 1'000'000'000));
  EXPECT_EQ(opened(disk_, *journal_), (std::vector{position_of(5, 20), position_of(6, 10)}));
}

TEST_F(TailPositionsTest, ABatchThatIsNotedIsNotLookedAtAgain) {
  keep_batch(position_of(5, 100), 0);
  TailPositions positions = *TailPositions::open(disk_, "/data", *journal_, true);
  ASSERT_TRUE(positions.keep({}, journal_->end()));  // the file was read and is gone
  EXPECT_TRUE(opened(disk_, *journal_).empty());
}

TEST_F(TailPositionsTest, WhereNothingIsFollowedTheJournalIsReadOnlyIfSomethingWas) {
  keep_batch(position_of(5, 100), 0);
  EXPECT_TRUE(TailPositions::open(disk_, "/data", *journal_, false)->all().empty());
  EXPECT_FALSE(disk_.exists("/data/tails"));
  EXPECT_EQ(opened(disk_, *journal_).size(), 1U);
  keep_batch(position_of(5, 300), 100);
  EXPECT_EQ(TailPositions::open(disk_, "/data", *journal_, false)->all(),
            std::vector{position_of(5, 300)});
}

// Of another journal `through` says nothing.
TEST_F(TailPositionsTest, AJournalThatBeganAfreshIsReadFromItsBegin) {
  TailPositions positions = *TailPositions::open(disk_, "/data", *journal_, true);
  ASSERT_TRUE(positions.keep({position_of(5, 100)}, {17, 64}));
  keep_batch(position_of(5, 200), 100);
  EXPECT_EQ(opened(disk_, *journal_), std::vector{position_of(5, 200)});
}

TEST_F(TailPositionsTest, AreTheOldOrTheNewOnesAtAnyStep) {
  TailPositions positions = *TailPositions::open(disk_, "/data", *journal_, true);
  ASSERT_TRUE(positions.keep({position_of(5, 100)}, journal_->end()));
  std::vector<std::unique_ptr<SimulatedDisk>> moments;
  disk_.before_change = [&](const std::string&) {
    moments.push_back(disk_.after_kill());
    moments.push_back(disk_.after_power_cut(nullptr));
  };
  ASSERT_TRUE(positions.keep({position_of(5, 200)}, journal_->end()));
  disk_.before_change = {};
  moments.push_back(disk_.after_power_cut(nullptr));
  ASSERT_GE(moments.size(), 9U);
  for (const auto& moment : moments) {
    const auto found = opened(*moment, *journal_);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_TRUE(found[0].after == 100 || found[0].after == 200);
    EXPECT_TRUE(TailPositions::open(*moment, "/data", *journal_, true)->keep({}, journal_->end()));
    EXPECT_TRUE(opened(*moment, *journal_).empty());
  }
  EXPECT_EQ(opened(*moments.back(), *journal_).size(), 0U);
  EXPECT_EQ(opened(disk_, *journal_)[0].after, 200);
}

TEST_F(TailPositionsTest, AnyDamageIsTold) {
  TailPositions positions = *TailPositions::open(disk_, "/data", *journal_, true);
  ASSERT_TRUE(positions.keep({position_of(5, 100)}, journal_->end()));
  const std::string whole = *read_file(disk_, "/data/tails", limits::kMiB);
  const auto is_refused = [&](std::string text, ErrorCode code) {
    ASSERT_TRUE(disk_.unlink("/data/tails"));
    disk_.put("/data/tails", std::move(text), 1);
    const auto found = TailPositions::open(disk_, "/data", *journal_, true);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, code);
    EXPECT_NE(found.error().message.find("/data/tails"), std::string::npos);
  };
  for (size_t i = 1; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    is_refused(damaged, ErrorCode::corrupt);
    is_refused(whole.substr(0, i), ErrorCode::corrupt);
  }
  is_refused("2" + whole.substr(1), ErrorCode::newer_format);
}

}  // namespace
}  // namespace adweave::source
