// SPDX-License-Identifier: Apache-2.0
// Topics of Kafka as replayable logs. Where reading goes on is told by the ledger, never by the
// cluster; before it does, the last record that was committed is read again, and an earlier one now
// and then while it goes on: a topic that was deleted and made again, or that lost records, is
// named and not read.
//
// A thread of its own talks to the cluster, which may take its time; messages are taken by another.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/kafka_consumer.h"
#include "source/kafka_topic.h"

namespace adweave::source {

// How far a partition is committed.
struct KafkaProgress {
  std::string topic;
  int32_t partition = 0;
  int64_t next = 0;  // offset of the first record that is not
  std::string mark;  // of the last one that is (source/kafka_mark.h); empty: none is
};

class KafkaLog {
 public:
  using Report = std::function<void(const Error&)>;

  // `report` is told what goes wrong, from any thread; an Error that repeats itself once a minute.
  // Fails with config when a property is wrong.
  static Result<std::unique_ptr<KafkaLog>> open(const KafkaCluster& cluster,
                                                std::vector<KafkaTopic> topics,
                                                const std::vector<KafkaProgress>& committed,
                                                Report report);
  ~KafkaLog();
  KafkaLog(const KafkaLog&) = delete;
  KafkaLog& operator=(const KafkaLog&) = delete;

  // Fetches these topics no more, and the others again, each partition from behind its last message
  // that was taken, as `taken` tells; none: none was. By the thread that polls. False: some are
  // still as they were, of which a report was given; it is tried again by the next call.
  using Taken = std::function<std::optional<int64_t>(const std::string& topic, int32_t partition)>;
  bool pause(const std::set<std::string>& topics, const Taken& taken);

  // Calls `take` for each message that is there, at most `most` of them; does not wait. Those of a
  // partition come in their order. One thread at a time.
  size_t poll(size_t most, const std::function<void(const net::KafkaMessage&)>& take);

  // Partitions that are read from their end on, since the last call: to be committed at once, or
  // the next start would pass over what comes until there is a record.
  std::vector<KafkaProgress> begun_at_end();

  // The partition is committed up to there.
  void committed(const KafkaProgress& progress);

  // By topic and number. Any thread.
  std::vector<KafkaPartition> partitions() const;

 private:
  using Key = std::pair<std::string, int32_t>;
  // Records that were committed: one that must still be the same at the next look, and the newest.
  struct Marks {
    std::string to_check;
    std::string newest;
  };

  KafkaLog(const KafkaCluster& cluster, std::vector<KafkaTopic> topics, Report report);
  void work();
  bool look();
  Status look_at(const KafkaTopic& topic);
  void note_new(const KafkaTopic& topic, const std::vector<int32_t>& partitions);
  // Those of our share.
  std::vector<int32_t> not_begun(const KafkaTopic& topic,
                                 const std::vector<int32_t>& partitions) const;
  Status begin(const KafkaTopic& topic, int32_t partition, bool is_compacted);
  Status check(const KafkaTopic& topic);
  std::vector<std::pair<Key, Marks>> marks_of(const KafkaTopic& topic) const;
  Result<int64_t> begin_at(const KafkaTopic& topic, int32_t partition);
  Error too_short(const KafkaProgress& progress, const net::KafkaOffsets& offsets);
  void stop(const std::string& topic, int32_t partition, const Error& error);
  void report(const Error& error);

  KafkaCluster cluster_;
  std::vector<KafkaTopic> topics_;
  Report report_;
  std::unique_ptr<net::KafkaConsumer> consumer_;

  mutable std::mutex mutex_;  // of all below
  std::condition_variable wake_;
  bool ending_ = false;
  std::map<Key, KafkaProgress> committed_;           // by the ledger
  std::map<std::string, std::set<int32_t>> at_end_;  // partitions of new topics to begin there
  std::map<Key, KafkaPartition> partitions_;
  std::map<Key, Marks> marks_;  // of those that are read
  std::vector<KafkaProgress> begun_at_end_;
  std::map<Key, int64_t> begin_;  // of partitions: where fetching began
  std::map<std::string, std::chrono::steady_clock::time_point> reported_;  // when last, by message
  std::set<Key> paused_;     // of the thread that polls: partitions that it has stopped
  std::set<Key> too_short_;  // of thread_: that ended too early when they were looked at
  std::thread thread_;
};

}  // namespace adweave::source
