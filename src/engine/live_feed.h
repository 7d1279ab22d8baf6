// SPDX-License-Identifier: Apache-2.0
// What a running server reads: deliveries as they become durable in the journal, files as they
// appear in the watched folders, messages of Kafka. It ends when it is told to.
#pragma once

#include <atomic>
#include <optional>
#include <utility>
#include <vector>

#include "engine/folder_feed.h"
#include "engine/journal_feed.h"
#include "engine/kafka_feed.h"

namespace adweave::engine {

class LiveFeed : public Feed {
 public:
  // All that is referred to must outlive it. `kafka` may be null.
  LiveFeed(const source::Journal& journal, JournalFeed& deliveries, FolderFeed& files,
           KafkaFeed* kafka);

  Result<std::optional<ReadSlice>> next() override;

  // next() ends, with null, after what is durable in the journal by then. May be called from any
  // thread.
  void stop() { stopping_ = true; }

 private:
  Result<std::optional<ReadSlice>> read(Feed& feed);

  const source::Journal& journal_;
  JournalFeed& deliveries_;
  std::vector<Feed*> feeds_;
  std::chrono::milliseconds patience_;
  std::atomic<bool> stopping_ = false;
  size_t turn_ = 0;                             // whose it is: none waits for another for good
  bool is_within_ = false;                      // its last slice does not end what it is of
  std::optional<source::JournalPosition> end_;  // where to end, once told to
};

}  // namespace adweave::engine
