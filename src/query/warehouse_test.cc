// SPDX-License-Identifier: Apache-2.0
#include "query/warehouse.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "event/flags.h"
#include "query/cells.h"
#include "query/metrics.h"
#include "query/report.h"
#include "tests/support/written_ledger.h"

namespace adweave::query {
namespace {

using event::Batch;
using event::Kind;
using tests::WrittenLedger;

constexpr int64_t kMinuteUs = 60'000'000;

// Nights on which clocks change, in UTC: Berlin to summer and back, Lord Howe by half an hour.
constexpr int64_t kNights[] = {1'679'788'800'000'000, 1'698'537'600'000'000, 1'680'357'600'000'000,
                               1'696'082'400'000'000};

class WarehouseTest : public ::testing::Test {
 protected:
  // Rows every 7 minutes over two days around a change of clocks.
  int64_t write_night(int64_t night, const std::string& name) {
    Batch views(Kind::impression);
    Batch clicks(Kind::click);
    Batch sales(Kind::conversion);
    Batch seen(Kind::engagement);
    Batch offers(Kind::bid_request);
    Batch bids(Kind::auction_outcome);
    event::CreditRows credits;
    for (int64_t i = 0; i < 2 * 24 * 60 / 7; ++i) {
      const int64_t time = night - limits::kDayUs + i * 7 * kMinuteUs + i;
      const std::string id = name + std::to_string(i);
      add_view(views, id, time, i);
      if (i % 2 == 0) add_click(clicks, id, time, i);
      if (i % 3 == 0) add_sale(sales, credits, id, time, i);
      if (i % 4 == 0) add_view_time(seen, id, time);
      offers.auction_id.put(WrittenLedger::add_event(offers, id, time), id);
      const int64_t bid = WrittenLedger::add_event(bids, id, time);
      bids.auction_id.put(bid, id);
      bids.outcome.put(bid, i % 2 == 0 ? "bid" : "win");
    }
    return folder_.commit({event::table_rows(views), event::table_rows(clicks),
                           event::table_rows(sales), event::table_rows(seen),
                           event::table_rows(offers), event::table_rows(bids),
                           event::table_rows(credits)});
  }

  static void add_view(Batch& batch, const std::string& id, int64_t time, int64_t i) {
    const int64_t row = WrittenLedger::add_event(batch, id, time);
    batch.creative_id.put(row, "k");
    batch.campaign_id.put(row, i % 5 == 0 ? "x" : "y");
    batch.person_id.put(row, "p" + std::to_string(i % 9));
    if (i % 6 != 0) batch.cost.put(row, 1'230'000 + i);
    if (i % 6 != 0) batch.currency.put(row, i % 11 == 0 ? "USD" : "EUR");
    if (i % 4 == 1) batch.viewable.put(row, i % 8 == 1);
    if (i % 5 == 2) batch.time_on_ad_ms.put(row, 7 * i + 1);
    if (i % 7 == 0) batch.flags.put(row, event::kLate);
  }

  static void add_click(Batch& batch, const std::string& id, int64_t time, int64_t i) {
    const int64_t row = WrittenLedger::add_event(batch, id, time);
    batch.campaign_id.put(row, i % 5 == 0 ? "x" : "y");
    batch.cost.put(row, 3 + i);
    batch.currency.put(row, "EUR");
    batch.is_double_click.put(row, i % 10 == 0);
  }

  static void add_sale(Batch& batch, event::CreditRows& credits, const std::string& id,
                       int64_t time, int64_t i) {
    const int64_t row = WrittenLedger::add_event(batch, id, time);
    batch.conversion_type.put(row, "sale");
    batch.value.put(row, 1'000'000'007 * i);
    batch.currency.put(row, "EUR");
    const int64_t at = credits.rows++;
    credits.conversion_id.put(at, id);
    credits.policy.put(at, "default");
    credits.model.put(at, "last_touch");
    credits.credit.put(at, limits::kCreditPpb);
    credits.value.put(at, 1'000'000'007 * i);
    credits.currency.put(at, "EUR");
    credits.conversion_type.put(at, "sale");
    credits.advertiser_id.put(at, "a");
    credits.conversion_time.put(at, time);
    credits.posting_date.put(at, time);
    credits.sign.put(at, 1);
    credits.reason.put(at, i % 2 == 0 ? "won" : "unattributed");
    if (i % 2 != 0) return;
    credits.touch_id.put(at, id);
    credits.touch_kind.put(at, i % 4 == 0 ? "click" : "view");
    credits.touch_time.put(at, time - 5 * kMinuteUs);
    credits.campaign_id.put(at, "x");
    credits.lag_us.put(at, 5 * kMinuteUs);
  }

  static void add_view_time(Batch& batch, const std::string& id, int64_t time) {
    const int64_t row = WrittenLedger::add_event(batch, "e" + id, time + 20 * kMinuteUs);
    batch.impression_id.put(row, id);
    batch.engagement_type.put(row, "viewable");
    batch.duration_ms.put(row, 1501);
  }

  // A later commit that changes old cells: an engagement, an adjustment, a fact, a moved credit.
  void write_corrections(const std::string& name) {
    Batch seen(Kind::engagement);
    add_view_time(seen, name + "101", kNights[0] + 3 * limits::kDayUs);
    Batch sales(Kind::conversion);
    const int64_t row = WrittenLedger::add_event(sales, "gone", kNights[0] + 3 * limits::kDayUs);
    sales.conversion_type.put(row, "sale");
    sales.adjustment.put(row, "retraction");
    sales.adjusts.put(row, name + "99");
    event::FactRows facts;
    facts.rows = 1;
    facts.event_id.put(0, name + "44");
    facts.advertiser_id.put(0, "a");
    facts.kind.put(0, "click");
    facts.fact.put(0, "double_click");
    facts.fact_value.put(0, "true");
    facts.sign.put(0, 1);
    facts.event_time.put(0, kNights[0] - limits::kDayUs + 44 * 7 * kMinuteUs + 44);
    folder_.commit({event::table_rows(seen), event::table_rows(sales), event::table_rows(facts)});
  }

  SqlEngine tables() {
    auto sql = SqlEngine::open(folder_.dir(), folder_.ledger(), folder_.ledger().head());
    CHECK(sql);
    return *std::move(sql);
  }

  SqlEngine warehouse() {
    auto sql = open_with_warehouse(folder_.fs(), folder_.dir(), folder_.ledger(),
                                   folder_.ledger().head(), false);
    CHECK(sql);
    return *std::move(sql);
  }

  static std::string answer(const SqlEngine& sql, const ReportQuery& query) {
    const auto report = run_report(sql, query);
    if (!report) return report.error().message;
    std::string text;
    for (const auto& row : report->table.rows) {
      for (const JsonValue& value : row) text += value.dump() + " ";
      text += "\n";
    }
    return text;
  }

  static std::vector<std::string> sums_and_rates() {
    std::vector<std::string> names;
    for (const Metric& metric : all_metrics()) {
      if (metric.kind == MetricKind::additive || metric.kind == MetricKind::ratio)
        names.emplace_back(metric.name);
    }
    std::erase_if(names, [](const std::string& name) {
      return name == "reject_rate" || name == "duplicate_rate";  // by day of receipt, from `audit`
    });
    return names;
  }

  void expect_equal_answers(const std::vector<std::string>& zones) {
    const SqlEngine direct = tables();
    const SqlEngine stored = warehouse();
    ASSERT_TRUE(stored.has_warehouse());
    const std::vector<std::vector<std::string>> groups = {{"currency"},
                                                          {"hour", "currency"},
                                                          {"day"},
                                                          {"campaign_id", "quarter_hour"},
                                                          {"week", "conversion_type"}};
    for (const std::string& zone : zones) {
      for (const auto& by : groups) {
        const ReportQuery query{by, sums_and_rates(), zone};
        const std::string text = answer(direct, query);
        EXPECT_EQ(answer(stored, query), text) << zone << " by " << by[0];
        EXPECT_GT(text.size(), 300U);
      }
    }
  }

  WrittenLedger folder_;
};

TEST_F(WarehouseTest, EverySumAndRateIsThatOfTheTablesInEveryZone) {
  for (size_t i = 0; i < std::size(kNights); ++i)
    write_night(kNights[i], std::string(1, static_cast<char>('a' + i)));
  ASSERT_TRUE(build_warehouse(folder_.fs(), folder_.dir(), folder_.ledger(), true));
  expect_equal_answers(
      {"UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"});
}

TEST_F(WarehouseTest, ARefreshComputesOnlyWhatWasTouchedAndEqualsAFreshBuild) {
  write_night(kNights[0], "a");
  write_night(kNights[1], "b");
  const auto first = build_warehouse(folder_.fs(), folder_.dir(), folder_.ledger(), true);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(first->afresh);
  write_corrections("a");
  const auto second = build_warehouse(folder_.fs(), folder_.dir(), folder_.ledger(), false);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_FALSE(second->afresh);
  EXPECT_GT(second->recomputed, 0);
  EXPECT_LT(second->recomputed, second->cells / 20);
  expect_equal_answers({"Europe/Berlin"});
  const auto rows = [&] {
    auto sql = open_with_warehouse(folder_.fs(), folder_.dir(), folder_.ledger(),
                                   folder_.ledger().head(), true);
    const auto found =
        sql->query("SELECT md5(string_agg(kpi::VARCHAR, ',' ORDER BY kpi)) FROM kpi");
    CHECK(found);
    return *found->rows[0][0].as_string();
  };
  const std::string refreshed = rows();
  ASSERT_TRUE(build_warehouse(folder_.fs(), folder_.dir(), folder_.ledger(), true));
  EXPECT_EQ(rows(), refreshed);
  std::filesystem::remove(warehouse_path(folder_.dir()));
  EXPECT_EQ(rows(), refreshed);
}

TEST_F(WarehouseTest, ADamagedFileIsBuiltAnewAndChangesNoAnswer) {
  write_night(kNights[0], "a");
  const ReportQuery query{{"hour"}, {"clicks", "ctr"}, "Europe/Berlin"};
  const std::string text = answer(tables(), query);
  for (const std::string& bytes :
       {std::string(), std::string("no database"), std::string(9999, 'x')}) {
    std::ofstream(warehouse_path(folder_.dir()), std::ios::trunc) << bytes;
    const SqlEngine sql = warehouse();
    EXPECT_TRUE(sql.has_warehouse());
    EXPECT_EQ(answer(sql, query), text);
  }
}

TEST_F(WarehouseTest, WithoutAFileOrAsOfAnOlderCommitTablesAnswer) {
  write_night(kNights[0], "a");
  EXPECT_FALSE(warehouse().has_warehouse());
  ASSERT_TRUE(build_warehouse(folder_.fs(), folder_.dir(), folder_.ledger(), true));
  const auto older = open_with_warehouse(folder_.fs(), folder_.dir(), folder_.ledger(), 1, false);
  EXPECT_FALSE(older->has_warehouse());
  // What cells do not know comes from the tables also when there is a warehouse.
  const ReportQuery query{{"policy"}, {"attributed_revenue", "clicks"}, "UTC"};
  EXPECT_EQ(answer(warehouse(), query), answer(tables(), query));
  const ReportQuery persons{{"day"}, {"reach", "conversion_lag_p50"}, "UTC"};
  EXPECT_EQ(answer(warehouse(), persons), answer(tables(), persons));
}

}  // namespace
}  // namespace adweave::query
