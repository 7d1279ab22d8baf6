// SPDX-License-Identifier: Apache-2.0
#include "net/kafka_consumer.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/limits.h"
#include "net/kafka_handle.h"
#include "net/kafka_questions.h"

namespace adweave::net {

namespace {

using Clock = std::chrono::steady_clock;
using Place = std::pair<std::string, int32_t>;  // topic, partition

// A partition that is being fetched, from start() to stop().
struct Fetched {
  std::string topic;
  int32_t partition;
  rd_kafka_topic_t* handle;
  int64_t next;  // the offset that comes next, or a later one
  std::atomic<bool> stopped = false;
};

using Message = KafkaOwned<rd_kafka_message_t, rd_kafka_message_destroy>;

// Out of the queue: a message, or an error.
struct Taken {
  Message message;
  Fetched* from;  // null: of no partition that is being fetched
};

// Whether it is the partition's end; else librdkafka goes on at the same offset.
bool ends_partition(rd_kafka_resp_err_t error) {
  return is_kafka_out_of_range(error) || is_kafka_gone(error) || is_kafka_damaged(error) ||
         is_kafka_forbidden(error);
}

Error out_of_range(const Fetched& from, int64_t offset) {
  return {.code = ErrorCode::not_found,
          .message = fmt::format(
              "Kafka: {}: offset {} is out of range: it is no longer kept, or past the newest",
              kafka_place(from.topic, from.partition), offset),
          .fix = "records may have been deleted before they were read, or the topic made anew"};
}

Error too_long(const Fetched& from, const rd_kafka_message_t& message, int64_t bytes_max) {
  return {.code = ErrorCode::io,
          .message = fmt::format("Kafka: {}: the message at offset {} has {} bytes, more than {}",
                                 kafka_place(from.topic, from.partition), message.offset,
                                 message.len + message.key_len, bytes_max),
          .fix = "send events in messages that are shorter"};
}

}  // namespace

// What is behind a KafkaConsumer.
class KafkaConsumer::Client {
 public:
  static Result<std::unique_ptr<Client>> open(const KafkaOptions& options);
  ~Client();

  KafkaHandle& handle() { return *handle_; }
  Result<std::vector<KafkaRecord>> read_from(const std::string& topic, int32_t partition,
                                             int64_t offset, size_t most);
  Status start(const std::string& topic, int32_t partition, int64_t offset);
  Status stop(const std::string& topic, int32_t partition);
  size_t poll(size_t most, const Take& take, const Ended& ended, const Trouble& trouble);
  void hint(const std::string& topic, int32_t partition, int64_t next);

 private:
  explicit Client(std::unique_ptr<KafkaHandle> handle);

  void take_batch(size_t most);
  void make_room();
  Fetched* sender_of(const rd_kafka_message_t& message);
  bool give(const Taken& taken, const Take& take, const Ended& ended);
  void pass_on_error(const Taken& taken, const Ended& ended);
  void pass_on(const KafkaHandle::Told& told, const Ended& ended);
  void pass_on(const Fetched& from, rd_kafka_resp_err_t error, const char* text,
               const Ended& ended);
  void end(const Fetched& from, const Error& error, const Ended& ended);
  void send_hints();
  void send(const std::map<Place, int64_t>& hints);
  void hints_arrived(rd_kafka_resp_err_t error, const rd_kafka_topic_partition_list_t* offsets);
  void finish_hints();

  std::unique_ptr<KafkaHandle> handle_;
  KafkaQueue queue_;    // messages of all partitions
  KafkaQueue answers_;  // to hints
  std::vector<Taken> batch_;
  std::vector<std::shared_ptr<Fetched>> senders_;  // of the batch; they may be stopped meanwhile
  std::vector<rd_kafka_message_t*> polled_;
  size_t taken_ = 0;  // messages since the connections have last looked for room
  int64_t taken_bytes_ = 0;

  std::mutex reading_;  // held while a record is looked up
  std::unique_ptr<KafkaHandle> reader_;

  std::mutex mutex_;  // guards what follows, and held while messages are taken from the queue
  std::map<Place, std::shared_ptr<Fetched>> fetched_;
  std::map<Place, int64_t> hints_;  // not sent yet
  std::map<Place, int64_t> sent_;   // under way; empty: none
  Clock::time_point hints_from_;    // not before
  std::string hint_trouble_;        // that was told, until hints arrive again
};

Result<std::unique_ptr<KafkaConsumer::Client>> KafkaConsumer::Client::open(
    const KafkaOptions& options) {
  ADWEAVE_ASSIGN(auto handle, KafkaHandle::open(options, KafkaUse::fetch));
  return std::unique_ptr<Client>(new Client(std::move(handle)));
}

// With a group, librdkafka tells of trouble with it in a queue that it has: that one is used.
KafkaConsumer::Client::Client(std::unique_ptr<KafkaHandle> handle)
    : handle_(std::move(handle)),
      queue_(handle_->options().group.empty() ? rd_kafka_queue_new(handle_->get())
                                              : rd_kafka_queue_get_consumer(handle_->get())),
      answers_(rd_kafka_queue_new(handle_->get())) {
  CHECK(queue_);
}

KafkaConsumer::Client::~Client() {
  finish_hints();
  batch_.clear();
  for (const auto& [place, from] : fetched_) rd_kafka_consume_stop(from->handle, from->partition);
}

Result<std::vector<KafkaRecord>> KafkaConsumer::Client::read_from(const std::string& topic,
                                                                  int32_t partition, int64_t offset,
                                                                  size_t most) {
  const std::lock_guard lock(reading_);
  if (!reader_) {
    ADWEAVE_ASSIGN(reader_, KafkaHandle::open(handle_->options(), KafkaUse::look_up));
  }
  return look_up(*reader_, topic, partition, offset, most);
}

Status KafkaConsumer::Client::start(const std::string& topic, int32_t partition, int64_t offset) {
  CHECK(offset >= 0);
  const std::lock_guard lock(mutex_);
  auto& from = fetched_[{topic, partition}];
  CHECK(!from);
  rd_kafka_topic_t* handle = handle_->topic(topic);
  if (!handle || rd_kafka_consume_start_queue(handle, partition, offset, queue_.get()) != 0) {
    fetched_.erase({topic, partition});
    return handle_->error_of(kafka_place(topic, partition), rd_kafka_last_error());
  }
  from = std::make_shared<Fetched>(topic, partition, handle, offset);
  return {};
}

Status KafkaConsumer::Client::stop(const std::string& topic, int32_t partition) {
  const std::lock_guard lock(mutex_);
  const auto from = fetched_.find({topic, partition});
  if (from == fetched_.end()) return {};
  const std::shared_ptr<Fetched> stopped = std::move(from->second);
  fetched_.erase(from);
  stopped->stopped = true;
  if (rd_kafka_consume_stop(stopped->handle, partition) != 0) {
    return handle_->error_of(kafka_place(topic, partition), rd_kafka_last_error());
  }
  return {};
}

size_t KafkaConsumer::Client::poll(size_t most, const Take& take, const Ended& ended,
                                   const Trouble& trouble) {
  batch_.clear();
  senders_.clear();
  handle_->serve(0);
  rd_kafka_queue_poll_callback(answers_.get(), 0);
  send_hints();
  take_batch(most);
  make_room();
  size_t given = 0;
  for (const Taken& taken : batch_) {
    if (give(taken, take, ended)) ++given;
  }
  for (const KafkaHandle::Told& told : handle_->take_told()) pass_on(told, ended);
  for (const Error& error : handle_->take_trouble()) trouble(error);
  return given;
}

// Locked, so that what is taken belongs to the partitions as they are fetched now.
void KafkaConsumer::Client::take_batch(size_t most) {
  const std::lock_guard lock(mutex_);
  polled_.resize(most);
  const ssize_t count = rd_kafka_consume_batch_queue(queue_.get(), 0, polled_.data(), most);
  for (ssize_t i = 0; i < count; ++i) {
    Message message(polled_[static_cast<size_t>(i)]);
    Fetched* from = sender_of(*message);
    batch_.push_back({std::move(message), from});
  }
}

// librdkafka fills the queue up to queued.min.messages (100,000) or queued.max.messages.kbytes.
void KafkaConsumer::Client::make_room() {
  for (const Taken& taken : batch_) {
    taken_bytes_ += static_cast<int64_t>(taken.message->len);
  }
  taken_ += batch_.size();
  if (taken_ < limits::kKafkaRoomMessages && taken_bytes_ < handle_->options().queue_bytes / 8)
    return;
  taken_ = 0;
  taken_bytes_ = 0;
  handle_->look_for_room();
}

// Many of one partition come in a row. Trouble with the group is of none.
Fetched* KafkaConsumer::Client::sender_of(const rd_kafka_message_t& message) {
  if (!message.rkt) return nullptr;
  if (!batch_.empty()) {
    const Taken& last = batch_.back();
    if (last.message->rkt == message.rkt && last.message->partition == message.partition)
      return last.from;
  }
  const auto found = fetched_.find({rd_kafka_topic_name(message.rkt), message.partition});
  if (found == fetched_.end()) return nullptr;
  return senders_.emplace_back(found->second).get();
}

// True: `take` was called.
bool KafkaConsumer::Client::give(const Taken& taken, const Take& take, const Ended& ended) {
  const rd_kafka_message_t& message = *taken.message;
  if (message.err) {
    pass_on_error(taken, ended);
    return false;
  }
  if (!taken.from || taken.from->stopped || message.offset < taken.from->next) return false;
  Fetched& from = *taken.from;
  const int64_t bytes_max = handle_->options().message_bytes_max;
  if (static_cast<int64_t>(message.len + message.key_len) > bytes_max) {
    end(from, too_long(from, message, bytes_max), ended);
    return false;
  }
  from.next = message.offset + 1;
  handle_->answered();
  take({.topic = from.topic,
        .partition = from.partition,
        .offset = message.offset,
        .timestamp_us = kafka_timestamp_us(&message),
        .key = kafka_key(&message),
        .value = kafka_value(&message),
        .has_value = message.payload != nullptr});
  return true;
}

void KafkaConsumer::Client::pass_on_error(const Taken& taken, const Ended& ended) {
  const rd_kafka_resp_err_t error = taken.message->err;
  const char* text = rd_kafka_message_errstr(taken.message.get());
  if (!taken.message->rkt) {
    const std::string what = "group " + handle_->options().group;
    handle_->add_trouble(handle_->error_of(what, error, text));
    return;
  }
  if (!taken.from || taken.from->stopped) return;
  const Fetched& from = *taken.from;
  if (is_kafka_out_of_range(error)) {
    end(from, out_of_range(from, taken.message->offset), ended);
    return;
  }
  pass_on(from, error, text, ended);
}

// A partition that is not there is told of like this, again and again.
void KafkaConsumer::Client::pass_on(const KafkaHandle::Told& told, const Ended& ended) {
  if (const auto place = kafka_place_in(told.text)) {
    std::shared_ptr<Fetched> from;
    {
      const std::lock_guard lock(mutex_);
      const auto found = fetched_.find(*place);
      if (found != fetched_.end()) from = found->second;
    }
    if (from) pass_on(*from, told.error, told.text.c_str(), ended);
    return;
  }
  handle_->add_trouble({.code = ErrorCode::io,
                        .message = "Kafka: " + told.text,
                        .fix = "it is tried again; check that the brokers run and can be reached",
                        .recovery = Recovery::retry});
}

void KafkaConsumer::Client::pass_on(const Fetched& from, rd_kafka_resp_err_t error,
                                    const char* text, const Ended& ended) {
  Error told = handle_->error_of(kafka_place(from.topic, from.partition), error, text);
  if (ends_partition(error)) {
    end(from, told, ended);
  } else {
    handle_->add_trouble(std::move(told));
  }
}

void KafkaConsumer::Client::end(const Fetched& from, const Error& error, const Ended& ended) {
  if (Status stopped = stop(from.topic, from.partition); !stopped) {
    handle_->add_trouble(std::move(stopped).error());
  }
  ended(from.topic, from.partition, error);
}

void KafkaConsumer::Client::hint(const std::string& topic, int32_t partition, int64_t next) {
  if (handle_->options().group.empty()) return;
  const std::lock_guard lock(mutex_);
  hints_[{topic, partition}] = next;
}

// One request at a time: the newest offsets wait for the answer to the last ones.
void KafkaConsumer::Client::send_hints() {
  const std::lock_guard lock(mutex_);
  if (hints_.empty() || !sent_.empty() || Clock::now() < hints_from_) return;
  sent_ = std::exchange(hints_, {});
  const KafkaList offsets(rd_kafka_topic_partition_list_new(static_cast<int>(sent_.size())));
  for (const auto& [place, next] : sent_) {
    rd_kafka_topic_partition_list_add(offsets.get(), place.first.c_str(), place.second)->offset =
        next;
  }
  const rd_kafka_resp_err_t error = rd_kafka_commit_queue(
      handle_->get(), offsets.get(), answers_.get(),
      [](rd_kafka_t*, rd_kafka_resp_err_t failed, rd_kafka_topic_partition_list_t* told,
         void* self) { static_cast<Client*>(self)->hints_arrived(failed, told); },
      this);
  CHECK(!error);  // there is a group
}

// Called by poll() and by the destructor.
void KafkaConsumer::Client::hints_arrived(rd_kafka_resp_err_t error,
                                          const rd_kafka_topic_partition_list_t* offsets) {
  for (int i = 0; !error && offsets && i < offsets->cnt; ++i) error = offsets->elems[i].err;
  const std::lock_guard lock(mutex_);
  const std::map<Place, int64_t> sent = std::exchange(sent_, {});
  if (!error) {
    hint_trouble_.clear();
    return;
  }
  hints_.insert(sent.begin(), sent.end());  // but a newer one stays
  hints_from_ = Clock::now() + std::chrono::microseconds(limits::kKafkaHintAgainUs);
  Error trouble = handle_->error_of(
      fmt::format("group {}: its offsets do not follow", handle_->options().group), error,
      rd_kafka_err2str(error));
  if (std::exchange(hint_trouble_, trouble.message) == trouble.message) return;
  trouble.recovery = Recovery::retry;
  handle_->add_trouble(std::move(trouble));
}

// The last commit's offsets should not be lost to a program that ends in good order.
void KafkaConsumer::Client::finish_hints() {
  const auto end = Clock::now() + std::chrono::microseconds(limits::kKafkaLastHintUs);
  handle_->serve(0);
  while (!handle_->is_all_down() && Clock::now() < end) {
    send_hints();
    {
      const std::lock_guard lock(mutex_);
      if (sent_.empty()) return;
    }
    rd_kafka_queue_poll_callback(answers_.get(), 10);
    handle_->serve(0);
  }
}

KafkaConsumer::KafkaConsumer(std::unique_ptr<Client> client) : client_(std::move(client)) {}
KafkaConsumer::~KafkaConsumer() = default;

Result<std::unique_ptr<KafkaConsumer>> KafkaConsumer::open(const KafkaOptions& options) {
  ADWEAVE_ASSIGN(auto client, Client::open(options));
  return std::unique_ptr<KafkaConsumer>(new KafkaConsumer(std::move(client)));
}

Result<std::vector<int32_t>> KafkaConsumer::partitions(const std::string& topic) const {
  return ask_partitions(client_->handle(), topic);
}

Result<KafkaOffsets> KafkaConsumer::offsets(const std::string& topic, int32_t partition) const {
  return ask_offsets(client_->handle(), topic, partition);
}

Result<bool> KafkaConsumer::is_compacted(const std::string& topic) const {
  return ask_is_compacted(client_->handle(), topic);
}

Result<std::optional<KafkaRecord>> KafkaConsumer::read_at(const std::string& topic,
                                                          int32_t partition, int64_t offset) const {
  ADWEAVE_ASSIGN(auto records, client_->read_from(topic, partition, offset, 1));
  if (records.empty() || records[0].offset != offset) return std::optional<KafkaRecord>();
  return std::optional(std::move(records[0]));
}

Result<std::vector<KafkaRecord>> KafkaConsumer::read_from(const std::string& topic,
                                                          int32_t partition, int64_t offset,
                                                          size_t most) const {
  return client_->read_from(topic, partition, offset, most);
}

Status KafkaConsumer::start(const std::string& topic, int32_t partition, int64_t offset) {
  return client_->start(topic, partition, offset);
}

Status KafkaConsumer::stop(const std::string& topic, int32_t partition) {
  return client_->stop(topic, partition);
}

size_t KafkaConsumer::poll(size_t most, const Take& take, const Ended& ended,
                           const Trouble& trouble) {
  return client_->poll(most, take, ended, trouble);
}

void KafkaConsumer::hint(const std::string& topic, int32_t partition, int64_t next) {
  client_->hint(topic, partition, next);
}

int64_t KafkaConsumer::high(const std::string& topic, int32_t partition) const {
  int64_t low = -1;
  int64_t high = -1;
  const rd_kafka_resp_err_t error = rd_kafka_get_watermark_offsets(
      client_->handle().get(), topic.c_str(), partition, &low, &high);
  return error || high < 0 ? -1 : high;
}

}  // namespace adweave::net
