// SPDX-License-Identifier: Apache-2.0
#include "net/kafka_handle.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <syslog.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/whole_number.h"

namespace adweave::net {

namespace {

using Properties = std::map<std::string, std::string>;
using Settings = KafkaOwned<rd_kafka_conf_t, rd_kafka_conf_destroy>;

Error wrong_property(const std::string& name, const std::string& what) {
  return {.code = ErrorCode::config,
          .message = fmt::format("Kafka property {}: {}", name, what),
          .fix = "see CONFIGURATION.md of librdkafka for its properties and their values"};
}

Status set(rd_kafka_conf_t* settings, const std::string& name, const std::string& value) {
  std::array<char, 512> text{};
  if (rd_kafka_conf_set(settings, name.c_str(), value.c_str(), text.data(), text.size()) !=
      RD_KAFKA_CONF_OK) {
    return wrong_property(name, text.data());
  }
  return {};
}

// As librdkafka writes it.
std::string value_of(const rd_kafka_conf_t* settings, const std::string& name) {
  std::array<char, 512> value{};
  size_t size = value.size();
  if (rd_kafka_conf_get(settings, name.c_str(), value.data(), &size) != RD_KAFKA_CONF_OK) return "";
  return value.data();
}

int64_t clamped_ms(int64_t us, int64_t least, int64_t most) {
  return std::clamp<int64_t>(us / 1000, least, most);
}

// What makes the positions ours and nothing skipped or doubled; a user cannot set it otherwise.
Properties fixed_properties(const KafkaOptions& options, KafkaUse use) {
  if (use == KafkaUse::produce) {
    return {{"enable.idempotence", "true"},
            {"enabled_events", "0"},
            {"log.queue", "false"},
            {"transactional.id", options.transactional_id}};
  }
  const int64_t queue_kbytes = std::clamp<int64_t>(options.queue_bytes / 1024, 1, 2'097'151);
  Properties fixed = {{"allow.auto.create.topics", "false"},
                      {"auto.offset.reset", "error"},
                      {"check.crcs", "true"},
                      {"enable.auto.commit", "false"},
                      {"enable.auto.offset.store", "false"},
                      {"enable.partition.eof", "false"},
                      {"enabled_events", "0"},
                      {"isolation.level", "read_committed"},
                      {"log.queue", "false"},
                      {"queued.max.messages.kbytes", std::to_string(queue_kbytes)}};
  if (!options.group.empty()) fixed["group.id"] = options.group;
  return fixed;
}

// Keys go where Java's clients send them.
Properties usual_of_producers() {
  return {{"partitioner", "murmur2_random"},
          {"linger.ms", "5"},
          {"transaction.timeout.ms", std::to_string(limits::kKafkaTransactionTimeoutUs / 1000)}};
}

// What holds unless a user says otherwise. The cluster is tried again every second, and nothing
// waits longer for an answer than the caller does.
Properties usual_properties(const KafkaOptions& options, KafkaUse use) {
  constexpr int64_t kFetchBytes = int64_t{50} * 1024 * 1024;  // of an answer: librdkafka's own
  const int64_t answer_bytes = std::min<int64_t>(
      kFetchBytes + options.message_bytes_max + limits::kKafkaFrameBytes, INT32_MAX);
  Properties usual = use == KafkaUse::produce
                         ? usual_of_producers()
                         : Properties{{"receive.message.max.bytes", std::to_string(answer_bytes)}};
  usual.insert({{"client.id", "adweave"},
                {"reconnect.backoff.max.ms", std::to_string(limits::kKafkaReconnectUs / 1000)},
                {"socket.timeout.ms", std::to_string(clamped_ms(options.answer_us, 10, 300'000))},
                {"socket.connection.setup.timeout.ms",
                 std::to_string(clamped_ms(options.answer_us, 1000, 300'000))}});
  return usual;
}

// One record is looked up: whether it is there, at once, and no more than that.
const Properties kLookUp = {{"enable.partition.eof", "true"},
                            {"fetch.wait.max.ms", "10"},
                            {"fetch.message.max.bytes", "65536"},
                            {"topic.metadata.propagation.max.ms", "0"}};

Status refuse_contradictions(const Properties& given, const rd_kafka_conf_t* settings,
                             const Properties& fixed) {
  if (given.contains("group.id") && !fixed.contains("group.id")) {
    return wrong_property("group.id", "is not set here: `group` names the group");
  }
  for (const auto& [name, value] : fixed) {
    if (given.contains(name) && value_of(settings, name) != value) {
      return wrong_property(
          name, fmt::format("is {} here, which cannot be changed; leave it out", value));
    }
  }
  if (value_of(settings, "bootstrap.servers").empty()) {
    return wrong_property("bootstrap.servers", "is missing: it says where the brokers are");
  }
  return {};
}

Status fill(rd_kafka_conf_t* settings, const KafkaOptions& options, KafkaUse use) {
  for (const auto& [name, value] : usual_properties(options, use)) {
    ADWEAVE_TRY(set(settings, name, value));
  }
  for (const auto& [name, value] : options.properties) ADWEAVE_TRY(set(settings, name, value));
  const Properties fixed = fixed_properties(options, use);
  ADWEAVE_TRY(refuse_contradictions(options.properties, settings, fixed));
  for (const auto& [name, value] : fixed) {
    if (name == "group.id" && use == KafkaUse::look_up) continue;
    ADWEAVE_TRY(set(settings, name, value));
  }
  if (use == KafkaUse::look_up) {
    for (const auto& [name, value] : kLookUp) ADWEAVE_TRY(set(settings, name, value));
  }
  return {};
}

// A complaint without "(after 3ms in state CONNECT, 5 identical error(s) suppressed)", so that it
// is the same text when it comes again.
std::string steady(std::string_view text) {
  return std::string(text.substr(0, text.rfind(" (after ")));
}

bool is_unanswered(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__WAIT_CACHE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<std::unique_ptr<KafkaHandle>> KafkaHandle::open(const KafkaOptions& options, KafkaUse use) {
  Settings settings(rd_kafka_conf_new());
  ADWEAVE_TRY(fill(settings.get(), options, use));
  std::unique_ptr<KafkaHandle> opened(new KafkaHandle(options));
  rd_kafka_conf_set_opaque(settings.get(), opened.get());
  rd_kafka_conf_set_log_cb(settings.get(), on_log);
  rd_kafka_conf_set_error_cb(settings.get(), on_error);
  std::array<char, 512> text{};
  rd_kafka_conf_t* given = settings.release();
  const auto type = use == KafkaUse::produce ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  opened->handle_ = rd_kafka_new(type, given, text.data(), text.size());
  if (!opened->handle_) {
    rd_kafka_conf_destroy(given);
    return Error{.code = ErrorCode::config,
                 .message = fmt::format("Kafka properties: {}", text.data()),
                 .fix = "see CONFIGURATION.md of librdkafka for its properties and their values"};
  }
  return opened;
}

KafkaHandle::~KafkaHandle() {
  topics_.clear();
  if (handle_) rd_kafka_destroy_flags(handle_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

rd_kafka_topic_t* KafkaHandle::topic(const std::string& name) {
  const std::lock_guard lock(mutex_);
  KafkaTopic& kept = topics_[name];
  if (!kept) kept.reset(rd_kafka_topic_new(handle_, name.c_str(), nullptr));
  return kept.get();
}

void KafkaHandle::serve(int wait_ms) {
  rd_kafka_poll(handle_, wait_ms);
}

// Credentials that are set wake all connections: of what librdkafka has, this alone does. They are
// those that it has already, or are used by nobody.
void KafkaHandle::look_for_room() {
  const auto& given = options_.properties;
  const auto user = given.find("sasl.username");
  const auto password = given.find("sasl.password");
  const bool has_both = user != given.end() && password != given.end();
  rd_kafka_error_t* error = rd_kafka_sasl_set_credentials(
      handle_, has_both ? user->second.c_str() : "", has_both ? password->second.c_str() : "");
  if (error) rd_kafka_error_destroy(error);
}

rd_kafka_resp_err_t KafkaHandle::ask(
    const std::function<rd_kafka_resp_err_t(int timeout_ms)>& question) {
  using std::chrono::microseconds;
  const auto begin = Clock::now();
  const auto end = begin + microseconds(options_.answer_us);
  const auto grace = begin + microseconds(limits::kKafkaGraceUs);
  // It begins with short waits, so as to see early that no broker can be reached.
  for (int64_t wait_ms = 100;; wait_ms *= 2) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    const int64_t timeout_ms = std::clamp<int64_t>(left.count(), 1, wait_ms);
    const rd_kafka_resp_err_t error = question(static_cast<int>(timeout_ms));
    if (!is_unanswered(error)) {
      answered();
      return error;
    }
    serve(10);  // not 0: some failures come at once
    const auto now = Clock::now();
    if (now >= end || (now >= grace && is_all_down())) return error;
  }
}

Error KafkaHandle::error_of(const std::string& what, rd_kafka_resp_err_t error, const char* text) {
  const bool is_told = text && *text;
  const std::string why = is_told ? text : rd_kafka_err2str(error);
  if (is_kafka_gone(error)) {
    return {.code = ErrorCode::not_found,
            .message = fmt::format("Kafka: {}: there is none ({})", what, why),
            .fix = "check the name; a topic that may not be described is as if it were not there"};
  }
  if (is_kafka_damaged(error)) {
    return {.code = ErrorCode::corrupt,
            .message = fmt::format("Kafka: {}: {}", what, why),
            .fix = "check the broker's disk; a copy on another broker may be sound"};
  }
  if (is_kafka_forbidden(error)) {
    return {.code = ErrorCode::io,
            .message = fmt::format("Kafka: {}: not allowed ({})", what, why),
            .fix = "let this user read (or write) and describe the topic, and read the group"};
  }
  const std::string heard = is_told ? "" : complaint();
  return {.code = ErrorCode::io,
          .message = fmt::format("Kafka: {}: {}", what, heard.empty() ? why : heard),
          .fix = fmt::format("check that the brokers run and can be reached: {}",
                             value_of(rd_kafka_conf(handle_), "bootstrap.servers")),
          .recovery = Recovery::retry};
}

void KafkaHandle::add_trouble(Error error) {
  const std::lock_guard lock(mutex_);
  if (trouble_.size() < limits::kKafkaTroublesMax) trouble_.push_back(std::move(error));
}

std::vector<Error> KafkaHandle::take_trouble() {
  const std::lock_guard lock(mutex_);
  return std::exchange(trouble_, {});
}

// Called by any thread of librdkafka.
void KafkaHandle::on_log(const rd_kafka_t* handle, int level, const char* /*facility*/,
                         const char* text) {
  if (level > LOG_ERR) return;
  const char* end_of_thread = std::strstr(text, "]: ");  // "[thrd:NAME]: text"
  static_cast<KafkaHandle*>(rd_kafka_opaque(handle))
      ->complain(steady(*text == '[' && end_of_thread ? end_of_thread + 3 : text));
}

// Called by serve().
void KafkaHandle::on_error(rd_kafka_t*, int error, const char* text, void* opaque) {
  auto* self = static_cast<KafkaHandle*>(opaque);
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    self->all_down_ = true;
  } else {
    self->complain(steady(text));
  }
  const std::lock_guard lock(self->mutex_);
  if (self->told_.size() < limits::kKafkaTroublesMax)
    self->told_.push_back({static_cast<rd_kafka_resp_err_t>(error), steady(text)});
}

std::vector<KafkaHandle::Told> KafkaHandle::take_told() {
  const std::lock_guard lock(mutex_);
  return std::exchange(told_, {});
}

void KafkaHandle::complain(const std::string& text) {
  const std::lock_guard lock(mutex_);
  complaint_ = text;
  complained_ = Clock::now();
}

// Empty: nothing of late. librdkafka repeats a complaint only every half a minute.
std::string KafkaHandle::complaint() {
  const std::lock_guard lock(mutex_);
  const auto age = Clock::now() - complained_;
  return age < std::chrono::microseconds(limits::kKafkaComplaintUs) ? complaint_ : "";
}

const rd_kafka_message_t* kafka_message(rd_kafka_event_t* event) {
  if (rd_kafka_event_type(event) != RD_KAFKA_EVENT_FETCH) return nullptr;
  return rd_kafka_event_message_next(event);
}

bool is_kafka_gone(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
         error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
         error == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
}

// Other messages come after one that is damaged: to go on would be to skip it.
bool is_kafka_damaged(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__BAD_MSG || error == RD_KAFKA_RESP_ERR__BAD_COMPRESSION ||
         error == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED || error == RD_KAFKA_RESP_ERR__UNDERFLOW ||
         error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
}

bool is_kafka_forbidden(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
         error == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
         error == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
         error == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}

bool is_kafka_out_of_range(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
         error == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
}

std::string kafka_place(const std::string& topic, int32_t partition) {
  return fmt::format("topic {}, partition {}", topic, partition);
}

std::optional<std::pair<std::string, int32_t>> kafka_place_in(std::string_view text) {
  const size_t end_of_name = text.find(" [");
  const size_t end = text.find("]: ");
  if (end_of_name == std::string_view::npos || end == std::string_view::npos) return std::nullopt;
  int32_t partition = 0;
  const size_t begin = end_of_name + 2;
  if (end < begin || !parse_whole(text.substr(begin, end - begin), partition)) return std::nullopt;
  return std::pair(std::string(text.substr(0, end_of_name)), partition);
}

int64_t kafka_timestamp_us(const rd_kafka_message_t* message) {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const int64_t ms = rd_kafka_message_timestamp(message, &type);
  if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || ms < 0 || ms > INT64_MAX / 1000) return -1;
  return ms * 1000;
}

std::string_view kafka_key(const rd_kafka_message_t* message) {
  return {static_cast<const char*>(message->key), message->key ? message->key_len : 0};
}

std::string_view kafka_value(const rd_kafka_message_t* message) {
  return {static_cast<const char*>(message->payload), message->payload ? message->len : 0};
}

}  // namespace adweave::net
