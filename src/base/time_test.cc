// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <gtest/gtest.h>

namespace adweave {
namespace {

int64_t micros(std::string_view text) {
  const auto parsed = parse_iso_time(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? parsed->micros : 0;
}

TEST(Time, ReadsIsoTimes) {
  EXPECT_EQ(micros("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(micros("2023-11-01T10:00:00Z"), 1'698'832'800'000'000);
  EXPECT_EQ(micros("2023-11-01 12:00:00+02:00"), 1'698'832'800'000'000);
  EXPECT_EQ(micros("2023-11-01T04:30:00-0530"), 1'698'832'800'000'000);
  EXPECT_EQ(micros("2023-11-01T10:00:00.1234567Z"), 1'698'832'800'123'456);
  EXPECT_EQ(micros("2023-11-01"), 1'698'796'800'000'000);
  EXPECT_FALSE(parse_iso_time("2023-11-01 10:00:00")->has_offset);
  EXPECT_TRUE(parse_iso_time("2023-11-01 10:00:00Z")->has_offset);
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "2023", "2023-02-30", "2023-13-01T00:00:00Z", "2023-11-01T24:00:00Z",
        "2023-11-01T10:00:60Z", "2023-11-01T10:00:00.Z", "2023-11-01T10:00:00+25:00",
        "2023-11-01T10:00:00Zx", "1698832800", "2023-11-01T10"}) {
    EXPECT_FALSE(parse_iso_time(text)) << text;
  }
}

TEST(Time, FormatsAndRoundTrips) {
  for (const char* text :
       {"1969-12-31T23:59:59.999999Z", "2000-02-29T00:00:00Z", "2100-03-01T12:00:00Z"}) {
    EXPECT_EQ(format_time(micros(text)), text);
  }
  EXPECT_EQ(format_date(micros("2023-11-01T23:59:59Z")), "2023-11-01");
}

TEST(Time, KnowsWeekdays) {
  EXPECT_EQ(weekday_of(0), 4);  // Thursday
  EXPECT_EQ(weekday_of(-4), 7);
  EXPECT_EQ(weekday_of(days_from_civil(2023, 11, 1)), 3);
}

}  // namespace
}  // namespace adweave
