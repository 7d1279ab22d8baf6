// SPDX-License-Identifier: Apache-2.0
#include "net/kafka_producer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <map>

#include <fmt/format.h>

#include "base/limits.h"
#include "net/kafka_handle.h"

namespace adweave::net {

namespace {

using GroupMetadata =
    KafkaOwned<rd_kafka_consumer_group_metadata_t, rd_kafka_consumer_group_metadata_destroy>;

constexpr int32_t kPositionPartition = 0;  // every topic has it
constexpr int kPatienceMs = limits::kKafkaProducePatienceUs / 1000;

bool is_fenced(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__FENCED || error == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         error == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

class TransactionalProducer : public KafkaProducer {
 public:
  TransactionalProducer(std::unique_ptr<KafkaHandle> handle,
                        std::unique_ptr<KafkaConsumer> consumer, std::function<bool()> stop)
      : handle_(std::move(handle)), consumer_(std::move(consumer)), stop_(std::move(stop)) {}

  Result<std::vector<std::optional<KafkaPosition>>> begin(
      const std::vector<std::string>& topics) override {
    // A producer would have the brokers make the topics; a consumer does not.
    for (const std::string& topic : topics) {
      ADWEAVE_TRY(consumer_->partitions(topic));
    }
    ADWEAVE_TRY(insist(
        [&](int timeout_ms) { return rd_kafka_init_transactions(handle_->get(), timeout_ms); }));
    return ask_positions(topics);
  }

  Status send(const KafkaMessageOut& message) override {
    ADWEAVE_TRY(open_transaction());
    const auto end = Clock::now() + std::chrono::microseconds(limits::kKafkaTransactionUs);
    for (;;) {
      const rd_kafka_resp_err_t error = produce(message);
      if (!error) return {};
      const bool is_full = error == RD_KAFKA_RESP_ERR__QUEUE_FULL;
      if (!is_full || stop_() || Clock::now() >= end) return failure(message, error);
      handle_->serve(kPatienceMs);
    }
  }

  Status commit(const std::vector<KafkaPosition>& positions) override {
    ADWEAVE_TRY(open_transaction());
    const KafkaList offsets(rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
    for (const KafkaPosition& position : positions) {
      rd_kafka_topic_partition_t* one = rd_kafka_topic_partition_list_add(
          offsets.get(), position.topic.c_str(), kPositionPartition);
      one->offset = position.next;
      one->metadata = strndup(position.mark.data(), position.mark.size());  // the list's
      one->metadata_size = position.mark.size();
    }
    const GroupMetadata group(rd_kafka_consumer_group_metadata_new(name().c_str()));
    ADWEAVE_TRY(insist([&](int timeout_ms) {
      return rd_kafka_send_offsets_to_transaction(handle_->get(), offsets.get(), group.get(),
                                                  timeout_ms);
    }));
    ADWEAVE_TRY(insist(
        [&](int timeout_ms) { return rd_kafka_commit_transaction(handle_->get(), timeout_ms); }));
    is_open_ = false;
    return {};
  }

  Result<std::optional<std::string>> key_at(const std::string& topic, int32_t partition,
                                            int64_t offset) override {
    if (topic != keys_.topic || partition != keys_.partition || offset < keys_.first ||
        offset > keys_.last) {
      ADWEAVE_TRY(read_keys(topic, partition, offset));
    }
    const auto key = keys_.keys.find(offset);
    return key == keys_.keys.end() ? std::optional<std::string>() : std::optional(key->second);
  }

 private:
  using Clock = std::chrono::steady_clock;

  // Keys of records that lie together, of those that have one.
  struct Keys {
    std::string topic;
    int32_t partition = 0;
    int64_t first = 0;  // all from here
    int64_t last = -1;  // to here are known
    std::map<int64_t, std::string> keys;
  };

  // Rejects come in their order, and often many in a row: one answer has the keys of many.
  Status read_keys(const std::string& topic, int32_t partition, int64_t offset) {
    auto records = consumer_->read_from(topic, partition, offset, limits::kKafkaMessagesAtOnce);
    const bool is_gone = !records && records.error().code == ErrorCode::not_found;
    if (!records && !is_gone) return std::move(records).error();
    keys_ = {topic, partition, offset, offset, {}};
    if (is_gone) return {};
    for (KafkaRecord& record : *records) {
      keys_.last = std::max(keys_.last, record.offset);
      if (!record.key.empty()) keys_.keys.emplace(record.offset, std::move(record.key));
    }
    return {};
  }

  const std::string& name() const { return handle_->options().transactional_id; }

  Error error_of(rd_kafka_resp_err_t error, const char* text) {
    if (is_fenced(error)) {
      return {.code = ErrorCode::fenced,
              .message = fmt::format("Kafka: producer {}: another has taken its place", name()),
              .fix = "let one process alone serve this ledger, or a copy of it"};
    }
    return handle_->error_of("producer " + name(), error, text);
  }

  // Calls until it is done. What is retriable goes on in the background meanwhile.
  Status insist(const std::function<rd_kafka_error_t*(int timeout_ms)>& call) {
    const auto begin = Clock::now();
    const auto end = begin + std::chrono::microseconds(limits::kKafkaTransactionUs);
    const auto grace = begin + std::chrono::microseconds(limits::kKafkaGraceUs);
    for (;;) {
      const KafkaFailure failed(call(kPatienceMs));
      if (!failed) {
        handle_->answered();
        return {};
      }
      handle_->serve(10);  // not 0: some failures come at once
      const auto now = Clock::now();
      const bool is_away = now >= grace && handle_->is_all_down();
      if (!rd_kafka_error_is_retriable(failed.get()) || now >= end || is_away || stop_()) {
        return error_of(rd_kafka_error_code(failed.get()), rd_kafka_error_string(failed.get()));
      }
    }
  }

  Status open_transaction() {
    if (is_open_) return {};
    const KafkaFailure failed(rd_kafka_begin_transaction(handle_->get()));
    if (failed) {
      return error_of(rd_kafka_error_code(failed.get()), rd_kafka_error_string(failed.get()));
    }
    is_open_ = true;
    return {};
  }

  rd_kafka_resp_err_t produce(const KafkaMessageOut& message) {
    const std::string topic(message.topic);
    rd_kafka_headers_t* headers = rd_kafka_headers_new(message.headers.size());
    for (const auto& [header, value] : message.headers) {
      rd_kafka_header_add(headers, header.data(), static_cast<ssize_t>(header.size()), value.data(),
                          static_cast<ssize_t>(value.size()));
    }
    void* key = message.key ? const_cast<char*>(message.key->data()) : nullptr;
    const size_t key_size = message.key ? message.key->size() : 0;
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        handle_->get(), RD_KAFKA_V_TOPIC(topic.c_str()),
        RD_KAFKA_V_PARTITION(RD_KAFKA_PARTITION_UA), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE(const_cast<char*>(message.value.data()), message.value.size()),
        RD_KAFKA_V_KEY(key, key_size), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (error) rd_kafka_headers_destroy(headers);  // else they are the message's
    return error;
  }

  // Of a transaction that has failed, librdkafka tells only that it is in the wrong state.
  Error failure(const KafkaMessageOut& message, rd_kafka_resp_err_t error) {
    std::array<char, 512> text{};
    const rd_kafka_resp_err_t fatal =
        rd_kafka_fatal_error(handle_->get(), text.data(), text.size());
    if (fatal) return error_of(fatal, text.data());
    if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
      return {.code = ErrorCode::io,
              .message = fmt::format("Kafka: topic {}: a message of {} bytes is too long",
                                     message.topic, message.value.size()),
              .fix = "raise message.max.bytes: of the topic, and in kafka.produce.properties",
              .recovery = Recovery::retry};
    }
    return handle_->error_of("topic " + std::string(message.topic), error);
  }

  // A consumer asks, of the group that has this producer's name. (The function of the admin API
  // for it ends the process when the coordinator is found after the time limit: librdkafka 2.0.2
  // then uses the request that it has freed.)
  Result<std::vector<std::optional<KafkaPosition>>> ask_positions(
      const std::vector<std::string>& topics) {
    KafkaOptions options = handle_->options();
    options.group = name();
    ADWEAVE_ASSIGN(const auto group, KafkaHandle::open(options, KafkaUse::fetch));
    const KafkaList told(rd_kafka_topic_partition_list_new(static_cast<int>(topics.size())));
    for (const std::string& topic : topics) {
      rd_kafka_topic_partition_list_add(told.get(), topic.c_str(), kPositionPartition);
    }
    const rd_kafka_resp_err_t error = group->ask([&](int timeout_ms) {
      auto failed = rd_kafka_committed(group->get(), told.get(), timeout_ms);
      for (int i = 0; !failed && i < told->cnt; ++i) failed = told->elems[i].err;
      return failed;
    });
    if (error) return group->error_of("producer " + name(), error);
    std::vector<std::optional<KafkaPosition>> positions;
    for (size_t i = 0; i < topics.size(); ++i) {
      const rd_kafka_topic_partition_t& one = told->elems[i];
      std::string mark;
      if (one.metadata) mark.assign(static_cast<const char*>(one.metadata), one.metadata_size);
      if (one.offset < 0) {
        positions.emplace_back();
      } else {
        positions.push_back(KafkaPosition{topics[i], one.offset, std::move(mark)});
      }
    }
    return positions;
  }

  std::unique_ptr<KafkaHandle> handle_;
  std::unique_ptr<KafkaConsumer> consumer_;  // asks what a producer cannot
  std::function<bool()> stop_;
  bool is_open_ = false;  // a transaction
  Keys keys_;             // that were read last
};

}  // namespace

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::open(const KafkaOptions& options,
                                                           std::function<bool()> stop) {
  ADWEAVE_ASSIGN(auto handle, KafkaHandle::open(options, KafkaUse::produce));
  ADWEAVE_ASSIGN(auto consumer, KafkaConsumer::open(options));
  return std::unique_ptr<KafkaProducer>(
      new TransactionalProducer(std::move(handle), std::move(consumer), std::move(stop)));
}

}  // namespace adweave::net
