// SPDX-License-Identifier: Apache-2.0
// CSV and line patterns.
#include <algorithm>
#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "base/json.h"
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
        CsvCase{"stray_quote", "a\"b,c\nd,e", {{"a\"b", "c"}, {"d", "e"}}, 0},
        CsvCase{"text_after_quote", "\"a\"b,c\nd,e", {{"d", "e"}}, 1},
        CsvCase{"open_quote", "a,\"b\nc,d\ne,\"f\"", {{"c", "d"}, {"e", "f"}}, 1},
        CsvCase{"lone_cr", "a\rb,c", {{"a"}, {"b", "c"}}, 0}),
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

// The records of a text as JSON, one a line; "!" for a reject.
std::string csv_records(const CsvDialect& dialect, const std::string& text,
                        int64_t slice_bytes = INT64_MAX) {
  DecoderSpec spec = whole_records(Format::csv);
  spec.csv = dialect;
  std::string records;
  for (const auto& out : decode_file(spec, text, slice_bytes)) {
    const event::Batch& batch = out.batch(Kind::impression);
    for (int64_t i = 0; i < batch.rows; ++i) records.append(batch.extra[i]).append("\n");
    for (size_t i = 0; i < out.rejects.size(); ++i) records += "!\n";
  }
  return records;
}

struct Dialect {
  const char* name;
  CsvDialect dialect;
  std::string text;
  std::string records;
};

class CsvDialects : public ::testing::TestWithParam<Dialect> {};

TEST_P(CsvDialects, GiveTheseRecords) {
  for (const int64_t slice : {int64_t{1}, int64_t{5}, INT64_MAX})
    EXPECT_EQ(csv_records(GetParam().dialect, GetParam().text, slice), GetParam().records);
}

CsvDialect with(std::function<void(CsvDialect&)> change) {
  CsvDialect dialect;
  change(dialect);
  return dialect;
}

const std::string kTwo = "{\"a\":\"1\",\"b\":\"2\"}\n";

INSTANTIATE_TEST_SUITE_P(
    Csv, CsvDialects,
    ::testing::Values(
        Dialect{"line feeds", {}, "a,b\n1,2\n1,2", kTwo + kTwo},
        Dialect{"CR LF", {}, "a,b\r\n1,2\r\n", kTwo},
        Dialect{"CR alone", {}, "a,b\r1,2\r1,2\r", kTwo + kTwo},
        Dialect{"byte order mark",
                {},
                "\xEF\xBB\xBF"
                "a,b\n1,2\n",
                kTwo},
        Dialect{"blank lines", {}, "\n\na,b\n\n1,2\n\n", kTwo},
        Dialect{"tabs", with([](auto& d) { d.delimiter = '\t'; }), "a\tb\n1\t2\n", kTwo},
        Dialect{"semicolons and single quotes", with([](auto& d) {
                  d.delimiter = ';';
                  d.quote = '\'';
                }),
                "a;b\n'1';'2'\n", kTwo},
        Dialect{"no quotes", with([](auto& d) { d.quote.reset(); }), "a,b\n\"1,2\"\n",
                "{\"a\":\"\\\"1\",\"b\":\"2\\\"\"}\n"},
        Dialect{"escapes", with([](auto& d) { d.escape = '\\'; }), "a,b\n\"x\\\"y\\\\\",\"\"\n",
                R"({"a":"x\"y\\","b":""})"
                "\n"},
        Dialect{"comments", with([](auto& d) { d.comment = '#'; }), "# \"x\na,b\n#1,2\n1,2\n# end",
                kTwo},
        Dialect{"skipped lines", with([](auto& d) { d.skip = 2; }), "one \"\n\na,b\n1,2\n", kTwo},
        Dialect{"no header", with([](auto& d) {
                  d.header = false;
                  d.columns = {"a", "b"};
                }),
                "1,2\n1,2\n", kTwo + kTwo},
        Dialect{"short rows are rejected", {}, "a,b\n1,2\n1\n1,2,3\n", kTwo + "!\n!\n"},
        Dialect{"short rows are filled", with([](auto& d) { d.short_rows = ShortRows::fill; }),
                "a,b\n1\n1,2,3\n", "{\"a\":\"1\",\"b\":\"\"}\n!\n"},
        Dialect{"header alone", {}, "a,b\n", ""}, Dialect{"nothing", {}, "", ""}));

TEST(CsvDecoder, AMillionColumnsAreRefused) {
  const std::string wide(1'000'000, ',');
  DecoderSpec spec = whole_records(Format::csv);
  EXPECT_FALSE((*make_decoder(spec))->cutter()->head(wide + "\n1\n", true));
  EXPECT_EQ(csv_records({}, "a\n" + wide + "\nx\n"), "{\"a\":\"x\"}\n!\n");
}

// https://github.com/max-mapper/csv-spectrum. In location_coordinates the published pair differs in
// the first column.
TEST(CsvSpectrum, EveryFileGivesItsJson) {
  int files = 0;
  for (const std::string& name : tests::test_data_names("csv_spectrum/csvs")) {
    const std::string base = name.substr(0, name.size() - 4);
    std::string found = csv_records({}, tests::test_data("csv_spectrum/csvs/" + name));
    std::replace(found.begin(), found.end() - 1, '\n', ',');
    const auto records = parse_json("[" + found + "]");
    std::string json = tests::test_data("csv_spectrum/json/" + base + ".json");
    if (json.starts_with("{")) json = "[" + json + "]";
    const auto expected = parse_json(json);
    ASSERT_TRUE(records && expected) << name;
    ASSERT_EQ(records->as_array()->size(), expected->as_array()->size()) << name;
    for (size_t row = 0; row < expected->as_array()->size(); ++row) {
      const bool odd = base == "location_coordinates";
      const auto& members = *(*expected->as_array())[row].as_object();
      for (size_t i = odd ? 1 : 0; i < members.size(); ++i) {
        const JsonValue* value = (*records->as_array())[row].find(members[i].first);
        ASSERT_NE(value, nullptr) << name;
        EXPECT_EQ(value->dump(), members[i].second.dump()) << name;
      }
    }
    ++files;
  }
  EXPECT_EQ(files, 12);
}

TEST(FieldRules, DecimalsAndThousands) {
  FieldRule cost = field(Field::cost, {"cost"});
  cost.decimal = ',';
  cost.thousands = '.';
  const DecoderSpec spec = spec_of(Format::csv, {row(Kind::click, {cost})});
  const std::map<std::string, std::optional<int64_t>> cases = {{"1.234,5", 1'234'500'000'000},
                                                               {"12,25", 12'250'000'000},
                                                               {"1.234.567", 1'234'567'000'000'000},
                                                               {"1234,5", 1'234'500'000'000},
                                                               {"1.23,5", std::nullopt},
                                                               {"1234.567", std::nullopt},
                                                               {",5.5", std::nullopt},
                                                               {"-0,5", std::nullopt}};
  for (const auto& [text, nanos] : cases) {
    const auto out = decode_text(spec, "cost\n\"" + text + "\"\n");
    const event::Batch& batch = out.batch(Kind::click);
    ASSERT_EQ(batch.rows, nanos ? 1 : 0) << text;
    if (nanos) {
      EXPECT_EQ(batch.cost[0], *nanos) << text;
    }
  }
}

constexpr const char* kCombined =
    R"({ip} {ident} {user} [{time}] "{method} {path} {protocol}" {status} {bytes} "{referrer}" "{user_agent}")";

TEST(FieldRules, AValueThatIsNulledIsInTheWholeRecordAlready) {
  FieldRule cost = field(Field::cost, {"cost"});
  cost.on_error = OnError::null;
  DecoderSpec spec = spec_of(
      Format::csv, {row(Kind::click, {cost, field(Field::extra, {std::string(kWholeRecord)})})});
  spec.mapping.unread = Unread::drop;
  const auto out = decode_text(spec, "cost\nmuch\n");
  ASSERT_EQ(out.batch(Kind::click).rows, 1);
  EXPECT_EQ(out.batch(Kind::click).extra[0], R"({"cost":"much"})");
}

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
