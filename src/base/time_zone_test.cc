// SPDX-License-Identifier: Apache-2.0
#include "base/time_zone.h"

#include <gtest/gtest.h>

#include "base/time.h"

namespace adweave {
namespace {

int64_t at(std::string_view text) {
  return parse_iso_time(text)->micros;
}

TEST(TimeZone, ConvertsBothWays) {
  const TimeZone berlin = *TimeZone::find("Europe/Berlin");
  EXPECT_EQ(berlin.to_utc(at("2023-07-01 12:00:00")), at("2023-07-01T10:00:00Z"));
  EXPECT_EQ(berlin.to_local(at("2023-01-01T11:00:00Z")), at("2023-01-01 12:00:00"));
  EXPECT_EQ(TimeZone::utc().to_utc(5), 5);
}

TEST(TimeZone, ResolvesGapsAndOverlaps) {
  const TimeZone berlin = *TimeZone::find("Europe/Berlin");
  EXPECT_EQ(berlin.to_utc(at("2023-03-26 02:30:00")), at("2023-03-26T01:00:00Z"));
  EXPECT_EQ(berlin.to_utc(at("2023-10-29 02:30:00")), at("2023-10-29T00:30:00Z"));
}

TEST(TimeZone, SaysHowLongAnOffsetHolds) {
  const TimeZone berlin = *TimeZone::find("Europe/Berlin");
  const TimeZone::Offset summer = berlin.offset_at(at("2023-07-01T00:00:00.5Z"));
  EXPECT_EQ(summer.micros, at("1970-01-01T02:00:00Z"));
  EXPECT_EQ(summer.from, at("2023-03-26T01:00:00Z"));
  EXPECT_EQ(summer.to, at("2023-10-29T01:00:00Z"));
  EXPECT_EQ(berlin.offset_at(summer.to).micros, at("1970-01-01T01:00:00Z"));
  EXPECT_LT(berlin.offset_at(at("1800-01-01T00:00:00Z")).from, at("1800-01-01T00:00:00Z"));
  EXPECT_EQ(TimeZone::utc().offset_at(5).micros, 0);
}

TEST(TimeZone, NamesAnUnknownZone) {
  const auto zone = TimeZone::find("Mars/Olympus");
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().code, ErrorCode::config);
}

}  // namespace
}  // namespace adweave
