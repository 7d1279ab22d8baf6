// SPDX-License-Identifier: Apache-2.0
#include "source/kafka_mark.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/whole_number.h"
#include "event/slice.h"

namespace adweave::source {

std::string kafka_partition_name(std::string_view topic, int32_t partition) {
  return fmt::format("{}{}:{}", event::kKafkaPrefix, topic, partition);
}

std::optional<KafkaPartitionId> parse_kafka_partition(std::string_view name) {
  if (!name.starts_with(event::kKafkaPrefix)) return std::nullopt;
  name.remove_prefix(event::kKafkaPrefix.size());
  const size_t colon = name.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  KafkaPartitionId id{std::string(name.substr(0, colon)), 0};
  if (!parse_whole(name.substr(colon + 1), id.partition)) return std::nullopt;
  return id;
}

std::optional<KafkaRecordId> parse_kafka_position(std::string_view position) {
  // Behind the prefix: topic, partition, offset, and for a part a byte.
  size_t end = event::kKafkaPrefix.size() - 1;
  for (int part = 0; part < 2 && end != std::string_view::npos; ++part)
    end = position.find(':', end + 1);
  if (end == std::string_view::npos) return std::nullopt;
  const auto partition = parse_kafka_partition(position.substr(0, end));
  std::string_view offset = position.substr(end + 1);
  offset = offset.substr(0, offset.find(':'));
  KafkaRecordId id;
  if (!partition || !parse_whole(offset, id.offset)) return std::nullopt;
  id.topic = partition->topic;
  id.partition = partition->partition;
  return id;
}

std::string kafka_mark(int64_t offset, int64_t timestamp_us, std::string_view key,
                       std::string_view value) {
  return fmt::format("{}:{}:{}", offset, timestamp_us,
                     to_hex(combine(hash128(key), hash128(value))));
}

std::optional<int64_t> offset_of_kafka_mark(std::string_view mark) {
  int64_t offset = 0;
  if (!parse_whole(mark.substr(0, mark.find(':')), offset)) return std::nullopt;
  return offset;
}

}  // namespace adweave::source
