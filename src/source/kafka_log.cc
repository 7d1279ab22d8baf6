// SPDX-License-Identifier: Apache-2.0
#include "source/kafka_log.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/thread_name.h"
#include "source/kafka_mark.h"

namespace adweave::source {

namespace {

constexpr size_t kReportsKept = 1000;
constexpr auto kReportAgain = std::chrono::minutes(1);

// What cannot be read on: it must never be passed over without a word.
Error gone(const std::string& name, const net::KafkaOffsets& offsets, int64_t next) {
  return {ErrorCode::not_found,
          fmt::format("{}: the records {} to {} are gone before they were read: the partition now "
                      "begins at {}",
                      name, next, offsets.low - 1, offsets.low),
          "let the topic keep its records longer (retention.ms, retention.bytes); to go on without "
          "them write lost: accept in the source's kafka section and start again"};
}

Error remade(const std::string& name, const std::string& how) {
  return {ErrorCode::corrupt,
          fmt::format("{}: {}: the topic was deleted and made again, or the cluster lost records",
                      name, how),
          "to read the topic as it is now from its beginning, give the source another name; events "
          "whose ids are known are duplicates then"};
}

Error compacted(const std::string& name) {
  return {ErrorCode::config,
          name +
              ": the topic is compacted: the cluster removes records out of its middle, and "
              "events would be lost without a trace",
          "send events to a topic with cleanup.policy=delete"};
}

// Whether what was committed of a partition is still what the cluster has. It must not end before.
Status check_same(const net::KafkaConsumer& consumer, const KafkaProgress& progress,
                  const net::KafkaOffsets& offsets) {
  const std::string name = kafka_partition_name(progress.topic, progress.partition);
  const std::optional<int64_t> last = offset_of_kafka_mark(progress.mark);
  if (!last || *last < offsets.low) return {};
  ADWEAVE_ASSIGN(const std::optional<net::KafkaRecord> record,
                 consumer.read_at(progress.topic, progress.partition, *last));
  if (!record) return remade(name, fmt::format("there is no record {} any more", *last));
  if (kafka_mark(*last, record->timestamp_us, record->key, record->value) == progress.mark)
    return {};
  return remade(name, fmt::format("record {} is not the one that was committed", *last));
}

}  // namespace

Result<std::unique_ptr<KafkaLog>> KafkaLog::open(const KafkaCluster& cluster,
                                                 std::vector<KafkaTopic> topics,
                                                 const std::vector<KafkaProgress>& committed,
                                                 Report report) {
  std::unique_ptr<KafkaLog> log(new KafkaLog(cluster, std::move(topics), std::move(report)));
  for (const KafkaProgress& progress : committed)
    log->committed_[{progress.topic, progress.partition}] = progress;
  ADWEAVE_ASSIGN(log->consumer_, net::KafkaConsumer::open(
                                     {cluster.properties, cluster.group, limits::kKafkaAnswerUs,
                                      limits::kKafkaQueueBytes, limits::kKafkaMessageBytesMax}));
  log->thread_ = std::thread([&log = *log] { log.work(); });
  return log;
}

KafkaLog::KafkaLog(const KafkaCluster& cluster, std::vector<KafkaTopic> topics, Report report)
    : cluster_(cluster), topics_(std::move(topics)), report_(std::move(report)) {}

KafkaLog::~KafkaLog() {
  {
    const std::lock_guard guard(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void KafkaLog::work() {
  name_thread("kafka");
  while (true) {
    const bool all = look();
    const auto patience =
        std::chrono::microseconds(all ? limits::kKafkaLookUs : limits::kKafkaAgainUs);
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, patience, [&] { return ending_; })) return;
  }
}

// Begins what is not begun yet; whether nothing was left to do.
bool KafkaLog::look() {
  bool all = true;
  for (const KafkaTopic& topic : topics_) {
    {
      const std::lock_guard guard(mutex_);
      if (ending_) return true;
    }
    const Status looked = look_at(topic);
    if (!looked) report(looked.error());
    all = all && looked;
  }
  return all;
}

Status KafkaLog::look_at(const KafkaTopic& topic) {
  ADWEAVE_ASSIGN(const std::vector<int32_t> all, consumer_->partitions(topic.topic));
  note_new(topic, all);
  ADWEAVE_TRY(check(topic));
  const std::vector<int32_t> partitions = not_begun(topic, all);
  if (partitions.empty()) return {};
  ADWEAVE_ASSIGN(const bool is_compacted, consumer_->is_compacted(topic.topic));
  for (const int32_t partition : partitions) ADWEAVE_TRY(begin(topic, partition, is_compacted));
  return {};
}

std::vector<int32_t> KafkaLog::not_begun(const KafkaTopic& topic,
                                         const std::vector<int32_t>& partitions) const {
  const std::lock_guard guard(mutex_);
  std::vector<int32_t> out;
  for (const int32_t partition : partitions) {
    const bool is_ours = partition % cluster_.shares == cluster_.share;
    if (is_ours && !partitions_.contains({topic.topic, partition})) out.push_back(partition);
  }
  return out;
}

// Of a topic of which the ledger knows nothing, the partitions that are there when it is first
// looked at. Those that are added later are read from their beginning.
void KafkaLog::note_new(const KafkaTopic& topic, const std::vector<int32_t>& partitions) {
  const std::lock_guard guard(mutex_);
  const auto [at_end, is_first] = at_end_.try_emplace(topic.topic);
  if (!is_first || !topic.from_end) return;
  const auto known = committed_.lower_bound({topic.topic, 0});
  const bool is_known = known != committed_.end() && known->first.first == topic.topic;
  if (!is_known) at_end->second.insert(partitions.begin(), partitions.end());
}

Status KafkaLog::begin(const KafkaTopic& topic, int32_t partition, bool is_compacted) {
  const Result<int64_t> next =
      is_compacted ? Result<int64_t>(compacted(kafka_partition_name(topic.topic, partition)))
                   : begin_at(topic, partition);
  if (!next && next.error().code == ErrorCode::io) return next.error();  // once more, later
  {
    const std::lock_guard guard(mutex_);
    const Key key(topic.topic, partition);
    partitions_[key] = {topic.topic, partition, next ? *next : 0, -1, false};
    const auto known = committed_.find(key);
    if (next) begin_[key] = *next;
    if (next && known != committed_.end()) marks_[key] = {known->second.mark, known->second.mark};
  }
  if (next) return consumer_->start(topic.topic, partition, *next);
  stop(topic.topic, partition, next.error());
  return {};
}

// A topic that is made again while it is read is read on, by the same offsets: only what was
// committed before tells.
Status KafkaLog::check(const KafkaTopic& topic) {
  for (const auto& [key, marks] : marks_of(topic)) {
    const int64_t next = offset_of_kafka_mark(marks.to_check).value_or(-1) + 1;
    ADWEAVE_ASSIGN(const net::KafkaOffsets offsets, consumer_->offsets(key.first, key.second));
    if (next > offsets.high) continue;  // for a moment, or fetching tells
    const Status same =
        check_same(*consumer_, {key.first, key.second, next, marks.to_check}, offsets);
    if (same) {
      const std::lock_guard guard(mutex_);
      marks_[key].to_check = marks.newest;
      continue;
    }
    if (same.error().code == ErrorCode::io) return same;
    ADWEAVE_TRY(consumer_->stop(key.first, key.second));
    stop(key.first, key.second, same.error());
  }
  return {};
}

std::vector<std::pair<KafkaLog::Key, KafkaLog::Marks>> KafkaLog::marks_of(
    const KafkaTopic& topic) const {
  const std::lock_guard guard(mutex_);
  std::vector<std::pair<Key, Marks>> all;
  for (const auto& [key, marks] : marks_) {
    const bool is_read = !partitions_.at(key).is_stopped;
    if (key.first == topic.topic && is_read && !marks.to_check.empty())
      all.emplace_back(key, marks);
  }
  return all;
}

Result<int64_t> KafkaLog::begin_at(const KafkaTopic& topic, int32_t partition) {
  ADWEAVE_ASSIGN(const net::KafkaOffsets offsets, consumer_->offsets(topic.topic, partition));
  std::optional<KafkaProgress> progress;
  {
    const std::lock_guard guard(mutex_);
    const auto known = committed_.find({topic.topic, partition});
    if (known != committed_.end()) progress = known->second;
    if (!progress && at_end_[topic.topic].contains(partition)) {
      begun_at_end_.push_back({topic.topic, partition, offsets.high, {}});
      return offsets.high;
    }
  }
  if (!progress) return offsets.low;
  if (progress->next > offsets.high) return too_short(*progress, offsets);
  ADWEAVE_TRY(check_same(*consumer_, *progress, offsets));
  if (progress->next >= offsets.low) return progress->next;
  const Error error = gone(kafka_partition_name(topic.topic, partition), offsets, progress->next);
  if (!topic.accept_loss) return error;
  report(error);
  return offsets.low;
}

// A leader that has just taken over may not know for a moment how far all others are.
Error KafkaLog::too_short(const KafkaProgress& progress, const net::KafkaOffsets& offsets) {
  const std::string name = kafka_partition_name(progress.topic, progress.partition);
  const std::string how =
      fmt::format("committed up to {}, and the partition ends at {}", progress.next, offsets.high);
  if (!too_short_.insert({progress.topic, progress.partition}).second) return remade(name, how);
  return {ErrorCode::io, name + ": " + how, "it is looked at once more in some seconds"};
}

bool KafkaLog::pause(const std::set<std::string>& topics, const Taken& taken) {
  if (topics.empty() && paused_.empty()) return true;
  std::vector<std::pair<Key, int64_t>> all;  // and where to go on
  {
    const std::lock_guard guard(mutex_);
    for (const auto& [key, partition] : partitions_) {
      if (!partition.is_stopped) all.emplace_back(key, begin_[key]);
    }
  }
  bool is_so = true;
  for (const auto& [key, begin] : all) {
    const auto& [topic, partition] = key;
    Status done;
    if (topics.contains(topic) && !paused_.contains(key)) {
      done = consumer_->stop(topic, partition);
      if (done) paused_.insert(key);
    } else if (!topics.contains(topic) && paused_.contains(key)) {
      done = consumer_->start(topic, partition, taken(topic, partition).value_or(begin));
      if (done) paused_.erase(key);
    }
    if (done) continue;
    report(done.error());
    is_so = false;
  }
  return is_so;
}

size_t KafkaLog::poll(size_t most, const std::function<void(const net::KafkaMessage&)>& take) {
  return consumer_->poll(
      most, take,
      [&](const std::string& topic, int32_t partition, const Error& error) {
        stop(topic, partition, error);
      },
      [&](const Error& error) { report(error); });
}

std::vector<KafkaProgress> KafkaLog::begun_at_end() {
  const std::lock_guard guard(mutex_);
  return std::exchange(begun_at_end_, {});
}

void KafkaLog::committed(const KafkaProgress& progress) {
  {
    const std::lock_guard guard(mutex_);
    const Key key(progress.topic, progress.partition);
    partitions_[key].next = progress.next;
    Marks& marks = marks_[key];
    if (!progress.mark.empty()) marks.newest = progress.mark;
    if (marks.to_check.empty()) marks.to_check = marks.newest;
  }
  consumer_->hint(progress.topic, progress.partition, progress.next);
}

std::vector<KafkaPartition> KafkaLog::partitions() const {
  std::vector<KafkaPartition> partitions;
  {
    const std::lock_guard guard(mutex_);
    for (const auto& [key, partition] : partitions_) partitions.push_back(partition);
  }
  for (KafkaPartition& each : partitions) each.high = consumer_->high(each.topic, each.partition);
  return partitions;
}

void KafkaLog::stop(const std::string& topic, int32_t partition, const Error& error) {
  {
    const std::lock_guard guard(mutex_);
    partitions_[{topic, partition}].is_stopped = true;
  }
  report(error);
}

void KafkaLog::report(const Error& error) {
  {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard guard(mutex_);
    const auto [told, is_new] = reported_.try_emplace(error.message, now);
    if (!is_new && now - told->second < kReportAgain) return;
    told->second = now;
    if (reported_.size() > kReportsKept) reported_.clear();
  }
  report_(error);
}

}  // namespace adweave::source
