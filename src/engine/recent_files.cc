// SPDX-License-Identifier: Apache-2.0
#include "engine/recent_files.h"

#include <algorithm>

#include "base/limits.h"

namespace adweave::engine {

namespace {

using event::DataFile;

// The newest files that are worth merging, as many as possible; empty: none are.
MergeGroup due(const std::vector<DataFile>& files) {
  size_t best = 0;
  int64_t bytes = 0;
  int64_t largest = 0;
  const size_t most = std::min(files.size(), limits::kRecentMergeFilesMax);
  for (size_t count = 1; count <= most; ++count) {
    const DataFile& file = files[files.size() - count];
    bytes += file.bytes;
    largest = std::max(largest, file.bytes);
    if (bytes > limits::kRecentMergeBytesMax) break;
    if (count >= limits::kRecentMergeFilesMin && bytes >= limits::kRecentMergeGrowth * largest)
      best = count;
  }
  return {files.end() - static_cast<std::ptrdiff_t>(best), files.end()};
}

bool is_unreadable(const Error& error) {
  return error.code == ErrorCode::corrupt || error.code == ErrorCode::not_found;
}

}  // namespace

RecentFiles::RecentFiles(const ledger::Ledger& ledger, Profile* profile)
    : profile_(profile), known_(ledger.head()) {
  for (const DataFile& file : ledger.live_files("", ledger.head())) add(file);
}

void RecentFiles::add(const DataFile& file) {
  if (file.is_sealed()) return;
  const Place place{file.date, file.table};
  files_[place].push_back(file);
  changed_.insert(place);
}

Status RecentFiles::take_new(const ledger::Ledger& ledger) {
  ADWEAVE_TRY(ledger.visit_records(known_ + 1, ledger.head(), [&](const auto& record) {
    for (const DataFile& file : record.added) add(file);
    return Status();
  }));
  known_ = ledger.head();
  return {};
}

// The newest `count` files by what they have become.
void RecentFiles::replace(const Place& place, size_t count, const DataFile& merged) {
  std::vector<DataFile>& files = files_[place];
  files.resize(files.size() - count);
  files.push_back(merged);
}

Status RecentFiles::merge(FileSystem& fs, ledger::LedgerWriter& writer,
                          const lake::WriteOptions& options, int threads, int64_t now) {
  ADWEAVE_TRY(take_new(writer.ledger()));
  std::vector<MergeGroup> groups;
  for (const Place& place : std::exchange(changed_, {})) {
    if (unreadable_.contains(place)) continue;
    MergeGroup group = due(files_[place]);
    if (!group.empty()) groups.push_back(std::move(group));
  }
  if (groups.empty()) return {};
  std::vector<Result<DataFile>> merged =
      merge_groups(fs, options, lake::MergedPlace::recent, threads, groups, profile_);
  ledger::CommitRecord record = merge_record(lake::MergedPlace::recent, now);
  for (size_t i = 0; i < groups.size(); ++i) {
    const Place place{groups[i].front().date, groups[i].front().table};
    if (merged[i]) {
      replace(place, groups[i].size(), *merged[i]);
      add_merged(record, groups[i], *std::move(merged[i]));
    } else if (is_unreadable(merged[i].error())) {
      unreadable_.insert(place);
    } else {
      return std::move(merged[i]).error();
    }
  }
  if (record.added.empty()) return {};
  const StageTimer timer(profile_, Stage::commit);
  ADWEAVE_TRY(writer.append(std::move(record)));
  known_ = writer.ledger().head();
  return {};
}

}  // namespace adweave::engine
