// SPDX-License-Identifier: Apache-2.0
#include "tests/support/kafka_cluster.h"

#include <map>
#include <utility>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/check.h"

namespace adweave::tests {

namespace {

constexpr int kWaitMs = 20'000;  // for what must come
constexpr int16_t kFetch = 1;    // as the protocol numbers requests
constexpr int16_t kOffsetCommit = 8;

using Properties = std::map<std::string, std::string>;

// A message has been kept, or not: its offset, which stays -1, is where its opaque pointer says.
void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  if (!message->err) *static_cast<int64_t*>(message->_private) = message->offset;
}

rd_kafka_t* client(rd_kafka_type_t type, const Properties& properties) {
  rd_kafka_conf_t* settings = rd_kafka_conf_new();
  rd_kafka_conf_set_log_cb(settings, nullptr);
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(settings, on_delivery);
  char text[256];
  for (const auto& [name, value] : properties) {
    CHECK(rd_kafka_conf_set(settings, name.c_str(), value.c_str(), text, sizeof text) ==
          RD_KAFKA_CONF_OK);
  }
  rd_kafka_t* made = rd_kafka_new(type, settings, text, sizeof text);
  CHECK(made);
  return made;
}

// Else a producer looks for the partitions of a topic that is new to it when a second is over.
void learn(rd_kafka_t* producer, const std::string& topic) {
  rd_kafka_topic_t* asked = rd_kafka_topic_new(producer, topic.c_str(), nullptr);
  const rd_kafka_metadata_t* answer = nullptr;
  CHECK(!rd_kafka_metadata(producer, 0, asked, &answer, kWaitMs));
  rd_kafka_metadata_destroy(answer);
  rd_kafka_topic_destroy(asked);
}

std::vector<rd_kafka_resp_err_t> errors_of(const std::vector<int>& numbers) {
  std::vector<rd_kafka_resp_err_t> errors;
  for (const int number : numbers) errors.push_back(static_cast<rd_kafka_resp_err_t>(number));
  return errors;
}

}  // namespace

class KafkaCluster::Mock {
 public:
  explicit Mock(int brokers)
      : owner_(client(RD_KAFKA_PRODUCER, {})),
        cluster_(rd_kafka_mock_cluster_new(owner_, brokers)) {
    CHECK(cluster_);
  }
  ~Mock() {
    for (const auto& [codec, made] : producers_) rd_kafka_destroy(made);
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(owner_);
  }
  Mock(const Mock&) = delete;
  Mock& operator=(const Mock&) = delete;

  rd_kafka_mock_cluster_t* cluster() const { return cluster_; }

  // It waits for more messages until it is flushed, so that they become one batch.
  rd_kafka_t* producer(const std::string& codec) {
    rd_kafka_t*& made = producers_[codec];
    if (!made) {
      made = client(RD_KAFKA_PRODUCER,
                    {{"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster_)},
                     {"compression.codec", codec},
                     {"linger.ms", "1000"},
                     {"max.in.flight", "1"},
                     {"message.max.bytes", "10000000"}});
    }
    return made;
  }

 private:
  rd_kafka_t* owner_;
  rd_kafka_mock_cluster_t* cluster_;
  std::map<std::string, rd_kafka_t*> producers_;  // by codec
};

KafkaCluster::KafkaCluster(int brokers) : mock_(std::make_unique<Mock>(brokers)) {}
KafkaCluster::~KafkaCluster() = default;

std::string KafkaCluster::brokers() const {
  return rd_kafka_mock_cluster_bootstraps(mock_->cluster());
}

void KafkaCluster::create_topic(const std::string& topic, int partitions) {
  CHECK(!rd_kafka_mock_topic_create(mock_->cluster(), topic.c_str(), partitions, 1));
}

void KafkaCluster::hide_topic(const std::string& topic) {
  rd_kafka_mock_topic_set_error(mock_->cluster(), topic.c_str(),
                                RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

int64_t KafkaCluster::produce(const std::string& topic, int32_t partition,
                              const std::vector<KafkaTestMessage>& messages,
                              const std::string& codec) {
  rd_kafka_t* producer = mock_->producer(codec);
  learn(producer, topic);
  std::vector<int64_t> offsets(messages.size(), -1);
  for (size_t i = 0; i < messages.size(); ++i) {
    const KafkaTestMessage& one = messages[i];
    const void* value = one.value ? one.value->data() : nullptr;
    const size_t size = one.value ? one.value->size() : 0;
    CHECK(!rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(const_cast<void*>(value), size),
        RD_KAFKA_V_KEY(one.key.data(), one.key.size()), RD_KAFKA_V_TIMESTAMP(one.timestamp_ms),
        RD_KAFKA_V_OPAQUE(&offsets[i]), RD_KAFKA_V_END));
  }
  CHECK(!rd_kafka_flush(producer, kWaitMs));
  for (size_t i = 0; i < offsets.size(); ++i) CHECK(offsets[i] >= 0);
  return offsets.empty() ? -1 : offsets.back();
}

void KafkaCluster::take_down(int broker) {
  CHECK(!rd_kafka_mock_broker_set_down(mock_->cluster(), broker));
}

void KafkaCluster::bring_up(int broker) {
  CHECK(!rd_kafka_mock_broker_set_up(mock_->cluster(), broker));
}

void KafkaCluster::slow_down(int broker, std::chrono::milliseconds by) {
  CHECK(!rd_kafka_mock_broker_set_rtt(mock_->cluster(), broker, static_cast<int>(by.count())));
}

int64_t KafkaCluster::committed(const std::string& group, const std::string& topic,
                                int32_t partition) const {
  rd_kafka_t* asking =
      client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers()}, {"group.id", group}});
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition);
  CHECK(!rd_kafka_committed(asking, list, kWaitMs));
  const int64_t offset = list->elems[0].offset;
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(asking);
  return offset < 0 ? -1 : offset;
}

void KafkaCluster::fail_fetches(const std::vector<int>& errors) {
  const auto pushed = errors_of(errors);
  rd_kafka_mock_push_request_errors_array(mock_->cluster(), kFetch, pushed.size(), pushed.data());
}

void KafkaCluster::fail_commits(const std::vector<int>& errors) {
  const auto pushed = errors_of(errors);
  rd_kafka_mock_push_request_errors_array(mock_->cluster(), kOffsetCommit, pushed.size(),
                                          pushed.data());
}

}  // namespace adweave::tests
