// SPDX-License-Identifier: Apache-2.0
// The rows of one commit on their way from the sequencer to the ledger.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/job.h"
#include "engine/profile.h"
#include "engine/slice_pipeline.h"
#include "ledger/writer.h"
#include "process/deduplicate.h"
#include "process/roll_up.h"
#include "source/file_source.h"

namespace adweave::engine {

// What was counted of a slice.
struct SliceCounts {
  ledger::Counts all;
  std::vector<process::DedupCounts> pieces;
};

class CommitBuilder {
 public:
  explicit CommitBuilder(Profile* profile = nullptr) : profile_(profile) {}

  bool empty() const { return slices_ == 0; }
  int64_t bytes() const { return bytes_; }

  // Deduplicates a slice and takes what is left of it; what was counted. Slices come in order.
  SliceCounts add(DoneSlice slice, const SourceJob& source, int64_t commit, state::State& state,
                  process::Occurrences& occurrences);

  // The same for rejects that were decoded again (engine/replay.h), counted as a source of their
  // own: `records` of them. What is still in prepared.decoded.rejects is counted as rejected; their
  // rows are the caller's. `read` is where the content of their file was first read.
  void add_replayed(process::PreparedSlice prepared, const SourceJob& source,
                    const ledger::SourcePosition& read, int64_t records, int64_t commit,
                    state::State& state, process::Occurrences& occurrences);
  event::RejectRows& rejects() { return rejects_; }
  const event::DuplicateRows& duplicates() const { return duplicates_; }
  // Of the slice that was added last, as far as they have rows.
  std::span<const std::unique_ptr<event::Batch>> last_batches() const {
    return std::span(batches_).subspan(last_);
  }

  // Attributes, writes every table (tables in parallel) and commits. Counts are added to `totals`,
  // by source.
  Status commit(FileSystem& fs, const Job& job, ledger::LedgerWriter& writer, state::State& state,
                int64_t now, std::map<std::string, ledger::Counts>& totals);

 private:
  using Parts = std::vector<event::TableRows>;

  process::SourceSums& sums_of(const std::string& counted);
  SliceCounts take(process::PreparedSlice& prepared, const process::DedupContext& context,
                   process::SourceSums& sums, state::State& state,
                   process::Occurrences& occurrences);
  void keep_head(const std::string& source, const event::Slice& slice);
  std::vector<ledger::FileHead> new_heads(const ledger::Ledger& ledger) const;
  void add_position(const SourceJob& source, const source::SourceFile& file,
                    const PositionStep& step);
  void attribute(const Job& job, std::optional<int64_t> closed_through, state::State& state);
  std::vector<Parts> table_parts() const;

  Profile* profile_;
  int64_t slices_ = 0;
  // In the order of the slices, those that have rows: an empty one takes kilobytes too, and a slice
  // may be a delivery of one event.
  std::vector<std::unique_ptr<event::Batch>> batches_;
  size_t last_ = 0;  // the first of the last slice
  event::DuplicateRows duplicates_;
  event::RejectRows rejects_;
  process::Attribution attribution_;
  event::AuditRows audit_;
  std::string kind_ = "data";
  std::vector<ledger::SourcePosition> positions_;
  std::map<std::pair<std::string, std::string>, size_t> position_of_;  // by source and hash
  std::vector<ledger::FileHead> heads_;  // of files with rejects, their bytes not encoded
  std::vector<std::string> sources_;     // in the order of their first slice
  std::map<std::string, process::SourceSums> sums_;
  int64_t bytes_ = 0;
};

}  // namespace adweave::engine
