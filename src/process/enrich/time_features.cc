// SPDX-License-Identifier: Apache-2.0
#include "process/enrich/time_features.h"

#include <array>

#include "base/limits.h"
#include "base/time.h"

namespace adweave::process {

namespace {

constexpr std::array<std::string_view, 4> kPartsOfDay = {"night", "morning", "afternoon",
                                                         "evening"};
constexpr std::array<std::string_view, 4> kSeasons = {"winter", "spring", "summer", "autumn"};

}  // namespace

void add_time_features(event::Batch& batch, const TimeZone& zone) {
  for (int64_t row = 0; row < batch.rows; ++row) {
    if (!batch.event_time.has(row)) continue;
    const int64_t local = zone.to_local(batch.event_time[row]);
    const CivilTime civil = civil_from_micros(local);
    const int weekday = weekday_of(days_from_civil(civil.year, civil.month, civil.day));
    batch.part_of_day.put(row, kPartsOfDay[static_cast<size_t>(civil.hour / 6)]);
    batch.weekday.put(row, weekday);
    batch.is_weekend.put(row, weekday >= 6 ? 1 : 0);
    batch.season.put(row, kSeasons[static_cast<size_t>(civil.month % 12 / 3)]);
    batch.local_time_zone.put(row, zone.name());
  }
}

}  // namespace adweave::process
