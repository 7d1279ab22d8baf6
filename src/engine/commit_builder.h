// SPDX-License-Identifier: Apache-2.0
// The rows of one commit on their way from the sequencer to the ledger.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/job.h"
#include "ledger/writer.h"
#include "process/deduplicate.h"
#include "process/roll_up.h"
#include "source/file_source.h"

namespace adweave::engine {

class CommitBuilder {
 public:
  bool empty() const { return slices_.empty(); }
  int64_t bytes() const { return bytes_; }

  // Deduplicates a slice of `file` and takes what is left of it. Slices come in order.
  void add(process::PreparedSlice prepared, const SourceJob& source, const source::SourceFile& file,
           int64_t commit, state::State& state, process::Occurrences& occurrences);

  // Attributes, writes every table (tables in parallel) and commits. Counts are added to `totals`,
  // by source.
  Status commit(FileSystem& fs, const Job& job, ledger::LedgerWriter& writer, state::State& state,
                int64_t now, std::map<std::string, ledger::Counts>& totals);

 private:
  using Parts = std::vector<event::TableRows>;

  void add_position(const SourceJob& source, const source::SourceFile& file,
                    const event::Slice& slice);
  std::vector<Parts> table_parts() const;

  std::vector<process::PreparedSlice> slices_;
  event::DuplicateRows duplicates_;
  event::RejectRows rejects_;
  process::Attribution attribution_;
  event::AuditRows audit_;
  std::vector<ledger::SourcePosition> positions_;
  std::vector<std::string> sources_;  // in the order of their first slice
  std::map<std::string, process::SourceSums> sums_;
  int64_t bytes_ = 0;
};

}  // namespace adweave::engine
