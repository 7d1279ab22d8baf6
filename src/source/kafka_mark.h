// SPDX-License-Identifier: Apache-2.0
// How partitions of Kafka and their records are named in rows and in the ledger.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace adweave::source {

// "kafka:clicks:3": what rows call a partition. Names of topics hold no ':'.
std::string kafka_partition_name(std::string_view topic, int32_t partition);

struct KafkaPartitionId {
  std::string topic;
  int32_t partition = 0;
};
std::optional<KafkaPartitionId> parse_kafka_partition(std::string_view name);

// A record, "kafka:clicks:3:1234", or a part of it, "kafka:clicks:3:1234:56".
struct KafkaRecordId {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = 0;
};
std::optional<KafkaRecordId> parse_kafka_position(std::string_view position);

// "1234:1696118400000000:<32 hexadecimal digits>": offset, timestamp (microseconds UTC, -1: none)
// and hash of key and value of a record. A record with another mark at the same offset is another:
// the topic was deleted and made again.
std::string kafka_mark(int64_t offset, int64_t timestamp_us, std::string_view key,
                       std::string_view value);
// The offset in it; none in what is no mark.
std::optional<int64_t> offset_of_kafka_mark(std::string_view mark);

}  // namespace adweave::source
