// SPDX-License-Identifier: Apache-2.0
#include "base/time_zone.h"

#include <algorithm>
#include <chrono>
#include <exception>

#include <date/tz.h>

namespace adweave {

namespace {
const date::time_zone& as_zone(const void* zone) {
  return *static_cast<const date::time_zone*>(zone);
}
}  // namespace

Result<TimeZone> TimeZone::find(std::string_view name) {
  TimeZone zone;
  if (name == "UTC") return zone;
  try {
    zone.zone_ = date::locate_zone(std::string(name));
  } catch (const std::exception&) {
    return Error{
        ErrorCode::config, "no time zone named '" + std::string(name) + "'",
        "use a name of the tz database, for example UTC, Europe/Berlin or America/New_York"};
  }
  zone.name_ = name;
  return zone;
}

TimeZone TimeZone::utc() {
  return {};
}

int64_t TimeZone::to_local(int64_t utc_micros) const {
  if (zone_ == nullptr) return utc_micros;
  const date::sys_time<std::chrono::microseconds> time{std::chrono::microseconds{utc_micros}};
  return as_zone(zone_).to_local(time).time_since_epoch().count();
}

TimeZone::Offset TimeZone::offset_at(int64_t utc_micros) const {
  if (zone_ == nullptr) return {};
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  const auto second =
      date::floor<std::chrono::seconds>(date::sys_time<microseconds>{microseconds{utc_micros}});
  const date::sys_info info = as_zone(zone_).get_info(second);
  // The first and last stretch of a zone begin and end beyond what micros can say.
  const auto micros = [](date::sys_seconds time) {
    constexpr int64_t kSecondsMax = INT64_MAX / 1'000'000;
    const int64_t seconds = time.time_since_epoch().count();
    return std::clamp(seconds, -kSecondsMax, kSecondsMax) * 1'000'000;
  };
  return {micros(info.begin), micros(info.end), duration_cast<microseconds>(info.offset).count()};
}

int64_t TimeZone::to_utc(int64_t local_micros) const {
  if (zone_ == nullptr) return local_micros;
  const date::local_time<std::chrono::microseconds> time{std::chrono::microseconds{local_micros}};
  // choose::earliest maps a skipped time to the first instant after the gap.
  return as_zone(zone_).to_sys(time, date::choose::earliest).time_since_epoch().count();
}

}  // namespace adweave
