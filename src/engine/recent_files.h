// SPDX-License-Identifier: Apache-2.0
// The files that are not sealed, by table and day, and when a run merges them: many small commits
// must not leave many small files. What is merged are the newest neighbours, once they are 16 or
// more and together 8 times as large as the largest of them. So a row is written again a
// logarithmic number of times, and few files are left of each size.
//
// Used by one thread.
#pragma once

#include <future>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "engine/merge_groups.h"
#include "ledger/writer.h"

namespace adweave::engine {

class RecentFiles {
 public:
  explicit RecentFiles(const ledger::Ledger& ledger, Profile* profile = nullptr);

  // Merges what is due, if anything, and commits that. Files that cannot be read are left to
  // `verify`, with their table's day.
  Status merge(FileSystem& fs, ledger::LedgerWriter& writer, const lake::WriteOptions& options,
               int threads, int64_t now);

  // The same beside the commits that follow: begins a merge, or commits the one that has ended,
  // whose files nobody has taken or holds by then. `fs` must outlive it.
  Status merge_beside(FileSystem& fs, ledger::LedgerWriter& writer, lake::WriteOptions options,
                      int64_t now);
  // Waits for the merge under way, if any, and commits it.
  Status end_merge(FileSystem& fs, ledger::LedgerWriter& writer, int64_t now);

 private:
  using Place = std::pair<std::string, std::string>;  // day, table
  using Merged = std::vector<Result<event::DataFile>>;

  void begin(const ledger::Ledger& ledger);
  void add(const event::DataFile& file);
  Status take_new(const ledger::Ledger& ledger);
  std::vector<MergeGroup> take_due(const ledger::LedgerWriter& writer);
  void replace(const Place& place, const MergeGroup& group, const event::DataFile& merged);
  Status put_in_place(ledger::LedgerWriter& writer, const std::vector<MergeGroup>& groups,
                      Merged merged, int64_t now);

  Profile* profile_;
  std::map<Place, std::vector<event::DataFile>> files_;  // in the order of their commits
  std::set<Place> changed_;                              // since merge()
  std::set<Place> unreadable_;
  int64_t known_ = 0;                                    // commit up to which files_ has every file
  int64_t next_beside_ = limits::kBesideFileNumber / 2;  // file: apart from those of a seal

  // Being merged. Last: it waits for its end, and what it uses must outlive it.
  std::vector<MergeGroup> groups_;
  std::future<Merged> merged_;
};

}  // namespace adweave::engine
