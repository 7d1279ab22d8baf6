// SPDX-License-Identifier: Apache-2.0
#include "engine/recent_files.h"

#include <algorithm>

#include "base/limits.h"

namespace adweave::engine {

namespace {

using event::DataFile;

// The newest files that are worth merging, as many as possible, up to one that is held; empty: none
// are.
MergeGroup due(const std::vector<DataFile>& files, const ledger::LedgerWriter& writer) {
  size_t best = 0;
  int64_t bytes = 0;
  int64_t largest = 0;
  const size_t most = std::min(files.size(), limits::kRecentMergeFilesMax);
  for (size_t count = 1; count <= most; ++count) {
    const DataFile& file = files[files.size() - count];
    bytes += file.bytes;
    largest = std::max(largest, file.bytes);
    if (bytes > limits::kRecentMergeBytesMax || writer.is_held(file.path)) break;
    if (count >= limits::kRecentMergeFilesMin && bytes >= limits::kRecentMergeGrowth * largest)
      best = count;
  }
  return {files.end() - static_cast<std::ptrdiff_t>(best), files.end()};
}

bool is_unreadable(const Error& error) {
  return error.code == ErrorCode::corrupt || error.code == ErrorCode::not_found;
}

}  // namespace

RecentFiles::RecentFiles(const ledger::Ledger& ledger, Profile* profile) : profile_(profile) {
  begin(ledger);
}

void RecentFiles::begin(const ledger::Ledger& ledger) {
  files_.clear();
  for (const DataFile& file : ledger.live_files("", ledger.head())) add(file);
  known_ = ledger.head();
}

void RecentFiles::add(const DataFile& file) {
  if (file.is_sealed()) return;
  const Place place{file.date, file.table};
  files_[place].push_back(file);
  changed_.insert(place);
}

// Others take files away too: seal, compact, retention.
Status RecentFiles::take_new(const ledger::Ledger& ledger) {
  bool are_gone = false;
  ADWEAVE_TRY(ledger.visit_records(known_ + 1, ledger.head(), [&](const auto& record) {
    are_gone |= !record.replaced.empty() || record.kind == "retention";
    for (const DataFile& file : record.added) add(file);
    return Status();
  }));
  known_ = ledger.head();
  if (are_gone) begin(ledger);
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
    MergeGroup group = due(files_[place], writer);
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
