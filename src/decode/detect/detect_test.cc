// SPDX-License-Identifier: Apache-2.0
#include "decode/detect/detect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "decode/csv_scanner.h"
#include "decode/detect/guess_mapping.h"

namespace adweave::decode {
namespace {

using ::testing::ElementsAre;

TEST(GuessEncodingTest, ByMarkByZerosAndByWhatIsNoUtf8) {
  using namespace std::string_literals;
  EXPECT_EQ(guess_encoding("a,b\n"), Encoding::utf8);
  EXPECT_EQ(guess_encoding("Caf\xC3\xA9 \xC3"), Encoding::utf8);  // the sample ends in a character
  EXPECT_EQ(guess_encoding("\xFF\xFE"s + "a\0"s), Encoding::utf16le);
  EXPECT_EQ(guess_encoding("a\0,\0b\0\n\0"s), Encoding::utf16le);
  EXPECT_EQ(guess_encoding("\0a\0,\0b\0\n"s), Encoding::utf16be);
  EXPECT_EQ(guess_encoding("Caf\xE9 au lait"), Encoding::latin1);
  EXPECT_EQ(guess_encoding("5 \x80 pro St\xFC"
                           "ck"),
            Encoding::windows1252);
  EXPECT_EQ(guess_encoding("damaged \xFF but na\xC3\xAFve text"), Encoding::utf8);
}

TEST(GuessJsonTest, Framings) {
  const auto framing = [](std::string_view text) {
    const std::optional<JsonGuess> guess = guess_json(text, true, false);
    return guess ? std::optional(guess->framing) : std::nullopt;
  };
  EXPECT_EQ(framing("{\"a\":1}\n{\"a\":2}\n"), JsonFraming::lines);
  EXPECT_EQ(framing("{\"a\":1}\n{\"a\":\n"), JsonFraming::lines);
  EXPECT_EQ(framing("[{\"a\":1},\n{\"a\":2}]"), JsonFraming::array);
  EXPECT_EQ(framing("{\"a\":1}{\"a\":2}"), JsonFraming::concatenated);
  EXPECT_EQ(framing("{\n\"a\":1}\n{\n\"a\":2}\n"), JsonFraming::concatenated);
  EXPECT_EQ(framing("{\n\"a\":1\n}\n"), JsonFraming::document);
  EXPECT_EQ(framing("{\n\"a\" 1\n}\n"), JsonFraming::document);
  EXPECT_EQ(framing("a,b\n1,2\n"), std::nullopt);
  EXPECT_EQ(framing("[2023-11-01] started"), std::nullopt);
  EXPECT_EQ(framing(""), std::nullopt);
}

TEST(GuessCsvTest, Dialects) {
  const CsvDialect semicolon =
      guess_csv("# made by hand\nid;price\n1;\"2,5\"\n2;\"3,0\"\n", true).dialect;
  EXPECT_EQ(semicolon.delimiter, ';');
  EXPECT_EQ(semicolon.comment, '#');
  EXPECT_TRUE(semicolon.header);
  const CsvDialect tab = guess_csv("1\ta, b\n2\tc\n", true).dialect;
  EXPECT_EQ(tab.delimiter, '\t');
  EXPECT_FALSE(tab.header);
  EXPECT_THAT(tab.columns, ElementsAre("column0", "column1"));
  const CsvDialect skipped = guess_csv("a report of ours\n\nid,n\n1,2\n3,4\n5,6\n", true).dialect;
  EXPECT_EQ(skipped.skip, 2);
  EXPECT_TRUE(skipped.header);
  const CsvDialect escaped = guess_csv("a|b\n\"x\\\"|y\"|1\n\"z\"|2\n", true).dialect;
  EXPECT_EQ(escaped.escape, '\\');
  EXPECT_EQ(guess_csv("", true).confidence, 0);
}

TEST(ColumnNamesTest, EveryColumnHasItsOwn) {
  EXPECT_THAT(column_names({" id ", "", "x", "x", "x_1", "x"}),
              ElementsAre("id", "column1", "x", "x_1", "x_1_1", "x_2"));
}

TEST(DetectTest, NothingThatCanBeRead) {
  using namespace std::string_literals;
  EXPECT_EQ(detect("\x7F\x45LF\0\1\2\3"s, true, "a").error().code, ErrorCode::io);
  EXPECT_EQ(detect("Obj\1\x02"s, true, "a.avro").error().code, ErrorCode::io);
  EXPECT_TRUE(detect("", true, "a"));
}

std::vector<JsonValue> records(const std::vector<std::string>& texts) {
  std::vector<JsonValue> values;
  for (const std::string& text : texts) values.push_back(*parse_json(text));
  return values;
}

TEST(GuessMappingTest, AColumnThatNamesTheKindMakesARuleForEach) {
  const auto rows = records({R"({"event_type":"click","ts":1698840000000,"campaign":"a"})",
                             R"({"event_type":"impression","ts":1698840000001,"campaign":"a"})"});
  const MappingGuess guess = guess_mapping(rows, true, "events.ndjson");
  ASSERT_EQ(guess.mapping.rows.size(), 2U);
  EXPECT_EQ(guess.mapping.rows[0].kind, event::Kind::impression);
  EXPECT_EQ(guess.mapping.rows[1].kind, event::Kind::click);
  EXPECT_EQ(guess.confidence, 1);
  const FieldRule& time = guess.mapping.rows[1].fields[0];
  EXPECT_EQ(time.field, event::Field::event_time);
  EXPECT_EQ(time.times.at(0).kind, TimeForm::Kind::epoch_ms);
}

TEST(GuessMappingTest, WhatIsMissingIsSaid) {
  const auto rows = records({R"({"clickId":"1","user":{"id":"7"}})"});
  const MappingGuess guess = guess_mapping(rows, true, "x.json");
  EXPECT_EQ(guess.kind, event::Kind::click);
  EXPECT_EQ(guess.assumed.size(), 2U);  // its time and its campaign
}

}  // namespace
}  // namespace adweave::decode
