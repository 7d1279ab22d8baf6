// SPDX-License-Identifier: Apache-2.0
// One client of librdkafka, its settings and what it complains about. Includes librdkafka: for
// kafka_*.cc only.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <librdkafka/rdkafka.h>

#include "base/result.h"
#include "net/kafka_consumer.h"

namespace adweave::net {

// Destroys what librdkafka has made, with the function that it has for it.
template <auto destroy>
struct KafkaDestroy {
  template <class T>
  void operator()(T* made) const {
    destroy(made);
  }
};
template <class T, auto destroy>
using KafkaOwned = std::unique_ptr<T, KafkaDestroy<destroy>>;

using KafkaTopic = KafkaOwned<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using KafkaQueue = KafkaOwned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using KafkaEvent = KafkaOwned<rd_kafka_event_t, rd_kafka_event_destroy>;
using KafkaFailure = KafkaOwned<rd_kafka_error_t, rd_kafka_error_destroy>;
using KafkaList =
    KafkaOwned<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;

// A consumer for the rows, one that looks a single record up, or a producer of transactions.
enum class KafkaUse { fetch, look_up, produce };

// All functions may be called by several threads at once.
class KafkaHandle {
 public:
  // Fails with config.
  static Result<std::unique_ptr<KafkaHandle>> open(const KafkaOptions& options, KafkaUse use);
  // All that was made of it must have been destroyed, but for topics.
  ~KafkaHandle();

  rd_kafka_t* get() const { return handle_; }
  // A topic, the handle's own. It is kept, because librdkafka forgets who leads the partitions of
  // one that nobody uses, and looks for them only when a second is over. Null: the name is none.
  rd_kafka_topic_t* topic(const std::string& name);
  const KafkaOptions& options() const { return options_; }

  // Takes what librdkafka reports, at most so long: complaints.
  void serve(int wait_ms);

  // Lets the connections look whether more may be fetched. By themselves librdkafka's look when an
  // answer comes or a second is over, however fast the queue has been emptied.
  void look_for_room();

  // Calls `question` with a time limit, again and again, until it is answered; then `answered` is
  // what it returned. Gives up when the time for an answer is over, or when no broker can be
  // reached: then it is what librdkafka said last.
  rd_kafka_resp_err_t ask(const std::function<rd_kafka_resp_err_t(int timeout_ms)>& question);
  // The cluster has answered.
  void answered() { all_down_ = false; }
  bool is_all_down() const { return all_down_; }

  // What `what` failed with, as an Error: not_found, corrupt or io.
  Error error_of(const std::string& what, rd_kafka_resp_err_t error, const char* text = nullptr);

  // What librdkafka has told of, until it is taken; of a partition when its text names one
  // (kafka_place_in), since then nothing else does.
  struct Told {
    rd_kafka_resp_err_t error;
    std::string text;
  };
  std::vector<Told> take_told();

  // Passing trouble, until it is taken.
  void add_trouble(Error error);
  std::vector<Error> take_trouble();

 private:
  using Clock = std::chrono::steady_clock;

  explicit KafkaHandle(const KafkaOptions& options) : options_(options) {}
  static void on_log(const rd_kafka_t* handle, int level, const char* facility, const char* text);
  static void on_error(rd_kafka_t* handle, int error, const char* text, void* self);
  void complain(const std::string& text);
  std::string complaint();

  const KafkaOptions options_;
  rd_kafka_t* handle_ = nullptr;
  std::atomic<bool> all_down_ = false;  // since the last answer

  std::mutex mutex_;  // guards what follows
  std::map<std::string, KafkaTopic> topics_;
  std::string complaint_;
  Clock::time_point complained_;
  std::vector<Told> told_;
  std::vector<Error> trouble_;
};

// The message that an event carries, as long as the event; null: it is an error.
const rd_kafka_message_t* kafka_message(rd_kafka_event_t* event);

// What is the matter, when an event is an error or a request fails.
bool is_kafka_gone(rd_kafka_resp_err_t error);       // no such topic, partition
bool is_kafka_damaged(rd_kafka_resp_err_t error);    // a checksum, a codec
bool is_kafka_forbidden(rd_kafka_resp_err_t error);  // not allowed
bool is_kafka_out_of_range(rd_kafka_resp_err_t error);

// "topic T, partition P"
std::string kafka_place(const std::string& topic, int32_t partition);

// Topic and partition of a text of librdkafka's that begins with them: "clicks [3]: ...".
std::optional<std::pair<std::string, int32_t>> kafka_place_in(std::string_view text);

// Microseconds; -1: the message has none.
int64_t kafka_timestamp_us(const rd_kafka_message_t* message);

// Key and value.
std::string_view kafka_key(const rd_kafka_message_t* message);
std::string_view kafka_value(const rd_kafka_message_t* message);

}  // namespace adweave::net
