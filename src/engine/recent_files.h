// SPDX-License-Identifier: Apache-2.0
// The files that are not sealed, by table and day, and when a run merges them: many small commits
// must not leave many small files. What is merged are the newest neighbours, once they are 16 or
// more and together 8 times as large as the largest of them. So a row is written again a
// logarithmic number of times, and few files are left of each size.
//
// Used by one thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

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

 private:
  using Place = std::pair<std::string, std::string>;  // day, table

  void begin(const ledger::Ledger& ledger);
  void add(const event::DataFile& file);
  Status take_new(const ledger::Ledger& ledger);
  void replace(const Place& place, size_t count, const event::DataFile& merged);

  Profile* profile_;
  std::map<Place, std::vector<event::DataFile>> files_;  // in the order of their commits
  std::set<Place> changed_;                              // since merge()
  std::set<Place> unreadable_;
  int64_t known_ = 0;  // commit up to which files_ has every file
};

}  // namespace adweave::engine
