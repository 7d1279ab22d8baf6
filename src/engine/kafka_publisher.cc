// SPDX-License-Identifier: Apache-2.0
#include "engine/kafka_publisher.h"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/thread_name.h"

namespace adweave::engine {

namespace {

// Of this ledger and no other, however its folder is called: so a copy of it is the same.
Result<std::string> producer_name(const ledger::Ledger& ledger) {
  constexpr size_t kDigits = 16;
  ADWEAVE_ASSIGN(const std::string first, ledger.checksum_of(1));
  return fmt::format("adweave-{}-{}", ledger.ledger_id(), first.substr(0, kDigits));
}

net::KafkaOptions options_of(const Job& job, const std::string& name) {
  net::KafkaOptions options;
  options.properties = job.kafka.properties;
  for (const auto& [property, value] : job.kafka_produce.properties)
    options.properties[property] = value;
  options.answer_us = limits::kKafkaAnswerUs;
  options.queue_bytes = limits::kKafkaQueueBytes;
  options.message_bytes_max = limits::kKafkaMessageBytesMax;
  options.transactional_id = name;
  return options;
}

constexpr const char* kSayFrom =
    "see the header or member `commit` of the newest message there, and write the number after it: "
    "kafka: {produce: {from: NUMBER}}";

}  // namespace

Result<std::unique_ptr<KafkaPublisher>> KafkaPublisher::start(FileSystem& fs, const Job& job,
                                                              ledger::Ledger ledger,
                                                              Report report) {
  ADWEAVE_ASSIGN(const std::string name, producer_name(ledger));
  const Open open = [options = options_of(job, name)](Stop stop) {
    return net::KafkaProducer::open(options, std::move(stop));
  };
  ADWEAVE_TRY(open([] { return true; }));  // are the properties right?
  return std::make_unique<KafkaPublisher>(fs, job, std::move(ledger), open, std::move(report));
}

KafkaPublisher::KafkaPublisher(FileSystem& fs, const Job& job, ledger::Ledger ledger, Open open,
                               Report report)
    : fs_(fs),
      job_(job),
      open_(std::move(open)),
      report_(std::move(report)),
      ledger_(std::move(ledger)),
      outputs_(kafka_outputs(job)),
      backoff_(std::random_device()()) {
  status_.head = ledger_.head();
  thread_ = std::thread([this] { work(); });
}

KafkaPublisher::~KafkaPublisher() {
  {
    const std::lock_guard guard(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void KafkaPublisher::committed(int64_t commit) {
  {
    const std::lock_guard guard(mutex_);
    if (commit <= status_.head) return;
    status_.head = commit;
  }
  wake_.notify_all();
}

source::KafkaProduced KafkaPublisher::status() const {
  const std::lock_guard guard(mutex_);
  return status_;
}

bool KafkaPublisher::is_ending() const {
  const std::lock_guard guard(mutex_);
  return ending_;
}

void KafkaPublisher::work() {
  name_thread("kafka output");
  while (true) {
    const Status status = produce();
    if (status || is_ending()) return;
    failed(status.error());
    std::unique_lock lock(mutex_);
    const auto patience = std::chrono::microseconds(backoff_.next_us());
    if (status_.is_stopped || wake_.wait_for(lock, patience, [&] { return ending_; })) return;
  }
}

void KafkaPublisher::failed(const Error& error) {
  {
    const std::lock_guard guard(mutex_);
    ++status_.errors;
    status_.is_stopped = error.code == ErrorCode::fenced || error.code == ErrorCode::config;
  }
  report_(error);
}

// Until it is told to end.
Status KafkaPublisher::produce() {
  ADWEAVE_ASSIGN(const auto producer, open_([this] { return is_ending(); }));
  ADWEAVE_TRY(find_positions(*producer));
  while (wait_for_commits()) {
    ADWEAVE_TRY(produce_run(*producer));
    backoff_.reset();
  }
  return {};
}

Status KafkaPublisher::find_positions(net::KafkaProducer& producer) {
  std::vector<std::string> topics;
  for (const KafkaOutput& output : outputs_) topics.push_back(output.topic);
  ADWEAVE_ASSIGN(const auto positions, producer.begin(topics));
  ADWEAVE_TRY(ledger_.reload());
  is_told_ = true;
  told_ = Clock::now() - std::chrono::microseconds(limits::kKafkaPositionUs);
  for (size_t i = 0; i < outputs_.size(); ++i) {
    ADWEAVE_ASSIGN(outputs_[i].next, next_of(topics[i], positions[i]));
    if (positions[i]) {
      ADWEAVE_TRY(note(topics[i]));
    } else {
      is_told_ = false;
    }
  }
  const std::lock_guard guard(mutex_);
  status_.commit = first() - 1;
  return {};
}

// Brokers forget an offset that is a week old, and a topic that is deleted; then to begin anew
// would be to write commits twice.
Result<int64_t> KafkaPublisher::next_of(const std::string& topic,
                                        const std::optional<net::KafkaPosition>& position) const {
  if (position) {
    ADWEAVE_ASSIGN(const bool is_ours, is_of_this_ledger(*position));
    if (is_ours) return position->next;
  }
  const source::KafkaProduce& produce = job_.kafka_produce;
  if (produce.from) return std::clamp<int64_t>(*produce.from, 1, ledger_.head() + 1);
  if (position) {
    return Error{ErrorCode::config,
                 fmt::format("Kafka: topic {} has commits up to {}, which this ledger does not "
                             "have: it is older, or another",
                             topic, position->next - 1),
                 kSayFrom};
  }
  if (fs_.info(note_path(topic))) {
    return Error{ErrorCode::config,
                 fmt::format("Kafka: topic {} has been written by this ledger, and the cluster has "
                             "forgotten how far",
                             topic),
                 kSayFrom};
  }
  return produce.from_end ? ledger_.head() + 1 : 1;
}

Result<bool> KafkaPublisher::is_of_this_ledger(const net::KafkaPosition& position) const {
  const int64_t commit = position.next - 1;
  if (commit < 0 || commit > ledger_.head()) return false;
  if (commit == 0) return position.mark.empty();
  ADWEAVE_ASSIGN(const std::string checksum, ledger_.checksum_of(commit));
  return checksum == position.mark;
}

std::string KafkaPublisher::note_path(const std::string& topic) const {
  return join_path(join_path(job_.data, "produced"), topic);
}

// That the topic has been written.
Status KafkaPublisher::note(const std::string& topic) {
  const std::string path = note_path(topic);
  if (fs_.info(path)) return {};
  ADWEAVE_TRY(make_dirs(fs_, parent_path(path)));
  const Status written = write_synced(fs_, path, "");
  if (!written && written.error().code != ErrorCode::exists) return written;
  return fs_.sync_dir(parent_path(path));
}

int64_t KafkaPublisher::first() const {
  int64_t first = INT64_MAX;
  for (const KafkaOutput& output : outputs_) first = std::min(first, output.next);
  return first;
}

// False: it is to end.
bool KafkaPublisher::wait_for_commits() {
  const auto again = told_ + std::chrono::microseconds(limits::kKafkaPositionUs);
  std::unique_lock lock(mutex_);
  wake_.wait_until(lock, again, [&] { return ending_ || !is_told_ || status_.head >= first(); });
  return !ending_;
}

Status KafkaPublisher::produce_run(net::KafkaProducer& producer) {
  const int64_t through = status().head;
  ADWEAVE_TRY(ledger_.reload());
  CommitRun run{first(), first() - 1, "", {}};
  SentRows sent;
  int64_t missing = 0;
  if (run.first <= through) {
    ADWEAVE_ASSIGN(run, next_run(ledger_, job_.kafka_produce, run.first, through));
    if (!run.rows.empty()) {
      ADWEAVE_ASSIGN(
          sent, send_rows(fs_, job_.data, ledger_, job_.kafka_produce, run, outputs_, producer));
    }
    ADWEAVE_ASSIGN(missing, count_missing(run, sent));
  }
  const bool is_due = Clock::now() - told_ >= std::chrono::microseconds(limits::kKafkaPositionUs);
  if (!sent.messages.empty() || !is_told_ || is_due) ADWEAVE_TRY(commit(producer, run));
  for (KafkaOutput& output : outputs_) output.next = std::max(output.next, run.last + 1);
  if (missing > 0) {
    report_({.code = ErrorCode::not_found,
             .message = fmt::format("Kafka: {} rows of commits {} to {} were taken away by "
                                    "retention before they were produced",
                                    missing, run.first, run.last),
             .fix = "keep days longer than brokers may be away"});
  }
  const std::lock_guard guard(mutex_);
  status_.commit = first() - 1;
  status_.missing += missing;
  status_.not_retried += sent.not_retried;
  for (const auto& [topic, number] : sent.messages) status_.messages[topic] += number;
  return {};
}

// The messages, and where the outputs stand behind the run.
Status KafkaPublisher::commit(net::KafkaProducer& producer, const CommitRun& run) {
  std::vector<net::KafkaPosition> positions;
  for (const KafkaOutput& output : outputs_) {
    const int64_t next = std::max(output.next, run.last + 1);
    std::string mark = run.checksum;
    if (next != run.last + 1 || mark.empty()) {
      if (next > 1) {
        ADWEAVE_ASSIGN(mark, ledger_.checksum_of(next - 1));
      }
    }
    positions.push_back({output.topic, next, std::move(mark)});
  }
  ADWEAVE_TRY(producer.commit(positions));
  is_told_ = true;
  told_ = Clock::now();
  for (const KafkaOutput& output : outputs_) ADWEAVE_TRY(note(output.topic));
  return {};
}

// Rows that are not there any more. Only retention takes rows away.
Result<int64_t> KafkaPublisher::count_missing(const CommitRun& run, const SentRows& sent) const {
  int64_t missing = 0;
  for (const auto& [table, rows] : run.rows) {
    const auto found = sent.rows.find(table);
    const int64_t here = found == sent.rows.end() ? 0 : found->second;
    const bool is_whole = here == rows || (here < rows && ledger_.retention());
    if (!is_whole) {
      return Error{ErrorCode::corrupt,
                   fmt::format("commits {} to {} brought {} rows of {}, and {} are there",
                               run.first, run.last, rows, table, here),
                   "run adweave verify"};
    }
    missing += rows - here;
  }
  return missing;
}

}  // namespace adweave::engine
