// SPDX-License-Identifier: Apache-2.0
// A job that reads impressions of a topic, and messages for it.
#pragma once

#include <string>
#include <vector>

#include "engine/engine_test_support.h"
#include "tests/support/kafka_cluster.h"

namespace adweave::engine {

constexpr const char* kTopic = "ads.events.impression.v1";

inline Job kafka_job(const tests::KafkaCluster& cluster) {
  Job job = job_of();
  for (SourceJob& source : job.sources) source.files.clear();
  job.sources[0].decoder.mapping.rows[0].fields.push_back(field(Field::event_id, "id"));
  job.sources[0].kafka = source::KafkaTopic{kTopic};
  job.kafka.properties = {{"bootstrap.servers", cluster.brokers()}, {"fetch.wait.max.ms", "10"}};
  job.kafka.group = "adweave";
  job.slice_bytes = job.commit_bytes = 1 << 20;
  return job;
}

inline std::string event(int id) {
  return fmt::format("{{\"id\":\"i{}\",\"t\":\"{}\",\"u\":\"u{}\",\"c\":\"k\"}}", id,
                     time_of(id % 900), id % 3);
}

inline std::vector<tests::KafkaTestMessage> events(int first, int count) {
  std::vector<tests::KafkaTestMessage> messages;
  for (int i = first; i < first + count; ++i)
    messages.push_back({.value = event(i), .key = fmt::format("u{}", i % 3)});
  return messages;
}

}  // namespace adweave::engine
