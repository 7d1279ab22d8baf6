// SPDX-License-Identifier: Apache-2.0
#include "state/state.h"

#include <algorithm>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "base/time.h"
#include "state/dimensions.h"
#include "state/ordered_list.h"
#include "state/snapshot.h"

namespace adweave::state {
namespace {

TEST(IdsSeen, FindsWhatWasInsertedThroughEveryGrowth) {
  IdsSeen ids;
  EXPECT_FALSE(ids.find(hash128("nothing")));
  for (int i = 0; i < 10'000; ++i) {
    const Hash128 key = hash128(std::to_string(i));
    ASSERT_FALSE(ids.find(key));
    ids.insert(key,
               {static_cast<uint64_t>(i), static_cast<uint32_t>(i / 100), 3, pack_position(i, -1)});
  }
  for (int i = 0; i < 10'000; ++i) {
    const auto seen = ids.find(hash128(std::to_string(i)));
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->content_hash, static_cast<uint64_t>(i));
    EXPECT_EQ(seen->commit, static_cast<uint32_t>(i / 100));
  }
  EXPECT_EQ(ids.size(), 10'000);
}

TEST(IdsSeen, KeysThatFallIntoOneSlotAreKeptApart) {
  IdsSeen ids;
  for (uint64_t i = 0; i < 100; ++i) ids.insert({i, 7}, {i, 0, 0, 0});
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(ids.find({i, 7})->content_hash, i);
  EXPECT_FALSE(ids.find({100, 7}));
}

TEST(IdsSeen, PositionsArePackedExactly) {
  for (const int64_t offset : {int64_t{0}, int64_t{1}, int64_t{8} << 40}) {
    for (const int32_t element : {-1, 0, 5, 1'000'000}) {
      const uint64_t packed = pack_position(offset, element);
      EXPECT_EQ(packed_offset(packed), offset);
      EXPECT_EQ(packed_element(packed), element);
    }
  }
}

TEST(Journeys, AreKeptByPersonAndAdvertiser) {
  Journeys journeys;
  Journey& journey = journeys.of(hash128("p"), "a");
  EXPECT_EQ(&journeys.of(hash128("p"), "a"), &journey);
  EXPECT_NE(&journeys.of(hash128("p"), "b"), &journey);
  for (const auto& [time, id] : {std::pair{5, "z"}, {3, "b"}, {5, "a"}, {1, "c"}}) {
    journeys.add(journey, Touch{.time = time, .event_id = journeys.strings().code_of(id)});
  }
  std::string order;
  for (const Touch& touch : journey.touches) order += journeys.strings()[touch.event_id];
  EXPECT_EQ(order, "cbaz");
}

// Against a sorted vector: in order, backwards, anywhere.
TEST(OrderedList, KeepsItsOrderWhereverItemsCome) {
  std::mt19937 random(7);
  const auto check = [](const std::vector<int>& come) {
    OrderedList<int, 4> list;
    std::vector<int> sorted;
    for (const int item : come) {
      list.insert(list.partition_point([&](int other) { return other < item; }), item);
      sorted.insert(std::lower_bound(sorted.begin(), sorted.end(), item), item);
      ASSERT_EQ(list.back(), sorted.back());
    }
    ASSERT_EQ(list.size(), sorted.size());
    ASSERT_TRUE(std::equal(list.begin(), list.end(), sorted.begin(), sorted.end()));
    std::vector<int> backwards;
    for (auto at = list.end(); at != list.begin();) backwards.push_back(*--at);
    ASSERT_TRUE(std::equal(backwards.begin(), backwards.end(), sorted.rbegin(), sorted.rend()));
    for (int item = -1; item <= 101; ++item) {
      const auto at = list.partition_point([&](int other) { return other < item; });
      const auto expected = std::lower_bound(sorted.begin(), sorted.end(), item);
      ASSERT_EQ(std::distance(list.begin(), at), expected - sorted.begin()) << item;
    }
  };
  std::vector<int> items(100);
  std::iota(items.begin(), items.end(), 0);
  for (size_t count : {0, 1, 3, 4, 5, 8, 9, 100}) {
    std::vector<int> some(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(count));
    check(some);
    check({some.rbegin(), some.rend()});
    for (int round = 0; round < 20; ++round) {
      std::shuffle(some.begin(), some.end(), random);
      check(some);
    }
  }
}

std::unique_ptr<State> some_state() {
  auto made = std::make_unique<State>();
  State& state = *made;
  state.files.code_of({"clicks", "a.csv", "m"});
  for (int i = 0; i < 50; ++i)
    state.ids.insert(hash128(std::to_string(i)), {7, 2, 0, pack_position(i, i % 3 - 1)});
  StringPool& strings = state.journeys.strings();
  for (const char* person : {"p", "q"}) {
    Journey& journey = state.journeys.of(hash128(person), "adv");
    for (int i = 0; i < 5; ++i) {
      state.journeys.add(journey,
                         Touch{.time = i, .event_id = strings.code_of("t" + std::to_string(i))});
    }
    Conversion conversion;
    conversion.time = 9;
    conversion.event_id = strings.code_of(std::string("v") + person);
    conversion.credits = {{1, 2, 3, 4, 5, 6}, {2, 2, 0, 0, 0, 0}};
    state.journeys.add(journey, conversion);
  }
  return made;
}

TEST(Snapshot, IsReadBackAsItWasWritten) {
  const std::string bytes = to_snapshot(*some_state(), 7, "commit");
  const std::unique_ptr<State> read = from_snapshot(bytes, "commit").state;
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(to_snapshot(*read, 7, "commit"), bytes);
  EXPECT_EQ(read->ids.size(), 50);
  EXPECT_NE(read->journeys.with_conversion("adv", "vq"), nullptr);
  EXPECT_EQ(from_snapshot(bytes, "another commit").state, nullptr);
}

TEST(Snapshot, EveryChangedByteAndEveryTruncationIsFound) {
  const std::string bytes = to_snapshot(*some_state(), 7, "commit");
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string altered = bytes;
    altered[i] = static_cast<char>(altered[i] ^ 4);
    ASSERT_EQ(from_snapshot(altered, "commit").state, nullptr) << i;
    ASSERT_EQ(from_snapshot(bytes.substr(0, i), "commit").state, nullptr) << i;
  }
}

TEST(Dimension, AnswersAsOfATime) {
  const auto dimension =
      Dimension::load("creatives", {"creative_id", "ad_group_id", "valid_from", "valid_to"},
                      {{"1", "g2", "2023-11-01", ""}, {"1", "g1", "", "2023-11-01T00:00:00Z"}});
  ASSERT_TRUE(dimension);
  const int64_t change = days_from_civil(2023, 11, 1) * 86'400'000'000;
  EXPECT_EQ(dimension->find("1", change - 1, "ad_group_id"), "g1");
  EXPECT_EQ(dimension->find("1", change, "ad_group_id"), "g2");
  EXPECT_EQ(dimension->find("1", change, "campaign_id"), "");
  EXPECT_EQ(dimension->find("2"), nullptr);
  EXPECT_EQ(dimension->find("2", change, "ad_group_id"), "");
}

TEST(Dimension, SaysWhichRowIsWrong) {
  const std::vector<std::string> columns = {"creative_id", "valid_from", "valid_to"};
  EXPECT_FALSE(Dimension::load("creatives", {"id"}, {}));
  EXPECT_NE(Dimension::load("creatives", columns, {{"1", "soon", ""}})
                .error()
                .message.find("row 2: valid_from 'soon'"),
            std::string::npos);
  EXPECT_NE(Dimension::load("creatives", columns, {{"1", "", ""}, {"1", "2023-01-01", ""}})
                .error()
                .message.find("rows 2 and 3: two versions of '1' overlap"),
            std::string::npos);
}

TEST(Dimension, ExchangeRatesAreAboveZero) {
  const std::vector<std::string> columns = {"currency", "valid_from", "EUR"};
  EXPECT_TRUE(Dimension::load("exchange_rates", columns, {{"USD", "", "0.92"}, {"GBP", "", ""}}));
  for (const char* rate : {"0", "-1", "much"}) {
    const auto loaded = Dimension::load("exchange_rates", columns, {{"USD", "2023-01-01", rate}});
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().message.find("row 2: EUR '" + std::string(rate) + "' is no rate"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace adweave::state
