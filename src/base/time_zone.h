// SPDX-License-Identifier: Apache-2.0
// Named time zones from the system's tz database ("Europe/Berlin", "UTC"). Immutable and safe to
// share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace adweave {

class TimeZone {
 public:
  // Fails with ErrorCode::config when the database has no such zone.
  static Result<TimeZone> find(std::string_view name);
  static TimeZone utc();

  const std::string& name() const { return name_; }

  // Civil micros (as if UTC) of an instant in this zone.
  int64_t to_local(int64_t utc_micros) const;
  // Micros east of UTC at an instant, and the instants around it at which they are the same.
  struct Offset {
    int64_t from = INT64_MIN;
    int64_t to = INT64_MAX;  // not included
    int64_t micros = 0;
  };
  Offset offset_at(int64_t utc_micros) const;
  // The instant of a civil time. A time that a change of clocks skips moves forward to the first
  // instant after the gap; one that happens twice is the earlier.
  int64_t to_utc(int64_t local_micros) const;

 private:
  std::string name_ = "UTC";
  const void* zone_ = nullptr;  // const date::time_zone*; null is UTC
};

}  // namespace adweave
