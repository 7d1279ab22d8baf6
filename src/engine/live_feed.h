// SPDX-License-Identifier: Apache-2.0
// What a running server reads: deliveries as they become durable in the journal, and files as they
// appear in the watched folders. It ends when it is told to.
//
// Deliveries that are lines and wait together are read in rounds: in each, those of one source are
// the pieces of one slice, and a commit takes all of a round or nothing.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/feed.h"
#include "source/journal.h"

namespace adweave::engine {

// The first place in the journal that no commit of the ledger has.
source::JournalPosition journal_resume(const ledger::Ledger& ledger);

class LiveFeed : public Feed {
 public:
  // All that is referred to must outlive it. `now_us` tells whether a file has come to rest;
  // `trouble` is told what is wrong with a file, which stops no other.
  LiveFeed(const FileSystem& fs, const Job& job, std::vector<OpenSource>& sources,
           source::Journal& journal, source::JournalPosition from, KnownFiles known,
           std::function<int64_t()> now_us, std::function<void(const Error&)> trouble);

  Result<std::optional<ReadSlice>> next() override;

  // next() ends, with null, after what is durable in the journal by then. May be called from any
  // thread.
  void stop() { stopping_ = true; }

 private:
  // Deliveries of a source that are put together.
  struct Group {
    std::string bytes;
    ReadSlice read;
  };

  Result<std::optional<ReadSlice>> next_of_journal();
  Result<std::optional<ReadSlice>> next_of_delivery();
  Result<std::optional<ReadSlice>> begin_delivery(source::JournalEntry entry);
  Status gather();
  Group begin_group(size_t source, const source::JournalEntry& entry);
  static void add(Group& group, const source::JournalEntry& entry);
  static ReadSlice slice_of(Group group);
  Result<size_t> source_of(const source::JournalEntry& entry) const;
  std::shared_ptr<const WorkFile> segment_of(size_t source, const source::JournalEntry& entry);
  bool is_within() const { return delivery_reader_ || !round_.empty(); }
  Result<std::optional<ReadSlice>> next_of_files();
  Status look_for_files();
  void know_file();
  bool has_changed(const OpenSource& source, source::SourceFile& file, int64_t now);

  const FileSystem& fs_;
  const Job& job_;
  std::vector<OpenSource>& sources_;
  const source::Journal& journal_;
  source::JournalReader deliveries_;
  std::function<int64_t()> now_us_;
  std::function<void(const Error&)> trouble_;
  std::atomic<bool> stopping_ = false;
  bool files_first_ = false;  // so that neither waits for the other for good

  source::JournalPosition through_;                        // all before it was given to a slice
  std::optional<source::JournalPosition> end_;             // where to end, once told to
  std::optional<source::JournalEntry> entry_;              // read, and not yet in a slice
  std::deque<ReadSlice> round_;                            // what is left of it
  std::vector<std::shared_ptr<const WorkFile>> segments_;  // that each source was last read of
  // Of a delivery that is read in slices.
  std::shared_ptr<const WorkFile> delivery_;
  source::JournalPosition delivery_begin_;
  source::JournalPosition delivery_end_;
  std::optional<source::SliceReader> delivery_reader_;

  KnownFiles known_;
  std::map<std::string, std::pair<int64_t, int64_t>> looked_at_;  // path -> size, modified
  int64_t looked_ = 0;                                            // when, microseconds UTC
  std::deque<WorkFile> waiting_;
  std::optional<FileFeed> reading_;
  std::shared_ptr<const WorkFile> file_;  // that the last slice was of
  PositionStep file_step_;
};

}  // namespace adweave::engine
