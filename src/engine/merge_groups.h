// SPDX-License-Identifier: Apache-2.0
// A commit that replaces groups of files by one file each, with the same rows.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/profile.h"
#include "lake/merge_files.h"
#include "ledger/commit_record.h"

namespace adweave::engine {

// Files of a table and a day that become one, in the order of their commits.
using MergeGroup = std::vector<event::DataFile>;

int64_t bytes_of(const MergeGroup& group);

// What became of each group: the file that holds its rows, written and synced, or why there is
// none. Groups of a table are numbered in their order, from options.first_file. options.commit is
// the commit to be.
std::vector<Result<event::DataFile>> merge_groups(FileSystem& fs, const lake::WriteOptions& options,
                                                  lake::MergedPlace place, int threads,
                                                  const std::vector<MergeGroup>& groups,
                                                  Profile* profile = nullptr);

// A record that puts nothing in place yet; add_merged() says what it replaces by what.
ledger::CommitRecord merge_record(lake::MergedPlace place, int64_t now);
void add_merged(ledger::CommitRecord& record, const MergeGroup& group, event::DataFile merged);

}  // namespace adweave::engine
