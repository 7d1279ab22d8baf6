// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/limits.h"

namespace adweave {
namespace {

// 2026-03-01T10:00:00.000042Z
constexpr int64_t kTen = 1'772'359'200'000'042;

std::string line_of(std::string_view message, JsonValue::Object fields, LogFormat format) {
  return log_line({kTen, LogLevel::warning, "kafka", message, std::move(fields)}, format);
}

// A log whose clock stands until it is moved.
struct Heard {
  explicit Heard(LogLevel level = LogLevel::info)
      : log(
            LogFormat::text, level, [this] { return now_us; },
            [this](std::string_view line) { lines.emplace_back(line); }) {}

  int64_t now_us = kTen;
  std::vector<std::string> lines;
  Log log;
};

TEST(Log, ALineForPrograms) {
  const JsonValue::Object fields = {{"code", "io"}, {"commit", int64_t{17}}, {"fix", "wait a bit"}};
  EXPECT_EQ(line_of("no broker", fields, LogFormat::json),
            R"({"ts":"2026-03-01T10:00:00.000042Z","level":"warning","msg":"no broker",)"
            R"("component":"kafka","code":"io","commit":17,"fix":"wait a bit"})"
            "\n");
  EXPECT_EQ(line_of("no broker", fields, LogFormat::logfmt),
            "ts=2026-03-01T10:00:00.000042Z level=warning msg=\"no broker\" component=kafka "
            "code=io commit=17 fix=\"wait a bit\"\n");
}

TEST(Log, ALineForPeople) {
  EXPECT_EQ(line_of("ready", {}, LogFormat::text), "adweave: ready\n");
  EXPECT_EQ(line_of("no broker", {{"code", "io"}, {"fix", "wait"}, {"repeated", int64_t{3}}},
                    LogFormat::text),
            "adweave: no broker (and 3 times before)\n  fix: wait\n");
}

TEST(Log, NoMessageBeginsALineOrReachesTheTerminal) {
  const std::string_view message = "a\nts=1\r\x1b[2J \x7f\"\\ \xff";
  EXPECT_EQ(line_of(message, {{"fix", "x\ny"}}, LogFormat::text),
            "adweave: a ts=1  [2J  \"\\ \xff\n  fix: x y\n");
  const std::string escaped = R"("a\nts=1\r\u001b[2J )"
                              "\x7f"
                              R"(\"\\ )"
                              "\xef\xbf\xbd\"";
  EXPECT_NE(line_of(message, {}, LogFormat::json).find("\"msg\":" + escaped + ","),
            std::string::npos)
      << line_of(message, {}, LogFormat::json);
  EXPECT_NE(line_of(message, {}, LogFormat::logfmt).find(" msg=" + escaped + " "),
            std::string::npos);
  EXPECT_TRUE(parse_json(line_of(message, {}, LogFormat::json)));
}

TEST(Log, LogfmtQuotesWhatIsMoreThanAWord) {
  const auto value_of = [](std::string_view text) {
    const std::string line = line_of("m", {{"x", text}}, LogFormat::logfmt);
    return line.substr(line.find(" x=") + 3);
  };
  EXPECT_EQ(value_of("kafka:topic:0"), "kafka:topic:0\n");
  EXPECT_EQ(value_of(""), "\"\"\n");
  EXPECT_EQ(value_of("a=b"), "\"a=b\"\n");
  EXPECT_EQ(value_of("a b"), "\"a b\"\n");
  EXPECT_EQ(value_of("\xc3\xa9t\xc3\xa9"), "\"\xc3\xa9t\xc3\xa9\"\n");
}

TEST(Log, WhatIsBelowTheLevelIsNotSaid) {
  Heard heard(LogLevel::warning);
  heard.log.say(LogLevel::debug, "serve", "a");
  heard.log.say(LogLevel::info, "serve", "b");
  heard.log.say(LogLevel::warning, "serve", "c");
  heard.log.say(LogLevel::error, "serve", "d");
  EXPECT_EQ(heard.lines, (std::vector<std::string>{"adweave: c\n", "adweave: d\n"}));
}

TEST(Log, ARepeatIsLeftOutAndCounted) {
  Heard heard;
  for (int i = 0; i < 5; ++i) heard.log.say(LogLevel::info, "serve", "again");
  heard.log.say(LogLevel::info, "source", "again");
  heard.log.say(LogLevel::info, "serve", "other");
  heard.now_us += limits::kLogRepeatUs - 1;
  heard.log.say(LogLevel::info, "serve", "again");
  EXPECT_EQ(heard.lines.size(), 3U);
  heard.now_us += 1;
  heard.log.say(LogLevel::info, "serve", "again");
  EXPECT_EQ(heard.lines.back(), "adweave: again (and 5 times before)\n");
  heard.now_us += limits::kLogRepeatUs;
  heard.log.say(LogLevel::info, "serve", "again");
  EXPECT_EQ(heard.lines.back(), "adweave: again\n");
}

TEST(Log, AClockThatIsSetBackHoldsNothingUp) {
  Heard heard;
  heard.log.say(LogLevel::info, "serve", "again");
  heard.now_us -= 3600 * limits::kSecondUs;
  heard.log.say(LogLevel::info, "serve", "again");
  EXPECT_EQ(heard.lines.size(), 2U);
}

TEST(Log, ManyMessagesAreNotKept) {
  Heard heard;
  heard.log.say(LogLevel::info, "serve", "first");
  for (size_t i = 0; i < limits::kLogMessagesMax; ++i) {
    heard.now_us += 1;
    heard.log.say(LogLevel::info, "serve", std::to_string(i));
  }
  heard.log.say(LogLevel::info, "serve", "first");  // forgotten: said at once
  EXPECT_EQ(heard.lines.size(), limits::kLogMessagesMax + 2);
}

TEST(Log, AnErrorHasItsCodeAndItsFix) {
  std::string line;
  Log log(
      LogFormat::logfmt, LogLevel::info, [] { return kTen; },
      [&](std::string_view said) { line = said; });
  log.say("source", Error{ErrorCode::not_found, "no file", "make one"});
  EXPECT_EQ(line,
            "ts=2026-03-01T10:00:00.000042Z level=error msg=\"no file\" component=source "
            "code=not_found fix=\"make one\"\n");
  log.say("source", Error{.code = ErrorCode::io, .message = "gone", .recovery = Recovery::retry});
  EXPECT_EQ(line,
            "ts=2026-03-01T10:00:00.000042Z level=warning msg=gone component=source "
            "code=io\n");
}

TEST(Log, ItsFormatsHaveWords) {
  EXPECT_EQ(parse_log_format("logfmt"), LogFormat::logfmt);
  EXPECT_EQ(parse_log_format("xml"), std::nullopt);
}

}  // namespace
}  // namespace adweave
