// SPDX-License-Identifier: Apache-2.0
// Reads partitions of Kafka topics from offsets that the caller keeps. It joins no group: nobody
// takes partitions away, and what the group has committed is written as a hint and never read.
//
//   auto consumer = KafkaConsumer::open({.properties = {{"bootstrap.servers", "localhost:9092"}}});
//   if (!consumer) return consumer.error();
//   ADWEAVE_TRY((*consumer)->start("impressions", 0, next));
//   for (;;) (*consumer)->poll(1000, take, ended, trouble);  // returns at once, also without any
//
// One thread polls. The questions (partitions, offsets, is_compacted, read_at), start, stop, hint
// and high may be called by other threads at the same time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace adweave::net {

struct KafkaOptions {
  // As librdkafka takes them: bootstrap.servers, security.protocol, sasl.*, ssl.*, ...
  std::map<std::string, std::string> properties;
  std::string group;              // the offsets follow under this name; empty: they do not
  int64_t answer_us = 0;          // how long an answer of the cluster may take
  int64_t queue_bytes = 0;        // fetched and not yet taken
  int64_t message_bytes_max = 0;  // key and value; a longer one ends its partition
  std::string transactional_id;   // of a producer
};

struct KafkaOffsets {
  int64_t low = 0;   // the first that is kept
  int64_t high = 0;  // one past the newest that a reader may see
};

// An owned copy.
struct KafkaRecord {
  int64_t offset = 0;
  int64_t timestamp_us = -1;  // -1: none
  std::string key;
  std::string value;
  bool has_value = false;  // false: a tombstone
};

// As poll() gives it: the views hold until the next poll().
struct KafkaMessage {
  std::string_view topic;
  int32_t partition = 0;
  int64_t offset = 0;
  int64_t timestamp_us = -1;  // -1: none
  std::string_view key;
  std::string_view value;
  bool has_value = false;  // false: a tombstone
};

class KafkaConsumer {
 public:
  using Take = std::function<void(const KafkaMessage&)>;
  using Ended = std::function<void(const std::string& topic, int32_t partition, const Error&)>;
  using Trouble = std::function<void(const Error&)>;

  // Checks the properties; does not wait for the cluster. Fails with config: names the property
  // and what is wrong with it. Those that make the positions ours cannot be set otherwise.
  static Result<std::unique_ptr<KafkaConsumer>> open(const KafkaOptions& options);

  // Waits at most a second, for hints that are under way.
  ~KafkaConsumer();

  // Partitions of a topic, ascending. Fails with not_found (there is no such topic) or io (not
  // allowed; no answer, with what the client last complained about). Every question fails early
  // when no broker can be reached.
  Result<std::vector<int32_t>> partitions(const std::string& topic) const;

  // Fails with not_found (no such topic or partition) or io.
  Result<KafkaOffsets> offsets(const std::string& topic, int32_t partition) const;

  // Whether the topic keeps only the newest record of a key (cleanup.policy has compact): such a
  // log cannot be replayed. False when the broker does not tell. Fails with not_found or io.
  Result<bool> is_compacted(const std::string& topic) const;

  // The record at exactly that offset; none when there is none there. Asked over a connection of
  // its own, so it does not disturb what start() has begun. Fails with not_found (no such topic or
  // partition), corrupt (a checksum does not hold) or io.
  Result<std::optional<KafkaRecord>> read_at(const std::string& topic, int32_t partition,
                                             int64_t offset) const;

  // Records from that offset on, of which one answer of the cluster has at least one: at most
  // `most` of them, in their order. The first may lie behind the offset, if none is there. Empty:
  // there is none from there on. Otherwise as read_at().
  Result<std::vector<KafkaRecord>> read_from(const std::string& topic, int32_t partition,
                                             int64_t offset, size_t most) const;

  // Begins to fetch a partition that is not being fetched, from an offset (0 or more) on. Does not
  // wait for the cluster: what is wrong with it comes out of poll().
  Status start(const std::string& topic, int32_t partition, int64_t offset);

  // Fetches a partition no more; what is queued of it is dropped. A poll() that runs on another
  // thread may just be giving its last message. Does nothing when it is not being fetched.
  Status stop(const std::string& topic, int32_t partition);

  // Calls `take` for each message that is there, at most `most` of them, without waiting. Messages
  // of a partition come in the order of their offsets, which may have gaps (transactions).
  // Trouble that ends a partition (offset out of range, no such topic or partition, not allowed,
  // damaged, longer than message_bytes_max) goes to `ended`, and that partition is stopped: nothing
  // is skipped. Passing trouble (a broker that cannot be reached; it is tried again) goes to
  // `trouble`. The functions may call start, stop and hint. Returns how many messages were given.
  size_t poll(size_t most, const Take& take, const Ended& ended, const Trouble& trouble);

  // Tells the group that everything before `next` is committed, a hint for tools that show a lag.
  // Sent by the next poll(), the newest of each partition, all of them in one request; a failure
  // goes to `trouble` of a later poll(), and it is tried again.
  void hint(const std::string& topic, int32_t partition, int64_t next);

  // The newest high watermark that fetching has told of, without asking; -1: not known.
  int64_t high(const std::string& topic, int32_t partition) const;

 private:
  class Client;
  explicit KafkaConsumer(std::unique_ptr<Client> client);

  std::unique_ptr<Client> client_;
};

}  // namespace adweave::net
