// SPDX-License-Identifier: Apache-2.0
// What the local clock said: part of day, weekday, weekend, season.
#pragma once

#include "base/time_zone.h"
#include "event/batch.h"

namespace adweave::process {

// Fills part_of_day (night 0-5, morning 6-11, afternoon 12-17, evening 18-23), weekday (1 Monday),
// is_weekend, season (meteorological, northern) and local_time_zone of every row that has an
// event_time.
void add_time_features(event::Batch& batch, const TimeZone& zone);

}  // namespace adweave::process
