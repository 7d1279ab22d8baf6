// SPDX-License-Identifier: Apache-2.0
#include "net/kafka_questions.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace adweave::net {

namespace {

using Metadata = KafkaOwned<const rd_kafka_metadata_t, rd_kafka_metadata_destroy>;
using Resource = KafkaOwned<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy>;
using Options = KafkaOwned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;

// What the cluster tells of one topic, asked once. Every attempt at a question begins with it, so
// that the brokers that are asked are those that lead the partitions now.
rd_kafka_resp_err_t ask_metadata(KafkaHandle& handle, const std::string& topic, int timeout_ms,
                                 Metadata& answer) {
  rd_kafka_topic_t* asked = handle.topic(topic);
  if (!asked) return rd_kafka_last_error();
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto failed = rd_kafka_metadata(handle.get(), 0, asked, &metadata, timeout_ms);
  answer.reset(metadata);
  if (failed) return failed;
  return metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR__BAD_MSG;
}

// Of `which`, RD_KAFKA_OFFSET_BEGINNING or RD_KAFKA_OFFSET_END. (The function that asks for both
// waits without an end for a broker that has gone.)
rd_kafka_resp_err_t ask_offset(KafkaHandle& handle, const std::string& topic, int32_t partition,
                               int64_t which, int timeout_ms, int64_t& offset) {
  const KafkaList asked(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_t* one =
      rd_kafka_topic_partition_list_add(asked.get(), topic.c_str(), partition);
  one->offset = which;
  const auto failed = rd_kafka_offsets_for_times(handle.get(), asked.get(), timeout_ms);
  offset = one->offset;
  if (failed || one->err) return failed ? failed : one->err;
  return offset >= 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR__BAD_MSG;
}

// A broker that leads a partition of the topic; -1: none does.
int32_t leader_of(const rd_kafka_metadata_topic_t& topic) {
  for (int i = 0; i < topic.partition_cnt; ++i) {
    if (topic.partitions[i].leader >= 0) return topic.partitions[i].leader;
  }
  return -1;
}

// The broker's answer to "what is the cleanup policy of this topic?". Any broker can tell, so it
// is one that is needed anyway.
KafkaEvent ask_policy(KafkaHandle& handle, const std::string& topic, int32_t broker,
                      int timeout_ms) {
  const Resource resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  const Options options(rd_kafka_AdminOptions_new(handle.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
  std::array<char, 256> text{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, text.data(), text.size());
  if (broker >= 0) {
    rd_kafka_AdminOptions_set_broker(options.get(), broker, text.data(), text.size());
  }
  const KafkaQueue queue(rd_kafka_queue_new(handle.get()));
  rd_kafka_ConfigResource_t* asked = resource.get();
  rd_kafka_DescribeConfigs(handle.get(), &asked, 1, options.get(), queue.get());
  return KafkaEvent(rd_kafka_queue_poll(queue.get(), timeout_ms));
}

const rd_kafka_ConfigResource_t* resource_of(const KafkaEvent& answer) {
  const auto* result = answer ? rd_kafka_event_DescribeConfigs_result(answer.get()) : nullptr;
  if (!result) return nullptr;
  size_t count = 0;
  const auto** resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
  return count == 1 ? resources[0] : nullptr;
}

bool has_compact(const rd_kafka_ConfigResource_t* resource) {
  size_t count = 0;
  const auto** entries = rd_kafka_ConfigResource_configs(resource, &count);
  for (size_t i = 0; i < count; ++i) {
    if (std::string_view(rd_kafka_ConfigEntry_name(entries[i])) != "cleanup.policy") continue;
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    return value && std::string_view(value).find("compact") != std::string_view::npos;
  }
  return false;
}

rd_kafka_resp_err_t error_of_answer(const KafkaEvent& answer) {
  if (!answer) return RD_KAFKA_RESP_ERR__TIMED_OUT;
  if (const rd_kafka_resp_err_t error = rd_kafka_event_error(answer.get())) return error;
  const auto* resource = resource_of(answer);
  return resource ? rd_kafka_ConfigResource_error(resource) : RD_KAFKA_RESP_ERR__BAD_MSG;
}

bool is_answer_lost(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__TIMED_OUT || error == RD_KAFKA_RESP_ERR__TRANSPORT;
}

KafkaRecord copy_of(const rd_kafka_message_t* message) {
  return {.offset = message->offset,
          .timestamp_us = kafka_timestamp_us(message),
          .key = std::string(kafka_key(message)),
          .value = std::string(kafka_value(message)),
          .has_value = message->payload != nullptr};
}

// Nothing can be at that offset: it is before what is kept or after the newest.
bool says_none(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__PARTITION_EOF || is_kafka_out_of_range(error);
}

// The first message that comes, or the error in its place; null: there was no answer.
KafkaEvent first_of(KafkaHandle& handle, rd_kafka_queue_t* queue) {
  KafkaEvent first;
  handle.ask([&](int timeout_ms) {
    first.reset(rd_kafka_queue_poll(queue, timeout_ms));
    if (!first) return RD_KAFKA_RESP_ERR__TIMED_OUT;
    const rd_kafka_resp_err_t error = rd_kafka_event_error(first.get());
    return says_none(error) ? RD_KAFKA_RESP_ERR_NO_ERROR : error;
  });
  return first;
}

// Those that have come with the first.
void add_queued(rd_kafka_queue_t* queue, size_t most, std::vector<KafkaRecord>& records) {
  while (records.size() < most) {
    const KafkaEvent next(rd_kafka_queue_poll(queue, 0));
    const rd_kafka_message_t* found = next ? kafka_message(next.get()) : nullptr;
    if (!found) return;
    records.push_back(copy_of(found));
  }
}

}  // namespace

Result<std::vector<int32_t>> ask_partitions(KafkaHandle& handle, const std::string& topic) {
  Metadata answer;
  const rd_kafka_resp_err_t error =
      handle.ask([&](int timeout_ms) { return ask_metadata(handle, topic, timeout_ms, answer); });
  if (error) return handle.error_of("topic " + topic, error);
  const rd_kafka_metadata_topic_t& found = answer->topics[0];
  std::vector<int32_t> partitions;
  for (int i = 0; i < found.partition_cnt; ++i) partitions.push_back(found.partitions[i].id);
  std::sort(partitions.begin(), partitions.end());
  return partitions;
}

Result<KafkaOffsets> ask_offsets(KafkaHandle& handle, const std::string& topic, int32_t partition) {
  KafkaOffsets offsets;
  Metadata metadata;
  const rd_kafka_resp_err_t error = handle.ask([&](int timeout_ms) {
    auto failed = ask_metadata(handle, topic, timeout_ms, metadata);
    if (!failed) {
      failed =
          ask_offset(handle, topic, partition, RD_KAFKA_OFFSET_BEGINNING, timeout_ms, offsets.low);
    }
    if (failed) return failed;
    return ask_offset(handle, topic, partition, RD_KAFKA_OFFSET_END, timeout_ms, offsets.high);
  });
  if (error) return handle.error_of(kafka_place(topic, partition), error);
  return offsets;
}

Result<bool> ask_is_compacted(KafkaHandle& handle, const std::string& topic) {
  Metadata metadata;
  KafkaEvent answer;
  const rd_kafka_resp_err_t error = handle.ask([&](int timeout_ms) {
    const auto failed = ask_metadata(handle, topic, timeout_ms, metadata);
    if (failed) return failed;
    answer = ask_policy(handle, topic, leader_of(metadata->topics[0]), timeout_ms);
    return error_of_answer(answer);
  });
  if (!error) return has_compact(resource_of(answer));
  if (is_kafka_gone(error) || is_answer_lost(error)) {
    return handle.error_of("topic " + topic, error);
  }
  return false;  // may not be asked, or this cluster does not know the question
}

Result<std::vector<KafkaRecord>> look_up(KafkaHandle& handle, const std::string& topic,
                                         int32_t partition, int64_t offset, size_t most) {
  const std::string what = fmt::format("{}, offset {}", kafka_place(topic, partition), offset);
  // To a partition that does not exist there would be no answer.
  ADWEAVE_ASSIGN(const auto partitions, ask_partitions(handle, topic));
  if (!std::binary_search(partitions.begin(), partitions.end(), partition)) {
    return handle.error_of(what, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION);
  }
  if (offset < 0) return std::vector<KafkaRecord>();
  rd_kafka_topic_t* asked = handle.topic(topic);
  const KafkaQueue queue(rd_kafka_queue_new(handle.get()));
  if (!asked || rd_kafka_consume_start_queue(asked, partition, offset, queue.get()) != 0) {
    return handle.error_of(what, rd_kafka_last_error());
  }
  const KafkaEvent first = first_of(handle, queue.get());
  std::vector<KafkaRecord> records;
  if (const rd_kafka_message_t* found = first ? kafka_message(first.get()) : nullptr) {
    records.push_back(copy_of(found));
    add_queued(queue.get(), most, records);
  }
  rd_kafka_consume_stop(asked, partition);
  if (!first) return handle.error_of(what, RD_KAFKA_RESP_ERR__TIMED_OUT);
  if (!records.empty()) return records;
  const rd_kafka_resp_err_t error = rd_kafka_event_error(first.get());
  if (says_none(error)) return records;
  return handle.error_of(what, error, rd_kafka_event_error_string(first.get()));
}

}  // namespace adweave::net
