// SPDX-License-Identifier: Apache-2.0
#include "engine/seal.h"

#include <algorithm>
#include <map>

#include "base/limits.h"
#include "base/time.h"
#include "engine/merge_groups.h"
#include "engine/publish_delta.h"

namespace adweave::engine {

namespace {

using event::DataFile;
using lake::MergedPlace;
using Groups = std::vector<MergeGroup>;

// Files of a day, in groups of one table that become one file each.
using Days = std::map<std::string, Groups>;

// Files that are not sealed, in groups of neighbours that are not too large together.
Days unsealed_days(const ledger::Ledger& ledger) {
  std::map<std::pair<std::string, std::string>, Groups> by_table;
  for (DataFile& file : ledger.live_files("", ledger.head())) {
    if (file.is_sealed()) continue;
    Groups& groups = by_table[{file.date, file.table}];
    const bool fits =
        !groups.empty() && bytes_of(groups.back()) + file.bytes <= limits::kMergedBytesMax;
    if (!fits) groups.emplace_back();
    groups.back().push_back(std::move(file));
  }
  Days days;
  for (auto& [key, groups] : by_table)
    std::move(groups.begin(), groups.end(), std::back_inserter(days[key.first]));
  return days;
}

class Upkeep {
 public:
  Upkeep(FileSystem& fs, const UpkeepOptions& options, ledger::LedgerWriter& writer,
         MergedPlace place)
      : fs_(fs), options_(options), writer_(writer), place_(place) {}

  // One commit a day. Other programs' view is brought up to date first: what it gets to see then
  // are the same rows in other files, and it is told so.
  Result<std::vector<MergedDay>> replace(const Days& days) {
    if (days.empty()) {
      ADWEAVE_TRY(publish());
      return std::vector<MergedDay>();
    }
    ADWEAVE_TRY(writer_.enter_epoch(options_.now_us()));
    ADWEAVE_TRY(publish());
    for (const auto& [day, groups] : days) {
      for (const MergeGroup& group : groups) total_ += bytes_of(group);
    }
    std::vector<MergedDay> done;
    for (const auto& [day, groups] : days) {
      ADWEAVE_ASSIGN(MergedDay merged, replace_day(day, groups));
      done.push_back(std::move(merged));
    }
    ADWEAVE_TRY(publish());
    return done;
  }

 private:
  Result<MergedDay> replace_day(const std::string& day, const Groups& groups) {
    const lake::WriteOptions options{writer_.options().dir, writer_.epoch(),
                                     writer_.ledger().head() + 1, writer_.ledger().ledger_id(),
                                     writer_.options().program};
    auto merged = merge_groups(fs_, options, place_, options_.threads, groups);
    ledger::CommitRecord record = merge_record(place_, options_.now_us());
    MergedDay report{day, writer_.ledger().head() + 1, 0, 0, 0, 0, 0};
    for (size_t i = 0; i < groups.size(); ++i) {
      if (!merged[i]) return std::move(merged[i]).error();
      report.files_before += static_cast<int64_t>(groups[i].size());
      report.bytes_before += bytes_of(groups[i]);
      report.rows += merged[i]->rows;
      report.bytes += merged[i]->bytes;
      add_merged(record, groups[i], *std::move(merged[i]));
    }
    report.files = static_cast<int64_t>(record.added.size());
    done_ += report.bytes_before;
    ADWEAVE_TRY(writer_.append(std::move(record)));
    if (options_.progress) options_.progress(done_, total_);
    return report;
  }

  Status publish() {
    const auto published =
        publish_delta(fs_, writer_.options().dir, writer_.ledger(), options_.now_us());
    return published ? Status() : Status(published.error());
  }

  FileSystem& fs_;
  const UpkeepOptions& options_;
  ledger::LedgerWriter& writer_;
  MergedPlace place_;
  int64_t done_ = 0;  // bytes
  int64_t total_ = 0;
};

}  // namespace

Result<std::vector<MergedDay>> seal(FileSystem& fs, ledger::LedgerWriter& writer, bool all,
                                    const UpkeepOptions& options) {
  Days days = unsealed_days(writer.ledger());
  const std::string open_from = format_date(options.now_us() - limits::kSealAfterUs);
  std::erase_if(days, [&](const auto& day) { return !all && day.first >= open_from; });
  return Upkeep(fs, options, writer, MergedPlace::sealed).replace(days);
}

Result<std::vector<MergedDay>> compact(FileSystem& fs, ledger::LedgerWriter& writer,
                                       const UpkeepOptions& options) {
  Days days = unsealed_days(writer.ledger());
  for (auto& [day, groups] : days)
    std::erase_if(groups, [](const MergeGroup& group) { return group.size() < 2; });
  std::erase_if(days, [](const auto& day) { return day.second.empty(); });
  return Upkeep(fs, options, writer, MergedPlace::recent).replace(days);
}

}  // namespace adweave::engine
