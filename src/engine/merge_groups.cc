// SPDX-License-Identifier: Apache-2.0
#include "engine/merge_groups.h"

#include <map>
#include <string>
#include <utility>

#include "base/limits.h"
#include "base/parallel.h"
#include "event/schema.h"

namespace adweave::engine {

namespace {

using event::DataFile;
using lake::MergedPlace;

Result<DataFile> merge(FileSystem& fs, const lake::WriteOptions& options, MergedPlace place,
                       const MergeGroup& group, int64_t n) {
  const bool as_it_is = place == MergedPlace::sealed && group.size() == 1 &&
                        group.front().bytes >= limits::kSealedAsIsBytes;
  return as_it_is ? lake::link_sealed(fs, options, group.front(), n)
                  : lake::merge_files(fs, options, place, group, n);
}

}  // namespace

int64_t bytes_of(const MergeGroup& group) {
  int64_t bytes = 0;
  for (const DataFile& file : group) bytes += file.bytes;
  return bytes;
}

std::vector<Result<DataFile>> merge_groups(FileSystem& fs, const lake::WriteOptions& options,
                                           MergedPlace place, int threads,
                                           const std::vector<MergeGroup>& groups,
                                           Profile* profile) {
  std::vector<int64_t> numbers;
  std::map<std::string, int64_t> next;  // by table
  for (const MergeGroup& group : groups)
    numbers.push_back(options.first_file + next[group.front().table]++);
  std::vector<Result<DataFile>> merged(groups.size(), Error{});
  run_parallel(groups.size(), threads, [&](size_t i) {
    StageTimer timer(profile, Stage::merge);
    merged[i] = merge(fs, options, place, groups[i], numbers[i]);
    if (merged[i]) timer.add(merged[i]->rows, merged[i]->bytes);
  });
  return merged;
}

ledger::CommitRecord merge_record(MergedPlace place, int64_t now) {
  ledger::CommitRecord record;
  record.kind = place == MergedPlace::sealed ? "seal" : "compact";
  record.committed_at = now;
  return record;
}

void add_merged(ledger::CommitRecord& record, const MergeGroup& group, DataFile merged) {
  for (const DataFile& file : group) record.replaced.push_back({file.path});
  record.added.push_back(std::move(merged));
}

}  // namespace adweave::engine
