// SPDX-License-Identifier: Apache-2.0
// What the configuration says of Kafka, and how its partitions stand, as plain data.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace adweave::source {

struct KafkaTopic {
  std::string topic;
  bool from_end =
      false;  // of a topic that the ledger knows nothing of: only what comes from now on
  bool accept_loss = false;  // go on behind records that the cluster has not kept
};

struct KafkaCluster {
  std::map<std::string, std::string> properties;  // as librdkafka takes them
  std::string group;  // under whose name our positions are told to the cluster, as a hint
  // This ledger reads the partitions p with p % shares == share.
  int share = 0;
  int shares = 1;
};

// A partition of this ledger's share, as it stands.
struct KafkaPartition {
  std::string topic;
  int32_t partition = 0;
  int64_t next = 0;         // not yet committed
  int64_t high = -1;        // one past the newest; -1: not known
  bool is_stopped = false;  // for good: an Error was reported
};

}  // namespace adweave::source
