// SPDX-License-Identifier: Apache-2.0
#include "process/attribute.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace adweave::process {
namespace {

using event::Batch;
using event::Kind;

const std::vector<AttributionPolicy> kPolicies(1);

constexpr int64_t kNoon = 1'698'840'000'000'000;

// One event of person "p" of advertiser "a".
Batch event_of(Kind kind, const std::string& id, int64_t time, const char* person = "p") {
  Batch batch(kind);
  batch.rows = 1;
  batch.event_id.put(0, id);
  batch.event_time.put(0, time);
  batch.advertiser_id.put(0, "a");
  if (person != nullptr) batch.person_id.put(0, person);
  if (kind == Kind::conversion) {
    batch.conversion_type.put(0, "purchase");
    batch.value.put(0, 100);
    batch.currency.put(0, "EUR");
  } else {
    batch.campaign_id.put(0, "campaign of " + id);
  }
  return batch;
}

Batch impression(const std::string& id, int64_t time, bool viewable = false) {
  Batch batch = event_of(Kind::impression, id, time);
  if (viewable) batch.viewable.put(0, 1);
  return batch;
}
Batch click(const std::string& id, int64_t time) {
  return event_of(Kind::click, id, time);
}
Batch conversion(const std::string& id, int64_t time) {
  return event_of(Kind::conversion, id, time);
}

// Net rows of credits_log: (conversion, touch, reason, credit, value, path) -> how often.
using Net = std::map<std::string, int64_t>;

void add_net(Net& net, const event::CreditRows& rows) {
  for (int64_t i = 0; i < rows.rows; ++i) {
    std::string key;
    for (const std::string_view part :
         {rows.conversion_id[i], rows.touch_id.value_or(i, "-"), rows.touch_kind.value_or(i, "-"),
          rows.reason[i], rows.campaign_id.value_or(i, "-")}) {
      key.append(part).append(" ");
    }
    for (const int64_t number : {rows.credit[i], rows.value[i], rows.path_position.value_or(i, 0),
                                 rows.path_length.value_or(i, 0), rows.lag_us.value_or(i, -1)}) {
      key.append(std::to_string(number)).append(" ");
    }
    if ((net[key] += rows.sign[i]) == 0) net.erase(key);
  }
}

Net attribute_all(const std::vector<Batch>& events) {
  state::Journeys journeys;
  std::vector<const Batch*> batches;
  for (const Batch& batch : events) batches.push_back(&batch);
  Net net;
  add_net(net, attribute(batches, kPolicies, journeys));
  return net;
}

// The winner of conversion "v", or the reason when there is none.
std::string winner(const std::vector<Batch>& events) {
  for (const auto& [key, count] : attribute_all(events)) {
    if (key.find(" won ") != std::string::npos) return key.substr(2, key.find(' ', 2) - 2);
    if (key.find(" unattributed ") != std::string::npos) return "unattributed";
  }
  return "";
}

std::string reason_of(const std::vector<Batch>& events, const std::string& touch) {
  for (const auto& [key, count] : attribute_all(events)) {
    if (key.find(" " + touch + " ") == std::string::npos) continue;
    for (const char* reason : {"won", "outside_window", "lower_class", "superseded"}) {
      if (key.find(" " + std::string(reason) + " ") != std::string::npos) return reason;
    }
  }
  return "none";
}

TEST(Attribute, WindowsAreHalfOpenToTheMicrosecond) {
  const auto lag = [](Batch touch, int64_t lag_us) {
    return winner({touch, conversion("v", kNoon + lag_us)});
  };
  EXPECT_EQ(lag(click("c", kNoon), 0), "c");
  EXPECT_EQ(lag(click("c", kNoon), limits::kClickWindowUs - 1), "c");
  EXPECT_EQ(lag(click("c", kNoon), limits::kClickWindowUs), "unattributed");
  EXPECT_EQ(lag(click("c", kNoon), -1), "unattributed");
  EXPECT_EQ(lag(impression("i", kNoon), limits::kViewWindowUs - 1), "i");
  EXPECT_EQ(lag(impression("i", kNoon), limits::kViewWindowUs), "unattributed");
}

TEST(Attribute, ClickBeatsALaterViewAndViewableBeatsView) {
  const std::vector<Batch> events = {click("c", kNoon), impression("w", kNoon + 1, true),
                                     impression("i", kNoon + 2), conversion("v", kNoon + 3)};
  EXPECT_EQ(winner(events), "c");
  EXPECT_EQ(reason_of(events, "i"), "lower_class");
  EXPECT_EQ(winner({events[1], events[2], events[3]}), "w");
}

TEST(Attribute, AnExpiredClickFallsBackToAViewInsideItsWindow) {
  const std::vector<Batch> events = {click("c", kNoon - limits::kClickWindowUs),
                                     impression("i", kNoon - 5), conversion("v", kNoon)};
  EXPECT_EQ(winner(events), "i");
  EXPECT_EQ(reason_of(events, "c"), "outside_window");
}

TEST(Attribute, TheLatestThenTheSmallestIdWins) {
  EXPECT_EQ(winner({click("a", kNoon), click("b", kNoon + 1), conversion("v", kNoon + 2)}), "b");
  EXPECT_EQ(winner({click("b", kNoon), click("a", kNoon), conversion("v", kNoon + 2)}), "a");
  EXPECT_EQ(reason_of({click("b", kNoon), click("a", kNoon), conversion("v", kNoon + 2)}, "b"),
            "superseded");
}

TEST(Attribute, NobodysEventsNeverMeet) {
  EXPECT_EQ(winner({event_of(Kind::click, "c", kNoon, nullptr),
                    event_of(Kind::conversion, "v", kNoon + 1, nullptr)}),
            "unattributed");
  EXPECT_EQ(winner({event_of(Kind::click, "c", kNoon, "v"),
                    event_of(Kind::conversion, "v", kNoon + 1, nullptr)}),
            "unattributed");
}

TEST(Attribute, ALateTouchTakesTheOldCreditBack) {
  state::Journeys journeys;
  const Batch view = impression("i", kNoon);
  const Batch bought = conversion("v", kNoon + 10);
  const Batch* first[] = {&view, &bought};
  const event::CreditRows before = attribute(first, kPolicies, journeys);
  EXPECT_EQ(before.rows, 1);
  const Batch late = click("c", kNoon + 5);
  const Batch* second[] = {&late};
  const event::CreditRows after = attribute(second, kPolicies, journeys);
  ASSERT_EQ(after.rows, 3);  // the view's credit back; click won; view lower_class
  EXPECT_EQ(after.sign[0], -1);
  EXPECT_EQ(after.touch_id[0], "i");
  EXPECT_EQ(after.value[0], 100);
  const Batch* nothing[] = {&view};
  EXPECT_EQ(attribute(nothing, kPolicies, journeys).rows, 0);
}

std::vector<Batch> random_events(std::mt19937_64& random) {
  std::vector<Batch> events;
  for (int i = 0; i < 14; ++i) {
    const auto time = kNoon + static_cast<int64_t>(random() % 40) * (limits::kDayUs / 4);
    const std::string id = std::to_string(i);
    switch (random() % 4) {
      case 0:
        events.push_back(click(id, time));
        break;
      case 1:
        events.push_back(impression(id, time, (random() & 1) != 0));
        break;
      default:
        events.push_back(conversion(id, time));
        break;
    }
  }
  return events;
}

// Any order, cut into any commits, with a rebuild of the state from the rows in between: the net
// credits are the same.
TEST(Attribute, ArrivalOrderAndCommitsDoNotMatter) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 1000; ++round) {
    std::vector<Batch> events = random_events(random);
    const Net expected = attribute_all(events);
    std::shuffle(events.begin(), events.end(), random);
    auto journeys = std::make_unique<state::Journeys>();
    std::vector<event::CreditRows> log;
    Net net;
    for (size_t begin = 0; begin < events.size();) {
      const size_t count = std::min(events.size() - begin, 1 + random() % 5);
      std::vector<const Batch*> batches;
      for (size_t i = begin; i < begin + count; ++i) batches.push_back(&events[i]);
      begin += count;
      log.push_back(attribute(batches, kPolicies, *journeys));
      add_net(net, log.back());
      if (random() % 3 != 0) continue;
      journeys = std::make_unique<state::Journeys>();
      for (size_t i = 0; i < begin; ++i) remember_journeys(*journeys, events[i]);
      for (const event::CreditRows& rows : log) remember_credits(*journeys, rows);
    }
    ASSERT_EQ(net, expected) << "round " << round;
  }
}

TEST(Attribute, CreditsOfAConversionSumToItExactly) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 200; ++round) {
    const std::vector<Batch> events = random_events(random);
    state::Journeys journeys;
    std::vector<const Batch*> batches;
    for (const Batch& batch : events) batches.push_back(&batch);
    const event::CreditRows rows = attribute(batches, kPolicies, journeys);
    std::map<std::string, std::pair<int64_t, int64_t>> sums;
    for (int64_t i = 0; i < rows.rows; ++i) {
      auto& [credit, value] = sums[std::string(rows.conversion_id[i])];
      credit += rows.credit[i] * rows.sign[i];
      value += rows.value[i] * rows.sign[i];
    }
    for (const auto& [id, sum] : sums)
      EXPECT_EQ(sum, std::pair(limits::kCreditPpb, int64_t{100})) << id;
  }
}

}  // namespace
}  // namespace adweave::process
