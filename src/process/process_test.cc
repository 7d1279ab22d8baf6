// SPDX-License-Identifier: Apache-2.0
// Validation, enrichment and deduplication on hand-made rows.
#include <gtest/gtest.h>

#include "base/time.h"
#include "event/flags.h"
#include "process/deduplicate.h"
#include "process/prepare.h"
#include "tests/support/times.h"

namespace adweave::process {
namespace {

using event::Batch;
using event::Kind;
using event::Reason;

using tests::kNoon;

event::DecodedSlice slice_of(const std::string& file = "f", int64_t begin = 0) {
  event::Slice slice;
  slice.source = "s";
  slice.file = file;
  slice.begin = begin;
  slice.received_time = kNoon;
  slice.bytes = std::make_shared<const std::string>(10'000, 'r');
  return event::DecodedSlice(std::move(slice));
}

// A click as decode/ leaves it.
void add_click(event::DecodedSlice& slice, const char* id, const char* user,
               int64_t time = kNoon - 1) {
  Batch& batch = slice.batch(Kind::click);
  const int64_t row = batch.rows++;
  if (id != nullptr) batch.event_id.put(row, id);
  batch.event_time.put(row, time);
  batch.received_time.put(row, slice.slice.received_time);
  batch.campaign_id.put(row, "c");
  batch.user_id.put(row, user);
  batch.source.put(row, "s");
  batch.source_length.put(row, 10);
  batch.spans.push_back({row * 10, 10, -1});
}

class Deduplication : public ::testing::Test {
 protected:
  // Of a slice of one piece.
  DedupCounts run(event::DecodedSlice decoded, Occurrences& occurrences,
                  const DedupContext& context = {1, "m", true}) {
    prepared_ = prepare(std::move(decoded), {});
    return deduplicate(*prepared_, context, state_, occurrences, duplicates_, rejects_).front();
  }
  const Batch& clicks() const { return prepared_->decoded.batch(Kind::click); }

  std::optional<PreparedSlice> prepared_;
  state::State state_;
  event::DuplicateRows duplicates_;
  event::RejectRows rejects_;
};

TEST_F(Deduplication, SameIdSameContentIsADuplicateOtherContentAConflict) {
  auto slice = slice_of();
  add_click(slice, "a", "u1");
  add_click(slice, "a", "u1");
  add_click(slice, "a", "u2");
  Occurrences occurrences;
  const DedupCounts counts = run(std::move(slice), occurrences);
  EXPECT_EQ(counts.accepted, 1);
  EXPECT_EQ(counts.duplicate, 1);
  EXPECT_EQ(counts.conflict, 1);
  EXPECT_EQ(duplicates_.source_position[0], "f:10");
  EXPECT_EQ(duplicates_.first_position[0], "f:0");
  EXPECT_EQ(rejects_.outcome[0], "conflict");
  EXPECT_EQ(rejects_.raw[0], std::string(10, 'r'));
}

TEST_F(Deduplication, ContentsOfDifferentMappingsAreNotCompared) {
  Occurrences occurrences;
  auto first = slice_of();
  add_click(first, "a", "u1");
  run(std::move(first), occurrences);
  auto second = slice_of("g");
  add_click(second, "a", "u2");
  EXPECT_EQ(run(std::move(second), occurrences, {2, "other", true}).duplicate, 1);
}

TEST_F(Deduplication, RowsWithoutIdAreKeptTwiceWithinAFileAndOnceAcrossFiles) {
  auto first = slice_of();
  for (int i = 0; i < 3; ++i) add_click(first, nullptr, "u1");
  Occurrences of_first;
  EXPECT_EQ(run(std::move(first), of_first).accepted, 3);
  EXPECT_FALSE(clicks().flags.value_or(0, 0) & event::kPossibleDuplicate);
  EXPECT_TRUE(clicks().flags.value_or(2, 0) & event::kPossibleDuplicate);
  EXPECT_TRUE(clicks().event_id[2].ends_with(".3"));
  EXPECT_EQ(fingerprint_in(clicks().event_id[0]), fingerprint_in(clicks().event_id[2]));

  auto overlap = slice_of("g");
  for (int i = 0; i < 4; ++i) add_click(overlap, nullptr, "u1");
  Occurrences of_overlap;
  const DedupCounts counts = run(std::move(overlap), of_overlap);
  EXPECT_EQ(counts.accepted, 1);
  EXPECT_EQ(counts.duplicate, 3);
  EXPECT_EQ(counts.conflict, 0);
}

TEST_F(Deduplication, RowsWithoutIdOfTwoDeliveriesAreTwo) {
  Occurrences of_first;
  auto first = slice_of("journal:7");
  add_click(first, nullptr, "u1");
  add_click(first, nullptr, "u1");
  EXPECT_EQ(run(std::move(first), of_first).accepted, 2);
  EXPECT_TRUE(clicks().event_id[0].ends_with("@7:0"));
  EXPECT_TRUE(clicks().event_id[1].ends_with("@7:10"));
  EXPECT_TRUE(clicks().flags.value_or(1, 0) & event::kPossibleDuplicate);
  EXPECT_EQ(fingerprint_in(clicks().event_id[0]), fingerprint_in(clicks().event_id[1]));

  Occurrences of_second;
  auto second = slice_of("journal:7:4096");
  add_click(second, nullptr, "u1");
  EXPECT_EQ(run(std::move(second), of_second).accepted, 1);
  EXPECT_TRUE(clicks().event_id[0].ends_with("@7:4096:0"));
}

TEST_F(Deduplication, OffMeansNeverLookedUpAndFlagged) {
  Occurrences occurrences;
  auto slice = slice_of();
  add_click(slice, "a", "u1");
  add_click(slice, "a", "u1");
  EXPECT_EQ(run(std::move(slice), occurrences, {1, "m", false}).accepted, 2);
  EXPECT_TRUE(clicks().flags[1] & event::kNotDeduplicated);
  EXPECT_EQ(state_.ids.size(), 0);
}

TEST_F(Deduplication, CommittedRowsAreRememberedAsTheRunRememberedThem) {
  Occurrences occurrences;
  auto slice = slice_of("dir/f:1.csv", 77);
  add_click(slice, "a", "u1");
  add_click(slice, nullptr, "u1");
  run(std::move(slice), occurrences);
  Batch committed = clicks();
  for (int64_t row = 0; row < committed.rows; ++row) committed.commit.put(row, 1);
  state::State rebuilt;
  for (int64_t row = 0; row < committed.rows; ++row) remember(rebuilt, committed, row, "m");
  for (int64_t row = 0; row < committed.rows; ++row) {
    const Hash128 key = identity_key(Kind::click, "default", committed.event_id.hash(row));
    const state::Seen a = *state_.ids.find(key);
    const state::Seen b = *rebuilt.ids.find(key);
    EXPECT_EQ(a.content_hash, b.content_hash);
    EXPECT_EQ(a.commit, b.commit);
    EXPECT_EQ(a.position, b.position);
    EXPECT_EQ(state_.files[a.file], rebuilt.files[b.file]);
  }
}

TEST(Validate, RowsThatBreakARuleBecomeRejects) {
  auto slice = slice_of();
  add_click(slice, "ok", "u");
  add_click(slice, "1970", "u", 0);
  add_click(slice, "future", "u", kNoon + 600'000'001);
  add_click(slice, "just", "u", kNoon + 600'000'000);
  add_click(slice, "late", "u", kNoon - 86'400'000'001);
  slice.batch(Kind::click).campaign_id.clear(0);
  const PreparedSlice prepared = prepare(std::move(slice), {});
  const Batch& batch = prepared.decoded.batch(Kind::click);
  ASSERT_EQ(batch.rows, 2);
  EXPECT_EQ(batch.event_id[0], "just");
  EXPECT_EQ(batch.flags.value_or(0, 0), 0);
  EXPECT_EQ(batch.flags.value_or(1, 0), event::kLate);
  EXPECT_EQ(prepared.fingerprints[static_cast<size_t>(Kind::click)].size(), 2U);
  ASSERT_EQ(prepared.decoded.rejects.size(), 3U);
  EXPECT_EQ(prepared.decoded.rejects[0].reason, Reason::missing_field);
  EXPECT_EQ(prepared.decoded.rejects[0].rule, "campaign_id");
  EXPECT_EQ(prepared.decoded.rejects[1].reason, Reason::time_out_of_range);
}

TEST(Enrich, TimeFeaturesFollowTheLocalClock) {
  auto slice = slice_of();
  add_click(slice, "a", "u", kNoon - 86'400'000'000 / 2);  // 2023-11-01T00:00:00Z
  PrepareRules rules;
  rules.zone = *TimeZone::find("America/New_York");
  const PreparedSlice prepared = prepare(std::move(slice), rules);
  const Batch& batch = prepared.decoded.batch(Kind::click);
  EXPECT_EQ(batch.part_of_day[0], "evening");  // 20:00 the day before
  EXPECT_EQ(batch.weekday[0], 2);
  EXPECT_EQ(batch.is_weekend[0], 0);
  EXPECT_EQ(batch.season[0], "autumn");
  EXPECT_EQ(batch.local_time_zone[0], "America/New_York");
}

TEST(Enrich, TheHierarchyFillsWhatTheFeedDoesNotGive) {
  state::Dimensions dimensions;
  dimensions.emplace(
      "campaigns",
      *state::Dimension::load("campaigns", {"campaign_id", "advertiser_id"}, {{"c", "acme"}}));
  auto slice = slice_of();
  add_click(slice, "a", "u");
  add_click(slice, "b", "u");
  slice.batch(Kind::click).campaign_id.replace(1, "nobody's");
  PrepareRules rules;
  rules.dimensions = dimensions;
  const PreparedSlice prepared = prepare(std::move(slice), rules);
  const Batch& batch = prepared.decoded.batch(Kind::click);
  EXPECT_EQ(batch.advertiser_id[0], "acme");
  EXPECT_EQ(batch.advertiser_id[1], "default");
  EXPECT_EQ(batch.flags.value_or(0, 0), 0);
  EXPECT_EQ(batch.flags.value_or(1, 0), event::kUnknownDimension);
  EXPECT_EQ(batch.person_id[0], "u");
  EXPECT_EQ(batch.joined_by[0], "none");
}

}  // namespace
}  // namespace adweave::process
