// SPDX-License-Identifier: Apache-2.0
#include "process/count_events.h"

#include <gtest/gtest.h>

namespace adweave::process {
namespace {

using event::Field;
using event::Kind;

event::Batch clicks(std::initializer_list<std::pair<int64_t, const char*>> rows) {
  event::Batch batch(Kind::click);
  for (const auto& [time, campaign] : rows) {
    const int64_t row = batch.rows++;
    batch.event_time.put(row, time);
    if (campaign != nullptr) batch.campaign_id.put(row, campaign);
  }
  return batch;
}

TEST(CountEventsTest, WindowsAreHalfOpenAndBeginAtMultiplesAlsoBefore1970) {
  const event::Batch batch = clicks({{-1, "a"}, {0, "a"}, {9, "a"}, {10, "a"}, {-10, "a"}});
  EventCounts counts;
  count_events(batch, std::vector<int32_t>{0, 1, 2, 3, 4}, {{}, 10}, counts);
  const EventCounts expected = {
      {{-10, Kind::click, {}}, 2}, {{0, Kind::click, {}}, 2}, {{10, Kind::click, {}}, 1}};
  EXPECT_EQ(counts, expected);
}

TEST(CountEventsTest, OnlyTheRowsNamedAreCountedAndNullIsAValue) {
  const event::Batch batch = clicks({{1, "a"}, {2, nullptr}, {3, "b"}, {4, "a"}, {5, nullptr}});
  EventCounts counts;
  count_events(batch, std::vector<int32_t>{0, 1, 3, 4}, {{Field::campaign_id, Field::website}, 0},
               counts);
  const EventCounts expected = {{{0, Kind::click, {"a", std::nullopt}}, 2},
                                {{0, Kind::click, {std::nullopt, std::nullopt}}, 2}};
  EXPECT_EQ(counts, expected);
}

TEST(CountEventsTest, BatchesWithOtherDictionariesAddUp) {
  EventCounts counts;
  const std::vector<int32_t> both = {0, 1};
  count_events(clicks({{1, "a"}, {2, "b"}}), both, {{Field::campaign_id}, 0}, counts);
  count_events(clicks({{1, "b"}, {2, "c"}}), both, {{Field::campaign_id}, 0}, counts);
  const EventCounts expected = {
      {{0, Kind::click, {"a"}}, 1}, {{0, Kind::click, {"b"}}, 2}, {{0, Kind::click, {"c"}}, 1}};
  EXPECT_EQ(counts, expected);
}

}  // namespace
}  // namespace adweave::process
