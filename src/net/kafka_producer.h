// SPDX-License-Identifier: Apache-2.0
// Writes messages to Kafka in transactions, each together with the positions that it brings its
// topics to: who reads with isolation.level read_committed sees both or neither, whatever ends the
// process or a broker.
//
//   ADWEAVE_ASSIGN(auto producer, KafkaProducer::open(options, stop));
//   ADWEAVE_ASSIGN(auto positions, producer->begin({"results"}));   // how far earlier ones came
//   ADWEAVE_TRY(producer->send({.topic = "results", .value = "{}"}));
//   ADWEAVE_TRY(producer->commit({{"results", 8, "mark"}}));
//
// Positions are kept by the cluster, as offsets of a group that has the producer's name.
//
// Used by one thread. After a failure it must not be used: what it was in the middle of is as if it
// had not been, or is there as a whole; begin() of the next one tells.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/kafka_consumer.h"

namespace adweave::net {

// How far a topic has been written.
struct KafkaPosition {
  std::string topic;
  int64_t next = 0;  // a number of the caller's, not negative
  std::string mark;  // a text of the caller's, up to some kilobytes
};

// The views are read by send() alone.
struct KafkaMessageOut {
  std::string_view topic;
  std::optional<std::string_view> key;  // messages of a key lie in one partition
  std::string_view value;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
};

class KafkaProducer {
 public:
  // Checks the properties; does not wait for the cluster. `options.transactional_id` is the name:
  // of producers with the same one only the newest can write. `stop` is asked while the cluster is
  // waited for: true gives up. Fails with config.
  static Result<std::unique_ptr<KafkaProducer>> open(const KafkaOptions& options,
                                                     std::function<bool()> stop);
  virtual ~KafkaProducer() = default;

  // Ends what earlier producers of the name have left, and tells how far they came, for each topic;
  // null: the cluster does not know of any. Topics are not made: fails with not_found when there is
  // none. Comes first. All functions fail with io (no answer, not allowed) and with fenced: a newer
  // producer has the name.
  virtual Result<std::vector<std::optional<KafkaPosition>>> begin(
      const std::vector<std::string>& topics) = 0;

  // Adds a message to the transaction, and begins it if there is none. May wait for room.
  virtual Status send(const KafkaMessageOut& message) = 0;

  // Commits what was sent and these positions in one step; also without any message.
  virtual Status commit(const std::vector<KafkaPosition>& positions) = 0;

  // The key of a record that is there; null: it has none, or the record is there no more.
  virtual Result<std::optional<std::string>> key_at(const std::string& topic, int32_t partition,
                                                    int64_t offset) = 0;
};

}  // namespace adweave::net
