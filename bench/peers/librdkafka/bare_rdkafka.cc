// SPDX-License-Identifier: Apache-2.0
// Reads a topic of Kafka from its beginning to where it ends now, with librdkafka and nothing else,
// and drops what it reads: what any consumer pays before it does anything. Messages are taken in
// batches from one queue, the cheapest way that it has, and its own queues never fill: else it
// would fetch nothing for a second.
//
//   bare_rdkafka BROKERS TOPIC
//
// Output: "rows N" (messages), "bytes N" (of their values).
#include <algorithm>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <librdkafka/rdkafka.h>

namespace {

constexpr int kAnswerMs = 10'000;
constexpr size_t kBatch = 4096;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

void check(rd_kafka_resp_err_t error, const std::string& what) {
  if (error) fail(what + ": " + rd_kafka_err2str(error));
}

rd_kafka_t* open(const char* brokers) {
  char text[512];
  rd_kafka_conf_t* settings = rd_kafka_conf_new();
  for (const auto& [name, value] : {std::pair{"bootstrap.servers", brokers},
                                    {"queued.min.messages", "10000000"},
                                    {"queued.max.messages.kbytes", "2000000"}}) {
    if (rd_kafka_conf_set(settings, name, value, text, sizeof text)) fail(text);
  }
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_CONSUMER, settings, text, sizeof text);
  if (!client) fail(text);
  return client;
}

int partitions(rd_kafka_t* client, rd_kafka_topic_t* topic) {
  const rd_kafka_metadata_t* found = nullptr;
  check(rd_kafka_metadata(client, 0, topic, &found, kAnswerMs), "metadata");
  const int count = found->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(found);
  return count;
}

void read_all(rd_kafka_t* client, const char* name) {
  rd_kafka_topic_t* topic = rd_kafka_topic_new(client, name, nullptr);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client);
  int64_t left = 0;
  const int count = partitions(client, topic);
  for (int partition = 0; partition < count; ++partition) {
    int64_t low = 0;
    int64_t high = 0;
    check(rd_kafka_query_watermark_offsets(client, name, partition, &low, &high, kAnswerMs),
          "offsets");
    left += high - low;
    if (rd_kafka_consume_start_queue(topic, partition, RD_KAFKA_OFFSET_BEGINNING, queue))
      fail("start");
  }
  int64_t messages = 0;
  int64_t bytes = 0;
  std::vector<rd_kafka_message_t*> batch(kBatch);
  while (messages < left) {
    // It waits until so many are there.
    const size_t most = std::min(batch.size(), static_cast<size_t>(left - messages));
    const ssize_t taken = rd_kafka_consume_batch_queue(queue, kAnswerMs, batch.data(), most);
    if (taken < 0) fail("consume");
    for (ssize_t i = 0; i < taken; ++i) {
      rd_kafka_message_t* message = batch[static_cast<size_t>(i)];
      check(message->err, "message");
      ++messages;
      bytes += static_cast<int64_t>(message->len);
      rd_kafka_message_destroy(message);
    }
  }
  std::cout << "rows " << messages << "\nbytes " << bytes << "\n";
  for (int partition = 0; partition < count; ++partition) rd_kafka_consume_stop(topic, partition);
  rd_kafka_queue_destroy(queue);
  rd_kafka_topic_destroy(topic);
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  try {
    rd_kafka_t* client = open(words[1]);
    read_all(client, words[2]);
    rd_kafka_destroy(client);
  } catch (const std::exception& error) {
    std::cerr << "bare_rdkafka: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
