// SPDX-License-Identifier: Apache-2.0
#include "engine/count.h"

#include <algorithm>

#include "engine/decode_files.h"
#include "engine/dimension_files.h"
#include "process/enrich/hierarchy.h"
#include "process/enrich/time_features.h"
#include "process/validate.h"

namespace adweave::engine {

namespace {

using event::Field;

bool is_of_local_time(Field field) {
  return field == Field::part_of_day || field == Field::season || field == Field::local_time_zone;
}

// What one thread has counted.
class Counter {
 public:
  void add(event::DecodedSlice decoded, const Job& job, const state::Dimensions& dimensions,
           const process::CountBy& by) {
    const bool local_time = std::any_of(by.fields.begin(), by.fields.end(), is_of_local_time);
    for (event::Batch& batch : decoded.batches) {
      if (batch.rows == 0) continue;
      process::add_hierarchy(batch, dimensions);
      if (local_time) process::add_time_features(batch, job.zone);
      const std::vector<int32_t> rows = process::validate(decoded, batch, job.validation);
      process::count_events(batch, rows, by, report_.events);
    }
    report_.records_read += decoded.records_read;
    for (const event::Reject& reject : decoded.rejects) ++report_.rejects[reject.reason];
  }

  void add_to(CountReport& total) const {
    for (const auto& [group, events] : report_.events) total.events[group] += events;
    total.records_read += report_.records_read;
    for (const auto& [reason, rejects] : report_.rejects) total.rejects[reason] += rejects;
  }

 private:
  CountReport report_;
};

}  // namespace

Result<CountReport> count(const FileSystem& fs, const Job& job, const process::CountBy& by,
                          const std::function<void(int64_t, int64_t)>& progress) {
  ADWEAVE_ASSIGN(const std::vector<DimensionFile> files, read_dimension_files(fs, job));
  ADWEAVE_ASSIGN(const state::Dimensions dimensions, load_dimensions(files));
  std::vector<Counter> counters(static_cast<size_t>(job.threads));
  const auto take = [&](size_t worker, event::DecodedSlice decoded) {
    counters[worker].add(std::move(decoded), job, dimensions, by);
  };
  ADWEAVE_TRY(decode_files(fs, job, take, progress));
  CountReport total;
  for (const Counter& counter : counters) counter.add_to(total);
  return total;
}

}  // namespace adweave::engine
