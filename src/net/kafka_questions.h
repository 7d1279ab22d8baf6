// SPDX-License-Identifier: Apache-2.0
// What KafkaConsumer asks the cluster; see there. Includes librdkafka: for kafka_*.cc only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/kafka_handle.h"

namespace adweave::net {

Result<std::vector<int32_t>> ask_partitions(KafkaHandle& handle, const std::string& topic);
Result<KafkaOffsets> ask_offsets(KafkaHandle& handle, const std::string& topic, int32_t partition);
Result<bool> ask_is_compacted(KafkaHandle& handle, const std::string& topic);

// Of a handle that was opened to look up, by one thread at a time: as KafkaConsumer::read_from().
Result<std::vector<KafkaRecord>> look_up(KafkaHandle& handle, const std::string& topic,
                                         int32_t partition, int64_t offset, size_t most);

}  // namespace adweave::net
