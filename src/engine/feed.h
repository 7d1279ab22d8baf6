// SPDX-License-Identifier: Apache-2.0
// What a run reads: slices of one thing after another, in the order in which they are committed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/plan.h"
#include "engine/schema_fetcher.h"
#include "event/slice.h"

namespace adweave::engine {

// How far the position of what is read moves with a slice.
struct PositionStep {
  int64_t before = 0;
  int64_t after = 0;
  bool done = false;  // nothing is left there
  bool whole = true;  // a commit may come after it
  std::string mark;   // of a partition of Kafka: its last record (ledger::SourcePosition)
};

// The step of a slice of a file: what could not be read is read again when the file has grown.
PositionStep file_step(const event::Slice& slice);

// A slice, what it is of, and what it moves there.
struct ReadSlice {
  std::shared_ptr<const WorkFile> work;
  PositionStep step;
  event::Slice slice;
  // Of the journal: where the deliveries begin that its pieces are of.
  std::vector<source::JournalPosition> deliveries;
};

class Feed {
 public:
  virtual ~Feed() = default;
  // The next slice; null at the end. May wait for one. Called by one thread at a time.
  virtual Result<std::optional<ReadSlice>> next() = 0;
};

// The planned files, each to its end.
class FileFeed : public Feed {
 public:
  // All that is referred to must outlive it.
  FileFeed(const FileSystem& fs, const std::vector<OpenSource>& sources, SchemaFetcher& schemas,
           int64_t slice_bytes, std::vector<WorkFile> files);

  Result<std::optional<ReadSlice>> next() override;

 private:
  const FileSystem& fs_;
  const std::vector<OpenSource>& sources_;
  SchemaFetcher& schemas_;
  int64_t slice_bytes_;
  std::vector<WorkFile> files_;
  source::SliceBuffers buffers_;
  size_t reading_ = 0;                    // in files_
  std::shared_ptr<const WorkFile> work_;  // of reader_
  std::optional<source::SliceReader> reader_;
};

}  // namespace adweave::engine
