// SPDX-License-Identifier: Apache-2.0
// Deliveries as they become durable in the journal.
//
// Those that are lines and wait together are read in rounds: in each, those of one source are the
// pieces of one slice, and a commit takes all of a round or nothing.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "engine/deliveries.h"
#include "source/journal.h"

namespace adweave::engine {

// The first place in the journal that no commit of the ledger has.
source::JournalPosition journal_resume(const ledger::Ledger& ledger);

class JournalFeed : public Feed {
 public:
  // All that is referred to must outlive it.
  JournalFeed(const Job& job, const std::vector<OpenSource>& sources,
              const source::Journal& journal, source::JournalPosition from);

  // Does not wait. Null: there is nothing at the moment.
  Result<std::optional<ReadSlice>> next() override;

  // Until next() may have a slice, or time is over.
  void wait(std::chrono::milliseconds patience) const { deliveries_.wait(patience); }

  // All before it was given to a slice.
  source::JournalPosition through() const { return through_; }

 private:
  // A segment, as what is read of one source lies in it.
  struct Segment {
    int64_t number = 0;
    std::shared_ptr<const WorkFile> file;
  };

  Status gather();
  Result<std::optional<ReadSlice>> begin(source::JournalEntry entry);
  Result<size_t> source_of(const source::JournalEntry& entry) const;
  Arrival arrival_of(size_t source, const source::JournalEntry& entry);
  void add(DeliveryGroup& group, const Arrival& arrival, const source::JournalEntry& entry);

  const Job& job_;
  const std::vector<OpenSource>& sources_;
  source::JournalReader deliveries_;
  source::JournalPosition through_;
  std::optional<source::JournalEntry> entry_;  // read, and not yet in a slice
  std::deque<ReadSlice> round_;                // what is left of it
  std::vector<Segment> segments_;              // that each source was last read of
  // That is read by itself.
  std::optional<WholeDelivery> whole_;
  source::JournalPosition whole_begin_;
};

}  // namespace adweave::engine
