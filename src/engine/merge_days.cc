// SPDX-License-Identifier: Apache-2.0
#include "engine/merge_days.h"

#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "base/time.h"

namespace adweave::engine {

using event::DataFile;

int64_t bytes_of(const DayToMerge& day) {
  int64_t bytes = 0;
  for (const MergeGroup& group : day.groups) bytes += bytes_of(group);
  return bytes;
}

// In groups of neighbours that are not too large together.
std::vector<DayToMerge> unsealed_days(const ledger::Ledger& ledger) {
  std::map<std::pair<std::string, std::string>, std::vector<MergeGroup>> by_table;
  for (DataFile& file : ledger.live_files("", ledger.head())) {
    if (file.is_sealed()) continue;
    std::vector<MergeGroup>& groups = by_table[{file.date, file.table}];
    const bool fits =
        !groups.empty() && bytes_of(groups.back()) + file.bytes <= limits::kMergedBytesMax;
    if (!fits) groups.emplace_back();
    groups.back().push_back(std::move(file));
  }
  std::vector<DayToMerge> days;
  for (auto& [key, groups] : by_table) {
    if (days.empty() || days.back().date != key.first) days.push_back({key.first, {}});
    std::move(groups.begin(), groups.end(), std::back_inserter(days.back().groups));
  }
  return days;
}

std::vector<DayToMerge> uncompacted_days(const ledger::Ledger& ledger) {
  std::vector<DayToMerge> days = unsealed_days(ledger);
  for (DayToMerge& day : days)
    std::erase_if(day.groups, [](const MergeGroup& group) { return group.size() < 2; });
  std::erase_if(days, [](const DayToMerge& day) { return day.groups.empty(); });
  return days;
}

std::string open_from(int64_t now, int64_t after_us) {
  return format_date(now - after_us);
}

Result<WrittenDay> write_day(FileSystem& fs, const lake::WriteOptions& options,
                             lake::MergedPlace place, int threads, const DayToMerge& day) {
  auto merged = merge_groups(fs, options, place, threads, day.groups);
  WrittenDay written{merge_record(place, 0), {day.date, 0, 0, 0, 0, bytes_of(day), 0}};
  std::optional<Error> failure;
  for (size_t i = 0; i < day.groups.size(); ++i) {
    if (!merged[i]) {
      failure = failure.value_or(merged[i].error());
      continue;
    }
    written.report.files_before += static_cast<int64_t>(day.groups[i].size());
    written.report.rows += merged[i]->rows;
    written.report.bytes += merged[i]->bytes;
    add_merged(written.record, day.groups[i], *std::move(merged[i]));
  }
  written.report.files = static_cast<int64_t>(written.record.added.size());
  if (!failure) return written;
  discard(fs, options.dir, written);
  return *failure;
}

// What cannot be removed is swept away when the next epoch begins.
void discard(FileSystem& fs, const std::string& dir, const WrittenDay& day) {
  for (const DataFile& file : day.record.added)
    static_cast<void>(fs.unlink(join_path(dir, file.path)));
}

}  // namespace adweave::engine
