// SPDX-License-Identifier: Apache-2.0
#include "engine/recent_files.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "base/limits.h"
#include "base/thread_name.h"

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

// Whether a merge of the group can still take its place.
bool is_free(const MergeGroup& group, const ledger::LedgerWriter& writer) {
  std::vector<ledger::ReplacedFile> files;
  for (const DataFile& file : group) {
    if (writer.is_held(file.path)) return false;
    files.push_back({file.path});
  }
  return writer.ledger().summary().are_live(files);
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

// What is due in the places that have changed.
std::vector<MergeGroup> RecentFiles::take_due(const ledger::LedgerWriter& writer) {
  std::vector<MergeGroup> groups;
  for (const Place& place : std::exchange(changed_, {})) {
    if (unreadable_.contains(place)) continue;
    MergeGroup group = due(files_[place], writer);
    if (!group.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

// A group by what it has become.
void RecentFiles::replace(const Place& place, const MergeGroup& group, const DataFile& merged) {
  std::vector<DataFile>& files = files_[place];
  const auto first = std::find_if(files.begin(), files.end(), [&](const DataFile& file) {
    return file.path == group.front().path;
  });
  CHECK(static_cast<size_t>(files.end() - first) >= group.size());
  *first = merged;
  files.erase(first + 1, first + static_cast<std::ptrdiff_t>(group.size()));
}

Status RecentFiles::put_in_place(ledger::LedgerWriter& writer,
                                 const std::vector<MergeGroup>& groups, Merged merged,
                                 int64_t now) {
  ledger::CommitRecord record = merge_record(lake::MergedPlace::recent, now);
  for (size_t i = 0; i < groups.size(); ++i) {
    const Place place{groups[i].front().date, groups[i].front().table};
    if (merged[i]) {
      replace(place, groups[i], *merged[i]);
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

Status RecentFiles::merge(FileSystem& fs, ledger::LedgerWriter& writer,
                          const lake::WriteOptions& options, int threads, int64_t now) {
  ADWEAVE_TRY(take_new(writer.ledger()));
  const std::vector<MergeGroup> groups = take_due(writer);
  if (groups.empty()) return {};
  return put_in_place(
      writer, groups,
      merge_groups(fs, options, lake::MergedPlace::recent, threads, groups, profile_), now);
}

Status RecentFiles::merge_beside(FileSystem& fs, ledger::LedgerWriter& writer,
                                 lake::WriteOptions options, int64_t now) {
  if (merged_.valid()) {
    if (merged_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
    ADWEAVE_TRY(end_merge(fs, writer, now));
  }
  ADWEAVE_TRY(take_new(writer.ledger()));
  groups_ = take_due(writer);
  if (groups_.empty()) return {};
  options.first_file = next_beside_;
  next_beside_ += static_cast<int64_t>(groups_.size());
  merged_ = std::async(std::launch::async, [this, &fs, options] {
    name_thread("merge");
    return merge_groups(fs, options, lake::MergedPlace::recent, 1, groups_, profile_);
  });
  return {};
}

Status RecentFiles::end_merge(FileSystem& fs, ledger::LedgerWriter& writer, int64_t now) {
  if (!merged_.valid()) return {};
  Merged merged = merged_.get();
  ADWEAVE_TRY(take_new(writer.ledger()));
  std::vector<MergeGroup> groups;
  Merged kept;
  for (size_t i = 0; i < groups_.size(); ++i) {
    if (is_free(groups_[i], writer)) {
      groups.push_back(std::move(groups_[i]));
      kept.push_back(std::move(merged[i]));
    } else if (merged[i]) {
      ADWEAVE_TRY(fs.unlink(join_path(writer.options().dir, merged[i]->path)));
    }
  }
  return put_in_place(writer, groups, std::move(kept), now);
}

}  // namespace adweave::engine
