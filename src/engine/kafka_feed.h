// SPDX-License-Identifier: Apache-2.0
// Messages of Kafka. Those of a partition that wait together and are a record each, a line or an
// Avro message, are the pieces of one slice; one of several records, or that must be decoded as a
// whole, is a file of its own.
#pragma once

#include <deque>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/deliveries.h"
#include "source/kafka_log.h"
#include "source/paused_sources.h"

namespace adweave::engine {

// How far the ledger has each partition of the job's topics.
std::vector<source::KafkaProgress> kafka_progress(const Job& job, const ledger::Ledger& ledger);

class KafkaFeed : public Feed {
 public:
  // All that is referred to must outlive it.
  KafkaFeed(const Job& job, const std::vector<OpenSource>& sources, SchemaFetcher& schemas,
            source::KafkaLog& log, const source::PausedSources& paused)
      : job_(job), sources_(sources), schemas_(schemas), log_(log), paused_(paused) {}

  // Does not wait. Null: there is nothing at the moment.
  Result<std::optional<ReadSlice>> next() override;

 private:
  // A slice, or a message that becomes some when it is its turn.
  struct Waiting {
    ReadSlice slice;
    std::optional<Arrival> arrival;  // of a message
    std::string body;
  };
  struct Partition {
    std::string topic;
    int32_t number = 0;
    std::shared_ptr<const WorkFile> work;
    std::optional<DeliveryGroup> records;
    std::optional<int64_t> next;  // offset behind the last message; none: there was none
    // The last message in it, which holds until the next poll.
    net::KafkaMessage last;
    size_t usual_bytes = 0;  // of a slice
  };

  // A topic of which nothing is taken until its registry has told of a schema that a message names.
  // It is read again from that message on.
  struct PutAside {
    std::future<void> answer;
    bool is_stopped = false;  // and nothing of it has come since
  };

  Result<std::optional<ReadSlice>> next_of_message();
  void gather();
  void stop_and_go_on();
  std::set<std::string> stopped_topics() const;
  bool put_aside(const Partition& partition);
  void take(const net::KafkaMessage& message);
  void flush(Partition& partition);
  Partition& partition_of(std::string_view topic, int32_t number);
  const OpenSource& source_of(const Partition& partition) const {
    return sources_[partition.work->source];
  }

  const Job& job_;
  const std::vector<OpenSource>& sources_;
  SchemaFetcher& schemas_;
  source::KafkaLog& log_;
  const source::PausedSources& paused_;
  std::deque<Partition> partitions_;  // that had messages
  size_t latest_ = 0;                 // in it: whose the last message was
  std::deque<Waiting> waiting_;
  std::optional<WholeDelivery> whole_;
  std::string whole_mark_;
  std::map<std::string, PutAside> put_aside_;  // by topic
};

}  // namespace adweave::engine
