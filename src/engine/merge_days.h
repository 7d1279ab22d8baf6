// SPDX-License-Identifier: Apache-2.0
// Which days are to be sealed or merged, and what becomes of one: files that take the place of its
// files, and the commit record that says so. engine/seal.h commits between all else,
// engine/background_merge.h beside commits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/merge_groups.h"
#include "ledger/ledger.h"

namespace adweave::engine {

// What became of a day, all tables together.
struct MergedDay {
  std::string date;
  int64_t commit = 0;  // that replaced the files
  int64_t files_before = 0;
  int64_t files = 0;
  int64_t rows = 0;
  int64_t bytes_before = 0;
  int64_t bytes = 0;
};

struct DayToMerge {
  std::string date;
  std::vector<MergeGroup> groups;  // each of one table, to become one file
};

int64_t bytes_of(const DayToMerge& day);

// Days with files that are not sealed, the oldest first.
std::vector<DayToMerge> unsealed_days(const ledger::Ledger& ledger);
// Of them what compact merges: files of a table that are several.
std::vector<DayToMerge> uncompacted_days(const ledger::Ledger& ledger);
// The day from which on no day has been over for so long; dates before it have.
std::string open_from(int64_t now, int64_t after_us);

// Files that are written and synced, and the record that puts them in place: to be committed as
// options.commit or later, while all that it replaces is live.
struct WrittenDay {
  ledger::CommitRecord record;
  MergedDay report;  // without the commit
};

// Reads and writes all of a day. After a failure none of its new files is left, unless the disk
// refuses that too. Fails with corrupt when a file is damaged, with io.
Result<WrittenDay> write_day(FileSystem& fs, const lake::WriteOptions& options,
                             lake::MergedPlace place, int threads, const DayToMerge& day);

// Removes the files of a day that is not to be committed.
void discard(FileSystem& fs, const std::string& dir, const WrittenDay& day);

}  // namespace adweave::engine
