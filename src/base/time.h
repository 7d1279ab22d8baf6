// SPDX-License-Identifier: Apache-2.0
// Time: int64 microseconds since 1970-01-01T00:00:00Z, as everywhere in the lake. No function here
// reads a clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace adweave {

// Civil date and time of day without a zone.
struct CivilTime {
  int year = 1970;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
  int hour = 0;
  int minute = 0;
  int second = 0;
  int microsecond = 0;
};

// Days since 1970-01-01 of a proleptic Gregorian date, and back (Howard Hinnant's algorithms).
int64_t days_from_civil(int year, int month, int day);
CivilTime civil_from_micros(int64_t micros);

// Null when a part is out of its range (month 13, 30 February, second 60).
std::optional<int64_t> micros_from_civil(const CivilTime& time);

// 1 Monday .. 7 Sunday.
int weekday_of(int64_t days);

// Reads RFC 3339 / ISO 8601: "2023-11-01T10:00:00Z", "2023-11-01 10:00:00.123456+02:00". Digits
// below a microsecond are cut off. With no zone in the text the time is civil: `has_offset` tells.
struct ParsedTime {
  int64_t micros = 0;
  bool has_offset = false;
};
std::optional<ParsedTime> parse_iso_time(std::string_view text);

// "2023-11-01T10:00:00Z"; with microseconds only when they are not zero.
std::string format_time(int64_t micros);
// "2023-11-01"
std::string format_date(int64_t micros);

}  // namespace adweave
