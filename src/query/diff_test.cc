// SPDX-License-Identifier: Apache-2.0
#include "query/diff.h"

#include <map>

#include <gtest/gtest.h>

#include "base/money.h"
#include "event/flags.h"
#include "query/metrics.h"
#include "tests/support/times.h"
#include "tests/support/written_ledger.h"

namespace adweave::query {
namespace {

using event::Batch;
using event::Kind;
using tests::WrittenLedger;

using tests::kNoon;

// One commit with everything that can come between two: each cause has rows.
class DiffTest : public ::testing::Test {
 protected:
  static int64_t add_click(Batch& batch, const std::string& id, int64_t cost) {
    const int64_t row = WrittenLedger::add_event(batch, id, kNoon);
    batch.campaign_id.put(row, "7");
    batch.cost.put(row, cost);
    batch.currency.put(row, "EUR");
    return row;
  }

  static int64_t add_conversion(Batch& batch, const std::string& id, int64_t value) {
    const int64_t row = WrittenLedger::add_event(batch, id, kNoon);
    batch.conversion_type.put(row, "sale");
    batch.value.put(row, value);
    batch.currency.put(row, "EUR");
    return row;
  }

  // The touch of campaign `campaign` has the whole conversion, or has it no more.
  static void add_credit(event::CreditRows& rows, const std::string& conversion,
                         const std::string& campaign, int64_t value, int64_t sign) {
    const int64_t row = rows.rows++;
    rows.conversion_id.put(row, conversion);
    rows.touch_id.put(row, "t" + campaign);
    rows.touch_kind.put(row, "click");
    rows.policy.put(row, "default");
    rows.model.put(row, "last_touch");
    rows.credit.put(row, 1'000'000'000);
    rows.value.put(row, value);
    rows.currency.put(row, "EUR");
    rows.conversion_type.put(row, "sale");
    rows.advertiser_id.put(row, "a");
    rows.touch_time.put(row, kNoon);
    rows.conversion_time.put(row, kNoon);
    rows.campaign_id.put(row, campaign);
    rows.posting_date.put(row, kNoon);
    rows.reason.put(row, "won");
    rows.sign.put(row, sign);
  }

  void write_before() {
    Batch clicks(Kind::click);
    add_click(clicks, "c1", 10);
    Batch sales(Kind::conversion);
    add_conversion(sales, "moved", 3);
    add_conversion(sales, "changed", 5);
    event::CreditRows credits;
    add_credit(credits, "moved", "7", 3, 1);
    add_credit(credits, "changed", "7", 5, 1);
    before_ = folder_.commit(
        {event::table_rows(clicks), event::table_rows(sales), event::table_rows(credits)});
  }

  void write_after() {
    Batch clicks(Kind::click);
    add_click(clicks, "c2", 1);
    clicks.flags.put(add_click(clicks, "c3", 2), event::kLate);
    Batch sales(Kind::conversion);
    sales.flags.put(add_conversion(sales, "late", 100), event::kLate);
    const int64_t row = add_conversion(sales, "r1", 6);
    sales.adjustment.put(row, "restatement");
    sales.adjusts.put(row, "changed");
    event::CreditRows credits;
    add_credit(credits, "moved", "7", 3, -1);
    add_credit(credits, "moved", "8", 3, 1);
    add_credit(credits, "late", "7", 100, 1);
    add_credit(credits, "changed", "7", 5, -1);
    add_credit(credits, "changed", "7", 6, 1);
    folder_.commit(
        {event::table_rows(clicks), event::table_rows(sales), event::table_rows(credits)},
        {{"campaigns", "campaign_id,name\n7,Shoes\n"}});
    Batch replayed(Kind::click);
    add_click(replayed, "c4", 4);
    after_ = folder_.commit({event::table_rows(replayed)}, {}, "replay");
  }

  // Non-zero causes of a metric by group, in nanos or counts; checks that they sum.
  std::map<std::string, std::map<std::string, int64_t>> causes(const std::string& metric,
                                                               std::vector<std::string> by = {}) {
    const auto result =
        diff(folder_.dir(), folder_.ledger(), {before_, after_, by, {metric}, "UTC"});
    CHECK(result);
    std::map<std::string, std::map<std::string, int64_t>> found;
    for (const auto& row : result->table.rows) {
      std::map<std::string, int64_t> values;
      for (size_t i = 0; i < row.size(); ++i) values[result->table.columns[i]] = number(row[i]);
      int64_t sum = 0;
      auto& group = found[by.empty() || row[0].is_null() ? "" : *row[0].as_string()];
      for (const DiffCause& cause : diff_causes()) {
        const int64_t part = values[std::string(cause.name)];
        sum += part;
        if (part != 0) group[std::string(cause.name)] = part;
      }
      EXPECT_EQ(sum, values["difference"]) << metric;
      EXPECT_EQ(values["after"] - values["before"], values["difference"]) << metric;
    }
    return found;
  }

  static int64_t number(const JsonValue& value) {
    if (const int64_t* count = value.as_int()) return *count;
    const std::string* text = value.as_string();
    return text == nullptr ? 0 : static_cast<int64_t>(parse_nanos(*text).value_or(0));
  }

  using Parts = std::map<std::string, int64_t>;

  WrittenLedger folder_;
  int64_t before_ = 0;
  int64_t after_ = 0;
};

TEST_F(DiffTest, EachCauseExplainsItsPart) {
  write_before();
  write_after();
  EXPECT_EQ(causes("clicks")[""], (Parts{{"on_time", 1}, {"late", 1}, {"replayed", 1}}));
  EXPECT_EQ(causes("spend")[""], (Parts{{"on_time", 1}, {"late", 2}, {"replayed", 4}}));
  auto revenue = causes("attributed_revenue", {"campaign_id"});
  EXPECT_EQ(revenue["7"], (Parts{{"late", 100}, {"reattributed", -3}, {"adjusted", 1}}));
  EXPECT_EQ(revenue["8"], (Parts{{"reattributed", 3}}));
  auto names = causes("clicks", {"campaign_name"});
  EXPECT_EQ(names["Shoes"], (Parts{{"dimensions", 4}}));
  EXPECT_EQ(names[""]["dimensions"], -4);
}

TEST_F(DiffTest, ADoubleClickThatIsFoundLaterMovesCredit) {
  write_before();
  event::FactRows facts;
  facts.rows = 1;
  facts.event_id.put(0, "t7");
  facts.advertiser_id.put(0, "a");
  facts.kind.put(0, "click");
  facts.fact.put(0, "double_click");
  facts.fact_value.put(0, "true");
  facts.sign.put(0, 1);
  facts.event_time.put(0, kNoon);
  event::CreditRows credits;
  add_credit(credits, "moved", "7", 3, -1);
  add_credit(credits, "moved", "8", 3, 1);
  after_ = folder_.commit({event::table_rows(facts), event::table_rows(credits)});
  auto revenue = causes("attributed_revenue", {"campaign_id"});
  EXPECT_EQ(revenue["7"], (Parts{{"found_later", -3}}));
  EXPECT_EQ(revenue["8"], (Parts{{"found_later", 3}}));
}

TEST_F(DiffTest, EveryAdditiveMetricSumsByEveryKindOfGroup) {
  write_before();
  write_after();
  std::vector<std::string> metrics;
  for (const Metric& metric : all_metrics()) {
    if (metric.kind == MetricKind::additive) metrics.emplace_back(metric.name);
  }
  const std::vector<std::vector<std::string>> groups = {{}, {"campaign_id", "hour"}, {"policy"}};
  for (const std::vector<std::string>& by : groups) {
    const auto result =
        diff(folder_.dir(), folder_.ledger(), {before_, after_, by, metrics, "UTC"});
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_FALSE(result->table.rows.empty());
    for (const auto& row : result->table.rows) {
      const size_t first = row.size() - diff_causes().size();
      int64_t sum = 0;
      for (size_t i = first; i < row.size(); ++i) sum += number(row[i]);
      EXPECT_EQ(sum, number(row[first - 1]));
      EXPECT_EQ(sum, number(row[first - 2]) - number(row[first - 3]));
    }
  }
}

TEST_F(DiffTest, WhatIsNoSumIsRefused) {
  write_before();
  write_after();
  const auto refused = diff(folder_.dir(), folder_.ledger(), {before_, after_, {}, {"ctr"}, "UTC"});
  EXPECT_EQ(refused.error().fix, "ask for what it is made of: clicks and impressions");
  EXPECT_FALSE(diff(folder_.dir(), folder_.ledger(), {after_, before_, {}, {}, "UTC"}));
  EXPECT_FALSE(diff(folder_.dir(), folder_.ledger(), {before_, after_, {"colour"}, {}, "UTC"}));
}

}  // namespace
}  // namespace adweave::query
