// SPDX-License-Identifier: Apache-2.0
#include "query/report.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "lake/table_writer.h"
#include "ledger/writer.h"
#include "query/dimensions.h"
#include "query/metrics.h"
#include "tests/support/times.h"

namespace adweave::query {
namespace {

using event::Batch;
using event::Kind;

using tests::kNoon;

// A data folder with rows that a test writes by hand.
class ReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "adweave-report-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  static int64_t add_row(Batch& batch, const std::string& id, int64_t time) {
    const int64_t row = batch.rows++;
    batch.event_id.put(row, id);
    batch.event_time.put(row, time);
    batch.received_time.put(row, time);
    batch.advertiser_id.put(row, "a");
    batch.source.put(row, "s");
    batch.source_position.put(row, "f:" + id);
    batch.source_length.put(row, 1);
    batch.content_hash.put(row, row);
    return row;
  }

  Batch clicks(int count, const char* currency, int64_t cost) {
    Batch batch(Kind::click);
    for (int i = 0; i < count; ++i) {
      const int64_t row = add_row(batch, std::string(currency) + std::to_string(i), kNoon + i);
      batch.campaign_id.put(row, i % 2 == 0 ? "even" : "odd");
      batch.cost.put(row, cost);
      batch.currency.put(row, currency);
    }
    return batch;
  }

  SqlEngine commit(const std::vector<Batch>& batches,
                   const std::map<std::string, std::string>& dimensions = {}) {
    auto writer = ledger::LedgerWriter::open(*fs_, {dir_, "test", "l", "0", false});
    CHECK(writer && writer->begin_epoch(0));
    ledger::CommitRecord record;
    record.kind = "data";
    for (const Batch& batch : batches) {
      const event::TableRows parts[] = {event::table_rows(batch)};
      auto files = lake::write_table(*fs_, {dir_, writer->epoch(), 2, "l"}, parts);
      CHECK(files);
      record.added.insert(record.added.end(), files->begin(), files->end());
    }
    for (const auto& [name, text] : dimensions) {
      const std::string path = "lake/_dimensions/" + name + "-1-2.csv";
      CHECK(make_dirs(*fs_, join_path(dir_, "lake/_dimensions")));
      CHECK(write_synced(*fs_, join_path(dir_, path), text));
      record.dimensions.push_back({name, path, name + ".csv", 0, ""});
    }
    CHECK(writer->append(record));
    auto engine = SqlEngine::open(dir_, writer->ledger(), writer->ledger().head());
    CHECK(engine);
    return *std::move(engine);
  }

  static JsonValue cell(const SqlEngine& sql, const std::string& metric) {
    auto report = run_report(sql, {{}, {metric}, "UTC"});
    CHECK(report && report->table.rows.size() == 1);
    return report->table.rows[0][0];
  }

  std::string dir_;
  std::unique_ptr<FileSystem> fs_ = make_posix_file_system();
};

TEST_F(ReportTest, AnEmptyLedgerHasCountsOfZeroAndNoRates) {
  const SqlEngine sql = commit({});
  for (const Metric& metric : all_metrics()) {
    const JsonValue value = cell(sql, std::string(metric.name));
    if (metric.unit == Unit::count) {
      ASSERT_NE(value.as_int(), nullptr) << metric.name;
      EXPECT_EQ(*value.as_int(), 0) << metric.name;
    } else {
      EXPECT_TRUE(value.is_null()) << metric.name;
    }
  }
}

TEST_F(ReportTest, MoneyIsDividedOnceInWholeNanos) {
  const SqlEngine sql = commit({clicks(3, "EUR", 1)});
  EXPECT_EQ(*cell(sql, "spend").as_string(), "0.000000003");
  EXPECT_EQ(*cell(sql, "cpc").as_string(), "0.000000001");
  EXPECT_TRUE(cell(sql, "cpm").is_null());
}

TEST_F(ReportTest, CurrenciesAreNeverMixed) {
  Batch both = clicks(2, "EUR", 5);
  const int64_t row = add_row(both, "usd", kNoon);
  both.campaign_id.put(row, "odd");
  both.cost.put(row, 7);
  both.currency.put(row, "USD");
  const SqlEngine sql = commit({both});
  const auto total = run_report(sql, {{}, {"spend", "clicks"}, "UTC"});
  EXPECT_TRUE(total->table.rows[0][0].is_null());
  EXPECT_EQ(*total->table.rows[0][1].as_int(), 3);
  EXPECT_EQ(total->notes.size(), 1U);
  const auto split = run_report(sql, {{"currency"}, {"spend"}, "UTC"});
  ASSERT_EQ(split->table.rows.size(), 2U);
  EXPECT_EQ(*split->table.rows[1][1].as_string(), "0.000000007");
  EXPECT_TRUE(split->notes.empty());
}

TEST_F(ReportTest, EveryDimensionCanBeGroupedBy) {
  const SqlEngine sql = commit({clicks(4, "EUR", 5)});
  for (const std::string& name : report_dimensions()) {
    const auto report =
        run_report(sql, {{name}, {"clicks", "impressions", "conversions"}, "Asia/Tokyo"});
    ASSERT_TRUE(report) << name << ": " << report.error().message;
    int64_t clicks_of_all = 0;
    for (const auto& row : report->table.rows) clicks_of_all += *row[1].as_int();
    EXPECT_EQ(clicks_of_all, 4) << name;
  }
}

TEST_F(ReportTest, NamesAreThoseOfTheEventsTime) {
  const SqlEngine sql = commit({clicks(4, "EUR", 5)},
                               {{"campaigns",
                                 "campaign_id,name,valid_from,valid_to,currency,budget\n"
                                 "even,\"Shoes, old\",,2023-11-01T13:00:00.000001+01:00,USD,10\n"
                                 "even,Shoes,2023-11-01T12:00:00.000001Z,2023-11-02,EUR,\n"
                                 "odd,Hats,2023-11-02,,EUR,7\n"}});
  const auto by_name = run_report(sql, {{"campaign_name"}, {"clicks", "spend"}, "UTC"});
  ASSERT_TRUE(by_name) << by_name.error().message;
  std::map<std::string, int64_t> counts;
  for (const auto& row : by_name->table.rows)
    counts[row[0].is_null() ? "" : *row[0].as_string()] = *row[1].as_int();
  // The rows are at noon + 0, 1, 2 and 3 us: the name changes between the first two of "even"; no
  // row of "odd" is valid yet.
  EXPECT_EQ(counts, (std::map<std::string, int64_t>{{"", 2}, {"Shoes", 1}, {"Shoes, old", 1}}));
  const auto twice =
      run_report(sql, {{"campaign.budget", "campaign_name", "currency"}, {"clicks"}, "UTC"});
  ASSERT_TRUE(twice) << twice.error().message;
  EXPECT_EQ(twice->table.rows.size(), 3U);
  EXPECT_TRUE(twice->notes.empty());
  EXPECT_EQ(run_report(sql, {{"campaign.bugdet"}, {"clicks"}, "UTC"}).error().fix,
            "did you mean 'campaign.budget'?");
  const auto none = run_report(sql, {{"creative_name"}, {"clicks"}, "UTC"});
  ASSERT_EQ(none->notes.size(), 1U);
  EXPECT_EQ(none->table.rows.size(), 1U);
  const auto rows = sql.query("SELECT name FROM campaigns WHERE budget IS NULL");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->rows.size(), 1U);
}

TEST_F(ReportTest, WhatIsUnknownIsAnErrorWithAName) {
  const SqlEngine sql = commit({});
  EXPECT_EQ(run_report(sql, {{}, {"clics"}, "UTC"}).error().fix, "did you mean 'clicks'?");
  EXPECT_EQ(run_report(sql, {{"creatve_id"}, {}, "UTC"}).error().fix,
            "did you mean 'creative_id'?");
  EXPECT_FALSE(run_report(sql, {{}, {}, "Nowhere/Land"}));
}

TEST(Metrics, EveryMetricIsMadeOfKnownMeasures) {
  std::set<std::string_view> measures;
  for (const Measure& measure : all_measures()) measures.insert(measure.name);
  std::set<std::string_view> names;
  for (const Metric& metric : all_metrics()) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_TRUE(measures.contains(metric.numerator)) << metric.name;
    EXPECT_TRUE(metric.denominator.empty() || measures.contains(metric.denominator)) << metric.name;
  }
}

TEST(ClosestName, FindsTyposAndNothingFar) {
  const std::vector<std::string> known = {"ctr", "cvr", "campaign_id", "impressions"};
  EXPECT_EQ(closest_name("crt", known), "ctr");
  EXPECT_EQ(closest_name("campain_id", known), "campaign_id");
  EXPECT_EQ(closest_name("impression", known), "impressions");
  EXPECT_EQ(closest_name("weather", known), "");
}

}  // namespace
}  // namespace adweave::query
