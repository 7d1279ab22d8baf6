// SPDX-License-Identifier: Apache-2.0
// A Kafka cluster inside the test: librdkafka's mock brokers, on ports of this machine that are
// free. It keeps the newest 5 MB of a partition, waits fetch.wait.max.ms before it says that there
// is nothing new, and knows neither configurations (DescribeConfigs) nor deletion.
//
//   KafkaCluster cluster;
//   cluster.create_topic("impressions", 2);
//   cluster.produce("impressions", 0, {{.value = "{}"}});
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace adweave::tests {

struct KafkaTestMessage {
  std::optional<std::string> value;  // none: a tombstone
  std::string key;
  int64_t timestamp_ms = 1'698'850'000'000;
};

class KafkaCluster {
 public:
  explicit KafkaCluster(int brokers = 1);
  ~KafkaCluster();

  std::string brokers() const;  // "127.0.0.1:1234,...": bootstrap.servers

  void create_topic(const std::string& topic, int partitions);

  // Clients are told that there is no such topic. (Else one that asks for it makes it: the mock
  // does not know that it should not.)
  void hide_topic(const std::string& topic);

  // One batch, of a codec: none, gzip, snappy, lz4, zstd. Returns the offset of the last message;
  // ends the test program when it cannot be produced.
  int64_t produce(const std::string& topic, int32_t partition,
                  const std::vector<KafkaTestMessage>& messages, const std::string& codec = "none");

  // Brokers are 1, 2, ...
  void take_down(int broker);
  void bring_up(int broker);
  // Its answers take so long.
  void slow_down(int broker, std::chrono::milliseconds by);

  // The offset that a group has committed; -1: none.
  int64_t committed(const std::string& group, const std::string& topic, int32_t partition) const;

  // The next requests fail with these errors, one each, as Kafka's protocol numbers them: 29 topic
  // authorization failed, 30 group authorization failed, -1 unknown server error.
  void fail_fetches(const std::vector<int>& errors);
  void fail_commits(const std::vector<int>& errors);

 private:
  class Mock;
  std::unique_ptr<Mock> mock_;
};

}  // namespace adweave::tests
