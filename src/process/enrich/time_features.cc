// SPDX-License-Identifier: Apache-2.0
#include "process/enrich/time_features.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/time.h"

namespace adweave::process {

namespace {

constexpr std::array<std::string_view, 4> kPartsOfDay = {"night", "morning", "afternoon",
                                                         "evening"};
constexpr std::array<std::string_view, 4> kSeasons = {"winter", "spring", "summer", "autumn"};

constexpr int64_t kHourUs = 3600 * limits::kSecondUs;

// What is the same for all instants from `from` to `to`: an hour of local time at most. Rows come
// nearly in order of time, so that the calendar is seldom asked: it took 6 % of a run.
struct LocalHour {
  int64_t from = 0;
  int64_t to = 0;           // not included
  int32_t part_of_day = 0;  // code
  int32_t season = 0;       // code
  int weekday = 1;
};

LocalHour local_hour(event::Batch& batch, const TimeZone& zone, int64_t time) {
  const TimeZone::Offset offset = zone.offset_at(time);
  const int64_t local = time + offset.micros;
  const int64_t into_hour = (local % kHourUs + kHourUs) % kHourUs;
  const CivilTime civil = civil_from_micros(local);
  LocalHour hour;
  hour.from = std::max(offset.from, time - into_hour);
  hour.to = std::min(offset.to, time - into_hour + kHourUs);
  hour.part_of_day = batch.part_of_day.intern(kPartsOfDay[static_cast<size_t>(civil.hour / 6)]);
  hour.season = batch.season.intern(kSeasons[static_cast<size_t>(civil.month % 12 / 3)]);
  hour.weekday = weekday_of(days_from_civil(civil.year, civil.month, civil.day));
  return hour;
}

// Rows without a time have no features.
void clear_timeless(event::Batch& batch) {
  for (int64_t row = 0; row < batch.rows; ++row) {
    if (batch.event_time.has(row)) continue;
    batch.part_of_day.clear(row);
    batch.season.clear(row);
    batch.weekday.clear(row);
    batch.is_weekend.clear(row);
    batch.local_time_zone.clear(row);
  }
}

}  // namespace

void add_time_features(event::Batch& batch, const TimeZone& zone) {
  const auto rows = static_cast<size_t>(batch.rows);
  std::vector<int32_t> parts_of_day(rows);
  std::vector<int32_t> seasons(rows);
  std::vector<int64_t> weekdays(rows);
  std::vector<uint8_t> weekends(rows);
  LocalHour hour;
  for (size_t row = 0; row < rows; ++row) {
    if (!batch.event_time.has(static_cast<int64_t>(row))) continue;
    const int64_t time = batch.event_time[static_cast<int64_t>(row)];
    if (time < hour.from || time >= hour.to) hour = local_hour(batch, zone, time);
    parts_of_day[row] = hour.part_of_day;
    seasons[row] = hour.season;
    weekdays[row] = hour.weekday;
    weekends[row] = hour.weekday >= 6 ? 1 : 0;
  }
  batch.part_of_day.assign_codes(std::move(parts_of_day));
  batch.season.assign_codes(std::move(seasons));
  batch.weekday.assign(std::move(weekdays));
  batch.is_weekend.assign(std::move(weekends));
  batch.local_time_zone.fill(batch.rows, zone.name());
  if (!batch.event_time.is_full(batch.rows)) clear_timeless(batch);
}

}  // namespace adweave::process
