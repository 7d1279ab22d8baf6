// SPDX-License-Identifier: Apache-2.0
// CSV and line patterns.
#include <gtest/gtest.h>

#include "decode/csv_scanner.h"
#include "decode/decode_test_support.h"
#include "decode/line_pattern.h"
#include "tests/support/test_data.h"

namespace adweave::decode {
namespace {

using event::Field;
using event::Kind;
using event::Reason;

DecoderSpec clicks_and_conversions() {
  FieldRule time = field(Field::event_time, {"timestamp"});
  time.times = {{TimeForm::Kind::pattern, "%Y-%m-%d %H:%M:%S"}};
  const FieldRule user = field(Field::user_id, {"user_id"});
  return spec_of(
      Format::csv,
      {row(Kind::click, {time, user, field(Field::campaign_id, {"campaign_id"})},
           {{"conversion_type", {"", "click"}, false}}),
       row(Kind::conversion, {time, user, field(Field::reported_campaign_id, {"campaign_id"}),
                              field(Field::conversion_type, {"conversion_type"})})});
}

TEST(CsvDecoder, TheCaseStudysRowsAreConversions) {
  const auto out =
      decode_text(clicks_and_conversions(), tests::test_data("seeds/clicks_conversions.csv"));
  const event::Batch& batch = out.batch(Kind::conversion);
  ASSERT_EQ(batch.rows, 2);
  EXPECT_EQ(out.batch(Kind::click).rows, 0);
  EXPECT_EQ(batch.conversion_type[0], "signup");
  EXPECT_EQ(batch.user_id[1], "102");
  EXPECT_EQ(batch.reported_campaign_id[1], "2");
  EXPECT_EQ(out.slice.begin + batch.spans[0].offset, 46);
}

struct CsvCase {
  const char* name;
  std::string text;
  std::vector<std::vector<std::string>> records;
  int broken;
};

class CsvText : public ::testing::TestWithParam<CsvCase> {};

TEST_P(CsvText, IsSplitAsRfc4180Says) {
  for (const std::string& end : {std::string(), std::string("\n")}) {
    CsvScanner scanner({}, 1000);
    std::vector<std::vector<std::string>> records;
    int broken = 0;
    const std::string text = GetParam().text + end;
    for (size_t at = 0; at < text.size();) {
      const auto record = scanner.next(text, at, true);
      ASSERT_TRUE(record);
      ASSERT_GT(record->end, at);
      at = record->end;
      if (record->problem) ++broken;
      if (!record->problem) records.emplace_back(record->fields.begin(), record->fields.end());
    }
    EXPECT_EQ(records, GetParam().records);
    EXPECT_EQ(broken, GetParam().broken);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, CsvText,
    ::testing::Values(
        CsvCase{"plain", "a,b\nc,d", {{"a", "b"}, {"c", "d"}}, 0},
        CsvCase{"crlf", "a,b\r\nc,d", {{"a", "b"}, {"c", "d"}}, 0},
        CsvCase{"empty_fields", ",,\n,x,", {{"", "", ""}, {"", "x", ""}}, 0},
        CsvCase{"quoted", "\"a,1\",\"b\"\"q\"\n\"x\ny\",z", {{"a,1", "b\"q"}, {"x\ny", "z"}}, 0},
        CsvCase{"quoted_empty", "\"\",a", {{"", "a"}}, 0},
        CsvCase{"only_quotes", "\"\"\"\",a", {{"\"", "a"}}, 0},
        CsvCase{"stray_quote", "a\"b,c\nd,e", {{"d", "e"}}, 1},
        CsvCase{"text_after_quote", "\"a\"b,c\nd,e", {{"d", "e"}}, 1},
        CsvCase{"open_quote", "a,\"b\nc,d\ne,\"f\"", {{"c", "d"}, {"e", "f"}}, 1},
        CsvCase{"lone_cr", "a\rb,c", {{"a\rb", "c"}}, 0}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(CsvScanner, AsksForMoreAtEveryPossibleEndOfItsInput) {
  const std::string text = "\"a\"\"b\",c\r\n";
  for (size_t size = 0; size < text.size(); ++size) {
    CsvScanner scanner({}, 1000);
    EXPECT_FALSE(scanner.next(text.substr(0, size), 0, false)) << size;
  }
  CsvScanner scanner({}, 1000);
  EXPECT_TRUE(scanner.next(text, 0, false));
}

TEST(CsvDecoder, RaggedAndBadRowsLoseOnlyThemselves) {
  const auto out = decode_text(clicks_and_conversions(),
                               "timestamp,user_id,campaign_id,conversion_type\n"
                               "2023-11-01 10:00:00,1,5,\n"
                               "2023-11-01 10:00:00,1,5\n"
                               "2023-13-01 10:00:00,1,5,\n"
                               "\n"
                               "2023-11-01 10:00:00,\xff,5,\n"
                               "2023-11-01 10:00:01,1,5,click\n");
  EXPECT_EQ(out.records_read, 5);
  EXPECT_EQ(out.batch(Kind::click).rows, 2);
  ASSERT_EQ(out.rejects.size(), 3U);
  EXPECT_EQ(out.rejects[0].reason, Reason::malformed);
  EXPECT_EQ(out.rejects[1].reason, Reason::bad_time);
  EXPECT_EQ(out.rejects[1].kind, Kind::click);
  EXPECT_EQ(out.rejects[2].reason, Reason::bad_encoding);
}

TEST(CsvDecoder, TheCutIntoSlicesChangesNothing) {
  std::string text = "timestamp,user_id,campaign_id,conversion_type\n";
  for (int i = 0; i < 50; ++i) text += "2023-11-01 10:00:00,\"u\n" + std::to_string(i) + "\",5,\n";
  for (const int64_t size : {1, 7, 100, 100'000}) {
    int64_t rows = 0;
    for (const auto& out : decode_file(clicks_and_conversions(), text, size)) {
      for (int64_t i = 0; i < out.batch(Kind::click).rows; ++i) {
        EXPECT_EQ(out.batch(Kind::click).user_id[i], "u\n" + std::to_string(rows++));
      }
      EXPECT_TRUE(out.rejects.empty());
    }
    EXPECT_EQ(rows, 50) << size;
  }
}

constexpr const char* kCombined =
    R"({ip} {ident} {user} [{time}] "{method} {path} {protocol}" {status} {bytes} "{referrer}" "{user_agent}")";

TEST(LinePattern, ReadsTheCombinedLogFormat) {
  const auto pattern = LinePattern::compile(kCombined);
  ASSERT_TRUE(pattern);
  std::vector<std::string_view> values;
  const auto match = pattern->match(
      R"(1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 12 "-" "Mozilla \"5\"")",
      values);
  EXPECT_TRUE(match.fits);
  ASSERT_EQ(values.size(), 11U);
  EXPECT_EQ(values[3], "17/May/2015:10:05:03 +0000");
  EXPECT_EQ(values[10], R"(Mozilla \"5\")");
  EXPECT_EQ(pattern->match("1.2.3.4 - -", values).stopped_at, "user");
}

TEST(LinePattern, ABadPatternSaysWhere) {
  for (const char* text : {"", "{a", "{}", "{a}{b}", "no field"})
    EXPECT_FALSE(LinePattern::compile(text)) << text;
  EXPECT_EQ(LinePattern::compile("{{x}} {a}")->fields().size(), 1U);
}

TEST(LinesDecoder, OfTheRealAccessLogOneLineIsCutOff) {
  FieldRule time = field(Field::event_time, {"time"});
  time.times = {{TimeForm::Kind::pattern, "%d/%b/%Y:%H:%M:%S %z"}};
  FieldRule user = field(Field::user_id, {"ip"});
  DecoderSpec spec =
      spec_of(Format::lines, {row(Kind::click, {time, user, constant(Field::campaign_id, "site"),
                                                field(Field::user_agent, {"user_agent"})})});
  spec.pattern = kCombined;
  const std::string text = tests::test_data("access_log/apache_logs");
  int64_t line = 0;
  for (size_t i = 0; i < text.size() && line < 8'898; ++i) line += text[i] == '\n' ? 1 : 0;
  const auto out = decode_text(spec, text);
  EXPECT_EQ(out.records_read, 10'000);
  EXPECT_EQ(out.batch(Kind::click).rows, 9'999);
  ASSERT_EQ(out.rejects.size(), 1U);
  const auto before = std::count(text.begin(), text.begin() + out.rejects[0].span.offset, '\n');
  EXPECT_EQ(before + 1, 8'899);
  EXPECT_EQ(format_time(out.batch(Kind::click).event_time[0]), "2015-05-17T10:05:03Z");
}

}  // namespace
}  // namespace adweave::decode
