// SPDX-License-Identifier: Apache-2.0
#include "process/attribute.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "process/attribute_test_support.h"

namespace adweave::process {
namespace {

Net attribute_all(const std::vector<Batch>& events) {
  Commits commits;
  commits.commit(events);
  return commits.credits;
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
    for (const char* reason : {"won", "outside_window", "lower_class", "superseded", "repeat"}) {
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

// More than are recorded, in any order: the winner is told however old it is, of the others the
// latest, with their places in the whole path.
TEST(Attribute, APersonMayHaveVeryManyTouches) {
  constexpr int kTouches = 3000;
  constexpr int kRecorded = limits::kTouchesPerConversionMax;
  std::vector<Batch> events = {click("c", kNoon), conversion("v", kNoon + kTouches)};
  for (int i = 1; i < kTouches; ++i)
    events.push_back(impression("i" + std::to_string(i), kNoon + i));
  std::shuffle(events.begin(), events.end(), std::mt19937(5));
  Net expected = {{fmt::format("v c click won campaign of c {} 100 1 {} {} ", limits::kCreditPpb,
                               kTouches, kTouches),
                   1}};
  for (int i = kTouches - kRecorded; i < kTouches; ++i) {
    expected[fmt::format("v i{0} view lower_class campaign of i{0} 0 0 {1} {2} {3} ", i, i + 1,
                         kTouches, kTouches - i)] = 1;
  }
  EXPECT_EQ(attribute_all(events), expected);
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
  Commits commits;
  const Batch view = impression("i", kNoon);
  EXPECT_EQ(commits.commit({view, conversion("v", kNoon + 10)}).credits.rows, 1);
  const event::CreditRows after = commits.commit({click("c", kNoon + 5)}).credits;
  ASSERT_EQ(after.rows, 3);  // the view's credit back; click won; view lower_class
  EXPECT_EQ(after.sign[0], -1);
  EXPECT_EQ(after.touch_id[0], "i");
  EXPECT_EQ(after.value[0], 100);
  EXPECT_EQ(commits.commit({view}).credits.rows, 0);
}

Batch click_on(const std::string& id, int64_t time, const char* impression_id,
               const char* person = "p") {
  Batch batch = event_of(Kind::click, id, time, person);
  batch.impression_id.put(0, impression_id);
  return batch;
}

Batch of_campaign(Batch batch, const char* campaign) {
  batch.campaign_id = {};
  batch.campaign_id.put(0, campaign);
  return batch;
}

TEST(Joins, AClickFindsTheImpressionItNamesInItsCommitOrLater) {
  Commits commits;
  const auto first = commits.commit({impression("i", kNoon), click_on("c", kNoon + 5, "i"),
                                     click_on("d", kNoon + 9'000'000, "late", nullptr)});
  EXPECT_EQ(first.facts.rows, 0);
  EXPECT_EQ(commits.clicks(),
            (std::map<std::string, std::string>{{"c", "i false"}, {"d", "- false"}}));
  const event::FactRows facts = commits.commit({impression("late", kNoon)}).facts;
  ASSERT_EQ(facts.rows, 1);
  EXPECT_EQ(facts.fact[0], "joined_impression");
  EXPECT_EQ(facts.fact_value[0], "late");
  EXPECT_EQ(facts.sign[0], 1);
  EXPECT_EQ(commits.clicks()["d"], "late false");
}

TEST(Joins, WithoutAnIdItIsTheLatestImpressionOfPersonAndCampaignInsideSixHours) {
  const auto joined = [](const std::vector<Batch>& views) {
    Commits commits;
    std::vector<Batch> rows = views;
    rows.push_back(of_campaign(click("c", kNoon), "x"));
    commits.commit(std::move(rows));
    return commits.clicks()["c"];
  };
  const auto view = [](const char* id, int64_t before, const char* campaign = "x") {
    return of_campaign(impression(id, kNoon - before), campaign);
  };
  EXPECT_EQ(joined({view("a", 9), view("b", 3)}), "b false");
  EXPECT_EQ(joined({view("b", 3), view("a", 3), view("c1", 4)}), "a false");
  EXPECT_EQ(joined({view("a", 9), view("b", 3, "y")}), "a false");
  EXPECT_EQ(joined({view("a", limits::kClickJoinWindowUs - 1)}), "a false");
  EXPECT_EQ(joined({view("a", limits::kClickJoinWindowUs)}), "- false");
  EXPECT_EQ(joined({view("a", 0)}), "a false");
  EXPECT_EQ(joined({view("a", -1)}), "- false");
}

TEST(Joins, ABetterImpressionThatComesLateReplacesTheFact) {
  Commits commits;
  const auto view = [](const char* id, int64_t before) {
    return of_campaign(impression(id, kNoon - before), "x");
  };
  commits.commit({of_campaign(click("c", kNoon), "x")});
  EXPECT_EQ(commits.commit({view("a", 9)}).facts.rows, 1);
  commits.rebuild();
  const event::FactRows facts = commits.commit({view("b", 5)}).facts;
  ASSERT_EQ(facts.rows, 2);
  EXPECT_EQ(facts.fact_value[0], "a");
  EXPECT_EQ(facts.sign[0], -1);
  EXPECT_EQ(commits.clicks()["c"], "b false");
}

TEST(Joins, ADoubleClickIsNoTouchAndItsWindowIsHalfOpen) {
  const auto doubled = [](int64_t after) {
    Commits commits;
    commits.commit({impression("i", kNoon), click_on("c", kNoon, "i"),
                    click_on("d", kNoon + after, "i", nullptr)});
    return commits.clicks()["d"];
  };
  EXPECT_EQ(doubled(0), "i true");
  EXPECT_EQ(doubled(limits::kDoubleClickUs - 1), "i true");
  EXPECT_EQ(doubled(limits::kDoubleClickUs), "i false");
  const std::vector<Batch> events = {impression("i", kNoon), click_on("c", kNoon, "i"),
                                     click_on("d", kNoon + 1, "i"), conversion("v", kNoon + 2)};
  EXPECT_EQ(winner(events), "c");
  EXPECT_EQ(reason_of(events, "d"), "repeat");
}

TEST(Joins, AnEarlierClickThatComesLateMakesTheOtherDouble) {
  Commits commits;
  commits.commit(
      {impression("i", kNoon), click_on("d", kNoon + 7, "i"), conversion("v", kNoon + 9)});
  const Attribution made = commits.commit({click_on("c", kNoon + 2, "i")});
  ASSERT_EQ(made.facts.rows, 1);
  EXPECT_EQ(made.facts.fact[0], "double_click");
  EXPECT_EQ(made.facts.fact_value[0], "true");
  EXPECT_EQ(commits.clicks()["d"], "i true");
  EXPECT_EQ(commits.credits.count("v c click won campaign of c 1000000000 100 1 2 7 "), 0U);
  EXPECT_EQ(commits.credits.count("v c click won campaign of c 1000000000 100 2 2 7 "), 1U);
}

Batch conversion_of_type(const std::string& id, int64_t time, const char* type) {
  Batch batch = conversion(id, time);
  batch.conversion_type = {};
  batch.conversion_type.put(0, type);
  return batch;
}

TEST(Repeats, OneSignUpAndManyPurchasesPerClickAndOneOfEachPerView) {
  const auto reasons = [](const Batch& touch, const char* type) {
    std::string found;
    for (const auto& [key, count] : attribute_all({touch, conversion_of_type("v", kNoon + 1, type),
                                                   conversion_of_type("w", kNoon + 2, type)})) {
      for (const char* reason : {"won", "repeat", "unattributed"}) {
        if (key.find(" " + std::string(reason) + " ") != std::string::npos)
          found += key.substr(0, 1) + " " + reason + ", ";
      }
    }
    return found;
  };
  EXPECT_EQ(reasons(click("c", kNoon), "signup"), "v won, w unattributed, w repeat, ");
  EXPECT_EQ(reasons(click("c", kNoon), "purchase"), "v won, w won, ");
  EXPECT_EQ(reasons(impression("i", kNoon), "purchase"), "v won, w unattributed, w repeat, ");
}

Batch adjustment(const std::string& id, int64_t time, const char* what, const char* of,
                 int64_t value) {
  Batch batch = conversion(id, time);
  batch.value = {};
  batch.value.put(0, value);
  batch.adjustment.put(0, what);
  batch.adjusts.put(0, of);
  return batch;
}

int64_t credited(const Commits& commits) {
  int64_t value = 0;
  for (const auto& [key, count] : commits.credits) {
    const size_t at = key.find(" 1000000000 ");
    if (at != std::string::npos) value += count * std::stoll(key.substr(at + 12));
  }
  return value;
}

TEST(Adjustments, TheLatestRestatementHoldsAndARetractionIsFinalInAnyOrder) {
  const Batch bought = conversion("v", kNoon + 10);
  const Batch less = adjustment("r1", kNoon + 20, "restatement", "v", 60);
  const Batch more = adjustment("r2", kNoon + 30, "restatement", "v", 80);
  const Batch back = adjustment("r0", kNoon + 15, "retraction", "v", 0);
  for (const auto& order : {std::vector{bought, less, more},
                            {more, bought, less},
                            {less, more, bought},
                            {more, less, bought}}) {
    Commits commits;
    commits.commit({click("c", kNoon)});
    for (const Batch& batch : order) commits.commit({batch});
    EXPECT_EQ(credited(commits), 80);
    commits.rebuild();
    commits.commit({back});
    EXPECT_TRUE(commits.credits.empty());
    commits.commit({adjustment("r9", kNoon + 99, "restatement", "v", 5)});
    EXPECT_TRUE(commits.credits.empty());
  }
}

TEST(Adjustments, ARetractedConversionUsesUpNoClick) {
  Commits commits;
  commits.commit({click("c", kNoon), conversion_of_type("v", kNoon + 1, "signup"),
                  conversion_of_type("w", kNoon + 2, "signup")});
  EXPECT_EQ(commits.credits.count("w c click won campaign of c 1000000000 100 1 1 2 "), 0U);
  commits.commit({adjustment("r", kNoon + 5, "retraction", "v", 0)});
  EXPECT_EQ(commits.credits.count("w c click won campaign of c 1000000000 100 1 1 2 "), 1U);
}

TEST(Adjustments, ClosedPeriodsKeepTheirRowsAndCorrectionsArePostedToTheOpenOne) {
  Commits commits;
  const int64_t day = kNoon - limits::kDayUs / 2;
  commits.commit({click("c", kNoon), conversion("v", kNoon + 10)});
  commits.open_from = day + limits::kDayUs;
  const event::CreditRows rows =
      commits.commit({adjustment("r", kNoon + 20, "restatement", "v", 60)}).credits;
  ASSERT_EQ(rows.rows, 2);
  for (int64_t i = 0; i < rows.rows; ++i) EXPECT_EQ(rows.posting_date[i], day + limits::kDayUs);
  EXPECT_EQ(commits.commit({conversion("w", kNoon + 2 * limits::kDayUs)}).credits.posting_date[0],
            day + 2 * limits::kDayUs);
}

// A person's history with everything that can change something later.
std::vector<Batch> random_events(std::mt19937_64& random) {
  std::vector<Batch> events;
  for (int i = 0; i < 14; ++i) {
    const auto time = kNoon + static_cast<int64_t>(random() % 40) * (limits::kDayUs / 4) +
                      static_cast<int64_t>(random() % 3) * (limits::kDoubleClickUs / 2);
    const std::string id = std::to_string(i);
    const std::string other = std::to_string(random() % 14);
    const char* campaign = random() % 2 == 0 ? "x" : "y";
    switch (random() % 8) {
      case 0:
        events.push_back(of_campaign(click(id, time), campaign));
        break;
      case 1:
        events.push_back(click_on(id, time, other.c_str(), random() % 4 == 0 ? nullptr : "p"));
        break;
      case 2:
      case 3:
        events.push_back(of_campaign(impression(id, time, (random() & 1) != 0), campaign));
        break;
      case 4:
        events.push_back(adjustment(id, time, random() % 3 == 0 ? "retraction" : "restatement",
                                    other.c_str(), static_cast<int64_t>(random() % 1000)));
        break;
      case 5:
        events.push_back(conversion_of_type(id, time, "signup"));
        break;
      default:
        events.push_back(conversion(id, time));
        break;
    }
  }
  return events;
}

const std::vector<AttributionPolicy> kAllModels = [] {
  std::vector<AttributionPolicy> policies;
  for (const AttributionModel model :
       {AttributionModel::last_touch, AttributionModel::first_touch, AttributionModel::linear,
        AttributionModel::time_decay, AttributionModel::position_based}) {
    policies.emplace_back();
    policies.back().name = model_name(model);
    policies.back().model = model;
  }
  return policies;
}();

// Any order, cut into any commits, with snapshots that are written while they go on, and a rebuild
// of the state from snapshot and rows in between: the net credits, joins and double clicks are the
// same.
TEST(Attribute, ArrivalOrderAndCommitsDoNotMatter) {
  std::mt19937_64 random(11);
  int64_t snapshots_used = 0;
  for (int round = 0; round < 1000; ++round) {
    std::vector<Batch> events = random_events(random);
    Commits expected;
    expected.rules.policies = kAllModels;
    expected.commit(events);
    std::shuffle(events.begin(), events.end(), random);
    Commits commits;
    commits.rules.policies = kAllModels;
    for (size_t begin = 0; begin < events.size();) {
      const size_t count = std::min(events.size() - begin, 1 + random() % 5);
      commits.commit({events.begin() + static_cast<ptrdiff_t>(begin),
                      events.begin() + static_cast<ptrdiff_t>(begin + count)});
      begin += count;
      for (uint64_t steps = random() % 4; steps > 0; --steps)
        commits.snapshot(1 + static_cast<int64_t>(random() % 2000));
      if (random() % 3 == 0) commits.rebuild();
    }
    ASSERT_EQ(commits.credits, expected.credits) << "round " << round;
    ASSERT_EQ(commits.clicks(), expected.clicks()) << "round " << round;
    snapshots_used += commits.snapshots_used;
  }
  EXPECT_GT(snapshots_used, 100);
}

}  // namespace
}  // namespace adweave::process
