// SPDX-License-Identifier: Apache-2.0
#include "query/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "event/flags.h"
#include "tests/support/times.h"
#include "tests/support/written_ledger.h"

namespace adweave::query {
namespace {

using event::Batch;
using event::Kind;
using ::testing::_;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::WrittenLedger;

using tests::kNoon;
constexpr int64_t kSecond = 1'000'000;

class ExplainTest : public ::testing::Test {
 protected:
  // Sentences of a step, with their commits.
  std::vector<std::string> said(const std::string& id, const std::string& step, int64_t as_of = 0) {
    const auto sql = SqlEngine::open(folder_.dir(), folder_.ledger(),
                                     as_of > 0 ? as_of : folder_.ledger().head());
    CHECK(sql);
    const auto life = explain(*sql, id);
    if (!life) return {life.error().message};
    std::vector<std::string> sentences;
    for (const auto& row : life->rows) {
      if (*row[3].as_string() != step) continue;
      sentences.push_back((row[4].is_null() ? "" : row[4].dump() + " ") + *row[5].as_string());
    }
    return sentences;
  }

  // A click of impression i1 at commit 2, which a later commit joins to i2 and finds to be double.
  void write_click() {
    Batch clicks(Kind::click);
    const int64_t row = WrittenLedger::add_event(clicks, "c1", kNoon);
    clicks.campaign_id.put(row, "7");
    clicks.cost.put(row, 5);
    clicks.currency.put(row, "EUR");
    clicks.flags.put(row, event::kLate | event::kUnknownDimension);
    clicks.impression_id.put(row, "i1");
    clicks.joined_by.put(row, "user_and_time");
    folder_.commit({event::table_rows(clicks)});
    event::FactRows facts;
    add_fact(facts, "joined_impression", "i1", -1);
    add_fact(facts, "joined_impression", "i2", 1);
    add_fact(facts, "double_click", "true", 1);
    folder_.commit({event::table_rows(facts)});
  }

  static void add_fact(event::FactRows& facts, std::string_view fact, std::string_view value,
                       int64_t sign) {
    const int64_t row = facts.rows++;
    facts.event_id.put(row, "c1");
    facts.advertiser_id.put(row, "a");
    facts.kind.put(row, "click");
    facts.fact.put(row, fact);
    facts.fact_value.put(row, value);
    facts.sign.put(row, sign);
    facts.event_time.put(row, kNoon);
  }

  static int64_t add_conversion(Batch& batch, const std::string& id, int64_t value) {
    const int64_t row = WrittenLedger::add_event(batch, id, kNoon + 60 * kSecond);
    batch.conversion_type.put(row, "sale");
    batch.value.put(row, value);
    batch.currency.put(row, "EUR");
    return row;
  }

  static void add_credit(event::CreditRows& rows, const char* touch, std::string_view reason,
                         int64_t credit, int64_t value, int64_t sign) {
    const int64_t row = rows.rows++;
    rows.conversion_id.put(row, "v1");
    rows.policy.put(row, "default");
    rows.model.put(row, "last_touch");
    rows.credit.put(row, credit);
    rows.value.put(row, value);
    rows.currency.put(row, "EUR");
    rows.conversion_type.put(row, "sale");
    rows.advertiser_id.put(row, "a");
    rows.conversion_time.put(row, kNoon + 60 * kSecond);
    rows.posting_date.put(row, kNoon);
    rows.reason.put(row, reason);
    rows.sign.put(row, sign);
    if (touch == nullptr) return;
    rows.touch_id.put(row, touch);
    rows.touch_kind.put(row, "click");
    rows.touch_time.put(row, kNoon);
    rows.campaign_id.put(row, "7");
    rows.lag_us.put(row, 60 * kSecond);
  }

  WrittenLedger folder_;
};

TEST_F(ExplainTest, AnEventTellsOriginFlagsAndJoin) {
  write_click();
  EXPECT_THAT(said("c1", "came"),
              ElementsAre("2 bytes 0 to 1 of f, source s; happened 2023-11-01T12:00:00Z, received "
                          "2023-11-01T12:00:00Z"));
  EXPECT_THAT(said("c1", "flag"), ElementsAre(HasSubstr("2 late"), HasSubstr("a later commit"),
                                              HasSubstr("in no dimension")));
  EXPECT_THAT(said("f:0", "join"),
              ElementsAre(AllOf(HasSubstr("impression i2"), HasSubstr("a double click"))));
  EXPECT_THAT(said("c1", "cell"),
              ElementsAre(HasSubstr("1 in gross_clicks of campaign 7, 15 minutes from "
                                    "2023-11-01T12:00:00Z"),
                          HasSubstr("0.000000005 EUR in spend")));
  EXPECT_THAT(said("c1", "cell", 2), ElementsAre(HasSubstr("1 in clicks"), _, _));
}

TEST_F(ExplainTest, FactsFoundLaterAreToldByCommitAndOnlyAsOfIt) {
  write_click();
  EXPECT_THAT(said("c1", "fact"), ElementsAre("3 found later: is a double click",
                                              "3 no longer: belongs to impression i1",
                                              "3 found later: belongs to impression i2"));
  EXPECT_THAT(said("c1", "fact", 2), IsEmpty());
  EXPECT_THAT(said("c1", "came", 1), ElementsAre(HasSubstr("no event, reject or repeat")));
}

TEST_F(ExplainTest, AConversionTellsTouchesCreditsAndAdjustments) {
  write_click();
  Batch sale(Kind::conversion);
  add_conversion(sale, "v1", 9);
  event::CreditRows first;
  add_credit(first, nullptr, "unattributed", 1'000'000'000, 9, 1);
  folder_.commit({event::table_rows(sale), event::table_rows(first)});
  event::CreditRows second;
  add_credit(second, nullptr, "unattributed", 1'000'000'000, 9, -1);
  add_credit(second, "c1", "won", 1'000'000'000, 9, 1);
  folder_.commit({event::table_rows(second)});
  Batch change(Kind::conversion);
  const int64_t row = add_conversion(change, "r1", 4);
  change.adjustment.put(row, "restatement");
  change.adjusts.put(row, "v1");
  folder_.commit({event::table_rows(change)});

  EXPECT_THAT(said("v1", "touch", 4),
              ElementsAre("4 policy default: no touch was inside its window: "
                          "unattributed"));
  EXPECT_THAT(said("v1", "touch"),
              ElementsAre("5 policy default: click c1 of campaign 7, 00:01:00 before: won"));
  EXPECT_THAT(said("c1", "touch"),
              ElementsAre("5 policy default: for conversion v1, 00:01:00 later: won"));
  EXPECT_THAT(said("v1", "credit"),
              ElementsAre("4 policy default: books 100.0 %, 0.000000009 EUR for no touch",
                          "5 policy default: takes back 100.0 %, 0.000000009 EUR from no touch",
                          "5 policy default: books 100.0 %, 0.000000009 EUR for click c1 of "
                          "campaign 7"));
  EXPECT_THAT(said("v1", "adjustment"), ElementsAre("6 restated by r1 to 0.000000004 EUR"));
  EXPECT_THAT(said("r1", "adjustment"),
              ElementsAre("6 is no conversion itself but a restatement of conversion v1"));
}

TEST_F(ExplainTest, RepeatsAndConflictsTellOfEachOther) {
  write_click();
  event::DuplicateRows repeats;
  repeats.rows = 1;
  repeats.event_id.put(0, "c1");
  repeats.kind.put(0, "click");
  repeats.source.put(0, "s");
  repeats.source_position.put(0, "g:7");
  repeats.first_position.put(0, "f:0");
  repeats.first_commit.put(0, 2);
  repeats.received_time.put(0, kNoon);
  event::RejectRows rejects;
  rejects.rows = 1;
  rejects.outcome.put(0, "conflict");
  rejects.reason.put(0, "conflict");
  rejects.message.put(0, "other content");
  rejects.kind.put(0, "click");
  rejects.event_id.put(0, "c1");
  rejects.source.put(0, "s");
  rejects.source_position.put(0, "g:9");
  rejects.raw.put(0, "x");
  rejects.raw_length.put(0, 1);
  rejects.raw_hash.put(0, "0");
  rejects.first_seen.put(0, kNoon);
  rejects.attempt.put(0, 1);
  rejects.state.put(0, "open");
  rejects.sign.put(0, 1);
  folder_.commit({event::table_rows(repeats), event::table_rows(rejects)});
  EXPECT_THAT(said("c1", "duplicate"), ElementsAre(HasSubstr("4 came again at g:7")));
  EXPECT_THAT(said("c1", "conflict"), ElementsAre(HasSubstr("4 another click with this id")));
  EXPECT_THAT(said("g:7", "duplicate"),
              ElementsAre(HasSubstr("a repeat of the event of commit 2 at f:0")));
  EXPECT_THAT(said("g:9", "reject"), ElementsAre(HasSubstr("rejected at g:9 of source s")));
}

TEST_F(ExplainTest, AnIdIsTextWhateverItHolds) {
  Batch clicks(Kind::click);
  const int64_t row = WrittenLedger::add_event(clicks, "@id' OR @is --", kNoon);
  clicks.campaign_id.put(row, "7");
  folder_.commit({event::table_rows(clicks)});
  EXPECT_EQ(said("@id' OR @is --", "came").size(), 1U);
}

}  // namespace
}  // namespace adweave::query
