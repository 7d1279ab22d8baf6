// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <map>

#include <gtest/gtest.h>

#include "decode/decode_test_support.h"
#include "event/flags.h"
#include "tests/support/test_data.h"

namespace adweave::decode {
namespace {

using event::Field;
using event::Kind;
using event::Reason;

DecoderSpec impressions() {
  return spec_of(Format::json,
                 {row(Kind::impression,
                      {field(Field::event_id, {"id"}), field(Field::event_time, {"timestamp"}),
                       field(Field::user_id, {"user.id"}),
                       field(Field::creative_id, {"creative_id"}), field(Field::cost, {"cost"})})});
}

struct BadRecord {
  const char* name;
  std::string text;
  Reason reason;
};

class BadJson : public ::testing::TestWithParam<BadRecord> {};

// A broken record between two good ones loses only itself.
TEST_P(BadJson, LosesOnlyItself) {
  const std::string good = R"({"id":"a","timestamp":"2023-11-01T10:00:00Z","creative_id":"c"})";
  const auto out = decode_text(impressions(), good + "\n" + GetParam().text + "\n" + good + "\n");
  EXPECT_EQ(out.records_read, 3);
  EXPECT_EQ(out.batch(Kind::impression).rows, 2);
  ASSERT_EQ(out.rejects.size(), 1U);
  EXPECT_EQ(out.rejects[0].reason, GetParam().reason) << out.rejects[0].message;
  EXPECT_EQ(out.rejects[0].span.offset, static_cast<int64_t>(good.size()) + 1);
  EXPECT_EQ(out.rejects[0].span.length, static_cast<int32_t>(GetParam().text.size()));
  EXPECT_FALSE(out.rejects[0].message.empty());
}

std::string nested(int depth) {
  return R"({"x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
}

INSTANTIATE_TEST_SUITE_P(
    Records, BadJson,
    ::testing::Values(
        BadRecord{"truncated", R"({"id":"b","timest)", Reason::malformed},
        BadRecord{"text after", R"({"id":"b"} x)", Reason::malformed},
        BadRecord{"array", "[1]", Reason::malformed}, BadRecord{"number", "17", Reason::malformed},
        BadRecord{"bare word in a skipped value", R"({"id":"b","x":[1,nul]})", Reason::malformed},
        BadRecord{"missing comma in a skipped value", R"({"id":"b","x":[1 2]})", Reason::malformed},
        BadRecord{"number with a leading zero", R"({"id":"b","cost":01})", Reason::malformed},
        BadRecord{"bad escape", R"({"id":"\q"})", Reason::malformed},
        BadRecord{"text as a key", R"({"user":"id":"u"},"creative_id":"c"})", Reason::malformed},
        BadRecord{"text as an unread key", R"({"z":"y":"x"},"creative_id":"c"})",
                  Reason::malformed},
        BadRecord{"not UTF-8", "{\"id\":\"\xff\"}", Reason::bad_encoding},
        BadRecord{"too deep", nested(65), Reason::too_deep},
        BadRecord{"too large", R"({"id":")" + std::string(1 << 20, 'x') + "\"}", Reason::too_large},
        BadRecord{"no time", R"({"timestamp":"yesterday"})", Reason::bad_time},
        BadRecord{"object for a text", R"({"creative_id":{"a":1}})", Reason::wrong_type},
        BadRecord{"money is text", R"({"cost":"cheap"})", Reason::bad_money},
        BadRecord{"money is too large", R"({"cost":1e9})", Reason::bad_money},
        BadRecord{"negative money", R"({"cost":-1})", Reason::negative_money},
        BadRecord{"macro", R"({"cost":"${AUCTION_PRICE}"})", Reason::unexpanded_macro}),
    [](const auto& test) {
      std::string name = test.param.name;
      std::replace_if(name.begin(), name.end(), [](char c) { return !isalnum(c); }, '_');
      return name;
    });

TEST(JsonDecoder, ReadsNestedValuesAndKeepsTheRest) {
  const auto out = decode_text(
      impressions(),
      R"({"z":1.50,"id":7,"timestamp":"2023-11-01 10:00:00","user":{"id":"u","age":3},"creative_id":"c","cost":1.25,"a":[1,{"b":null}]})");
  const event::Batch& batch = out.batch(Kind::impression);
  ASSERT_EQ(batch.rows, 1);
  EXPECT_EQ(batch.event_id[0], "7");
  EXPECT_EQ(format_time(batch.event_time[0]), "2023-11-01T10:00:00Z");
  EXPECT_EQ(batch.user_id[0], "u");
  EXPECT_EQ(batch.cost[0], 1'250'000'000);
  EXPECT_EQ(batch.extra[0], R"({"a":[1,{"b":null}],"user":{"age":3},"z":1.50})");
}

TEST(JsonDecoder, OfEqualKeysTheLastCounts) {
  const auto out = decode_text(
      impressions(),
      R"({"id":"1","id":"2","user":{"id":"u","age":3},"user":null,"z":[1],"z":2,"timestamp":"2023-11-01 10:00:00","creative_id":"c"})");
  const event::Batch& batch = out.batch(Kind::impression);
  ASSERT_EQ(batch.rows, 1);
  EXPECT_EQ(batch.event_id[0], "2");
  EXPECT_FALSE(batch.user_id.has(0));
  EXPECT_EQ(batch.extra[0], R"({"user":null,"z":2})");
}

TEST(JsonDecoder, VeryManyBrokenNeighboursAreRanges) {
  const auto most = static_cast<size_t>(limits::kRejectsPerSliceMax);
  std::string text;
  for (size_t i = 0; i < most + 50; ++i) text += "x\n";
  text += R"({"id":"1","timestamp":"2023-11-01 10:00:00","creative_id":"c"})"
          "\n";
  text += "x\nx\nx\n";
  const auto out = decode_text(impressions(), text);
  EXPECT_EQ(out.batch(Kind::impression).rows, 1);
  ASSERT_EQ(out.rejects.size(), most + 1);
  EXPECT_EQ(out.records_read, static_cast<int64_t>(most) + 2);
  EXPECT_EQ(out.rejects[most - 1].span.length, 2 * 51 - 1);
  EXPECT_EQ(out.rejects[most].span.length, 5);
  EXPECT_TRUE(out.rejects[most].message.starts_with("a range of records, the first: not JSON"));
}

TEST(JsonDecoder, WhereItStopsBeingJsonIsSaid) {
  const auto out = decode_text(impressions(), R"({"id":"1" "creative_id":"c"})");
  ASSERT_EQ(out.rejects.size(), 1U);
  EXPECT_EQ(out.rejects[0].message, R"(not JSON at byte 10: "\"creative_id\":\"c\"}")");
}

TEST(JsonDecoder, NilUsersAreNull) {
  for (const char* user :
       {"0", "-1", "\"\"", "null", "\"Unknown\"", "\"00000000-0000-0000-0000-000000000000\""}) {
    const auto out =
        decode_text(impressions(), R"({"id":"a","user":{"id":)" + std::string(user) + "}}");
    ASSERT_EQ(out.batch(Kind::impression).rows, 1);
    EXPECT_FALSE(out.batch(Kind::impression).user_id.has(0)) << user;
  }
}

TEST(JsonDecoder, TheFirstPathThatHasAValueWins) {
  auto spec = impressions();
  spec.mapping.rows[0].fields[3].from = {"missing", "empty", "crid[1]", "creative_id"};
  const auto out = decode_text(spec, R"({"empty":"","crid":["x","y"],"creative_id":"c"})");
  EXPECT_EQ(out.batch(Kind::impression).creative_id[0], "y");
  EXPECT_EQ(out.batch(Kind::impression).extra[0], R"({"crid[0]":"x"})");
}

// The requests of ../openrtb, one event an imp; an impossible floor or unknown currency is null and
// flagged.
DecoderSpec openrtb() {
  FieldRule floor = field(Field::floor, {"imp.bidfloor"});
  floor.unit = MoneyUnit::per_thousand;
  floor.on_error = OnError::null;
  FieldRule currency = field(Field::currency, {"imp.bidfloorcur"});
  currency.fallback = "USD";
  currency.on_error = OnError::null;
  DecoderSpec spec = spec_of(
      Format::json, {row(Kind::bid_request,
                         {field(Field::auction_id, {"id"}), field(Field::imp_id, {"imp.id"}), floor,
                          currency, constant(Field::event_time, "2023-11-01T10:00:00Z")})});
  spec.mapping.explode = "imp";
  return spec;
}

TEST(JsonDecoder, RealBidRequestsExplodeIntoTheirImps) {
  const std::string text = tests::test_data("openrtb/bid_requests.ndjson");
  for (const int64_t slice_bytes : {int64_t{100'000}, INT64_MAX}) {
    int64_t records = 0;
    int64_t rows = 0;
    int64_t without_imp = 0;
    int64_t nulled = 0;
    for (const auto& out : decode_file(openrtb(), text, slice_bytes)) {
      const event::Batch& batch = out.batch(Kind::bid_request);
      EXPECT_TRUE(out.rejects.empty());
      records += out.records_read;
      rows += batch.rows;
      for (int64_t i = 0; i < batch.rows; ++i) {
        without_imp += batch.spans[static_cast<size_t>(i)].element < 0 ? 1 : 0;
        if ((batch.flags.value_or(i, 0) & event::kValueNulled) == 0) continue;
        ++nulled;
        EXPECT_TRUE(!batch.floor.has(i) || !batch.currency.has(i));
        EXPECT_NE(batch.extra[i].find(R"("imp.bidfloor)"), std::string_view::npos);
      }
    }
    EXPECT_EQ(records, 3'771);
    EXPECT_EQ(rows, 4'300);
    EXPECT_EQ(without_imp, 15);
    EXPECT_EQ(nulled, 6);
  }
}

TEST(JsonDecoder, AnElementThatIsNoObjectIsRejectedAlone) {
  const auto out =
      decode_text(openrtb(), R"({"id":"r","imp":[{"id":"1"},7,{"id":"3"}],"user":{"id":"u"}})");
  EXPECT_EQ(out.batch(Kind::bid_request).rows, 2);
  EXPECT_EQ(out.batch(Kind::bid_request).extra[1], R"({"user":{"id":"u"}})");
  ASSERT_EQ(out.rejects.size(), 1U);
  EXPECT_EQ(out.rejects[0].reason, Reason::wrong_type);
  EXPECT_EQ(out.rejects[0].span.element, 1);
}

TEST(JsonDecoder, NoRuleFitsIsUnknownKindAndAFilterIsFiltered) {
  auto spec = impressions();
  spec.mapping.rows[0].when = {{"type", {"imp"}, false}};
  RowRule filter;
  filter.when = {{"type", {"test"}, false}};
  filter.name = "test traffic";
  spec.mapping.rows.push_back(filter);
  const auto out = decode_text(spec, "{\"type\":\"imp\"}\n{\"type\":\"test\"}\n{\"type\":\"x\"}");
  EXPECT_EQ(out.batch(Kind::impression).rows, 1);
  ASSERT_EQ(out.rejects.size(), 2U);
  EXPECT_EQ(out.rejects[0].reason, Reason::filtered);
  EXPECT_EQ(out.rejects[0].rule, "test traffic");
  EXPECT_EQ(out.rejects[1].reason, Reason::unknown_kind);
}

// What the records of a text are, in one line; "!" for a reject.
std::string records_of(const DecoderSpec& spec, const std::string& text, int64_t slice_bytes) {
  std::string records;
  for (const auto& out : decode_file(spec, text, slice_bytes)) {
    const event::Batch& batch = out.batch(Kind::impression);
    for (int64_t i = 0; i < batch.rows; ++i) records.append(batch.extra[i]).append(" ");
    for (const event::Reject& reject : out.rejects) {
      EXPECT_EQ(reject.reason, Reason::malformed);
      records += "!";
    }
  }
  return records;
}

TEST(JsonFramings, ValuesOfArraysAndConcatenations) {
  struct Case {
    JsonFraming framing;
    std::string text;
    std::string records;
  };
  const Case cases[] = {
      {JsonFraming::array, "", "-"},
      {JsonFraming::array, "{}", "-"},
      {JsonFraming::array, " [ ] ", ""},
      {JsonFraming::array, "[1]", "1 "},
      {JsonFraming::array, "[{\"a\": \"]}\"}, [2,\n3] ,\"x\\\"\",4]\n", R"({"a": "]}"} [2,
3] "x\"" 4 )"},
      {JsonFraming::array, "[1,2", "1 !"},
      {JsonFraming::array, "[1,", "1 !"},
      {JsonFraming::array, "[", "!"},
      {JsonFraming::array, "[1,]", "1 !"},
      {JsonFraming::array, "[,1]", "!"},
      {JsonFraming::array, "[1 2]", "!"},
      {JsonFraming::array, "[1,{\"a\" 2},3]", "1 !"},
      {JsonFraming::array, "[1] 2", "1 !"},
      {JsonFraming::concatenated, "", ""},
      {JsonFraming::concatenated, "\xEF\xBB\xBF{} ", "{} "},
      {JsonFraming::concatenated, "{}{\"a\":1}\n[2]\"x\"3", "{} {\"a\":1} [2] \"x\" 3 "},
      {JsonFraming::concatenated, "{\n} {", "{\n} !"},
      {JsonFraming::concatenated, "1 2] 3", "1 2 !"},
      {JsonFraming::document, "\n{\n}\n", "{\n} "},
      {JsonFraming::document, "{}{}", "!"},
      {JsonFraming::document, "", "!"},
      {JsonFraming::lines, "1\n\n \n[2]\r\n{", "1 [2] !"},
  };
  for (const Case& c : cases) {
    DecoderSpec spec = whole_records(Format::json);
    spec.framing = c.framing;
    const auto decoder = make_decoder(spec);
    ASSERT_TRUE(decoder);
    if (c.records == "-") {
      EXPECT_FALSE((*decoder)->cutter()->head(c.text, true)) << c.text;
      continue;
    }
    for (const int64_t slice : {int64_t{1}, int64_t{4}, int64_t{1000}})
      EXPECT_EQ(records_of(spec, c.text, slice), c.records) << c.text << " " << slice;
  }
}

// https://github.com/nst/JSONTestSuite: y_ must be accepted, n_ refused, i_ either. Each file is
// one record; once kept whole, once as a value that no rule reads.
TEST(JsonTestSuite, AcceptsAndRefuses) {
  std::map<char, std::array<int, 2>> counts;  // by the first letter: refused, accepted
  for (const std::string& name : tests::test_data_names("json_test_suite/test_parsing")) {
    const std::string text = tests::test_data("json_test_suite/test_parsing/" + name);
    DecoderSpec spec = whole_records(Format::json);
    spec.framing = JsonFraming::document;
    const bool accepted = decode_text(spec, text).rejects.empty();
    ++counts[name[0]][accepted ? 1 : 0];
    EXPECT_TRUE(name[0] == 'i' || accepted == (name[0] == 'y')) << name;

    DecoderSpec skipping = impressions();
    skipping.framing = JsonFraming::document;
    const std::string wrapped = R"({"id":"a","x":)" + text + R"(,"creative_id":"c"})";
    const bool skipped = decode_text(skipping, wrapped).rejects.empty();
    // A few files end in a way that is whole within another object.
    if (name[0] != 'i' && accepted != skipped) ++counts['*'][skipped ? 1 : 0];
    EXPECT_TRUE(name[0] != 'y' || skipped) << name;
  }
  EXPECT_EQ(counts['y'], (std::array{0, 95}));
  EXPECT_EQ(counts['n'], (std::array{188, 0}));
  EXPECT_EQ(counts['i'][0] + counts['i'][1], 35);
  EXPECT_EQ(counts['*'], (std::array{0, 0}));
}

}  // namespace
}  // namespace adweave::decode
