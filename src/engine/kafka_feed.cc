// SPDX-License-Identifier: Apache-2.0
#include "engine/kafka_feed.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/thread_name.h"
#include "registry/remote_schemas.h"
#include "source/kafka_mark.h"

namespace adweave::engine {

namespace {

std::string mark_of(const net::KafkaMessage& message) {
  return source::kafka_mark(message.offset, message.timestamp_us, message.key, message.value);
}

// But for its line end.
bool is_one_line(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  constexpr size_t kNone = std::string_view::npos;
  return text.find('\n') == kNone && text.find('\r') == kNone;
}

// What stands behind the message's record when another follows it; null: it is not one record.
std::optional<Between> between_records(const decode::Decoder& decoder, std::string_view value) {
  if (value.empty()) return Between::nothing;
  if (decoder.is_lines(value) && is_one_line(value)) return Between::line_end;
  if (decoder.is_message(value)) return Between::nothing;
  return std::nullopt;
}

}  // namespace

std::vector<source::KafkaProgress> kafka_progress(const Job& job, const ledger::Ledger& ledger) {
  std::vector<source::KafkaProgress> progress;
  for (const SourceJob& source : job.sources) {
    if (!source.kafka) continue;
    for (const ledger::SourcePosition& position : ledger.positions(source.decoder.source)) {
      const auto id = source::parse_kafka_partition(position.file);
      if (id && id->topic == source.kafka->topic)
        progress.push_back({id->topic, id->partition, position.after, position.mark});
    }
  }
  return progress;
}

Result<std::optional<ReadSlice>> KafkaFeed::next() {
  if (whole_) return next_of_message();
  if (waiting_.empty()) gather();
  if (waiting_.empty()) return std::optional<ReadSlice>();
  Waiting first = std::move(waiting_.front());
  waiting_.pop_front();
  if (!first.arrival) return std::optional(std::move(first.slice));
  const OpenSource& source = sources_[first.arrival->work->source];
  whole_mark_ = std::move(first.slice.step.mark);
  ADWEAVE_ASSIGN(whole_,
                 WholeDelivery::open(*std::move(first.arrival), source.job->decoder.source,
                                     std::move(first.body), *source.decoder, job_.slice_bytes));
  return next_of_message();
}

Result<std::optional<ReadSlice>> KafkaFeed::next_of_message() {
  ADWEAVE_ASSIGN(std::optional<ReadSlice> slice, whole_->next());
  if (slice && slice->step.whole) slice->step.mark = std::move(whole_mark_);
  if (whole_->at_end()) whole_.reset();
  return slice;
}

std::set<std::string> KafkaFeed::stopped_topics() const {
  std::set<std::string> topics;
  for (const auto& [topic, put_aside] : put_aside_) topics.insert(topic);
  for (const OpenSource& source : sources_) {
    if (source.job->kafka && paused_.is_paused(source.job->decoder.source))
      topics.insert(source.job->kafka->topic);
  }
  return topics;
}

// Of what is put aside, messages may come until it is stopped: they are passed over, so it must not
// go on before.
void KafkaFeed::stop_and_go_on() {
  std::erase_if(put_aside_, [](const auto& each) {
    const PutAside& one = each.second;
    return one.is_stopped &&
           one.answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  });
  const bool is_so = log_.pause(stopped_topics(), [this](const std::string& topic, int32_t number) {
    const auto partition = std::find_if(
        partitions_.begin(), partitions_.end(),
        [&](const Partition& each) { return each.number == number && each.topic == topic; });
    return partition == partitions_.end() ? std::nullopt : partition->next;
  });
  for (auto& [topic, one] : put_aside_) one.is_stopped = one.is_stopped || is_so;
}

// Whether its messages must wait, from the one on that was just looked at. A registry that answers
// does so at once: only for one that cannot be reached is a topic stopped.
bool KafkaFeed::put_aside(const Partition& partition) {
  const SourceJob& source = *source_of(partition).job;
  if (!source.schemas || !source.registry->waits || !source.schemas->has_wanted()) return false;
  if (source.schemas->fetch_wanted()) return false;
  put_aside_[partition.topic].answer = std::async(std::launch::async, [this, &source] {
    name_thread("schemas");
    schemas_.await(source);
  });
  return true;
}

void KafkaFeed::gather() {
  stop_and_go_on();
  for (const source::KafkaProgress& begun : log_.begun_at_end()) {
    Partition& partition = partition_of(begun.topic, begun.partition);
    const Arrival nothing{partition.work, {begun.next, begun.next, begun.next, 0}};
    waiting_.push_back(
        {DeliveryGroup(nothing, source_of(partition).job->decoder.source).take(), {}, {}});
  }
  log_.poll(limits::kKafkaMessagesAtOnce, [&](const net::KafkaMessage& message) { take(message); });
  for (Partition& partition : partitions_) flush(partition);
}

void KafkaFeed::take(const net::KafkaMessage& message) {
  Partition& partition = partition_of(message.topic, message.partition);
  if (const auto aside = put_aside_.find(partition.topic); aside != put_aside_.end()) {
    aside->second.is_stopped = false;
    return;
  }
  const Place place{message.offset, message.offset + 1, message.offset,
                    std::max<int64_t>(message.timestamp_us, 0)};
  const std::string_view value = message.value;
  const std::optional<Between> between = between_records(*source_of(partition).decoder, value);
  if (!between && put_aside(partition)) return;
  partition.next = place.next;
  const bool has_room =
      partition.records && partition.records->has_room(value.size(), job_.slice_bytes);
  if (!between || !has_room) flush(partition);
  if (!between) {
    Waiting& whole = waiting_.emplace_back();
    whole.slice.step.mark = mark_of(message);
    whole.arrival = Arrival{partition.work, place};
    whole.body = value;
    return;
  }
  if (!partition.records) {
    partition.records.emplace(Arrival{partition.work, place},
                              source_of(partition).job->decoder.source, partition.usual_bytes);
  }
  // A message without a value, or an empty one, holds no record, like a blank line in a file.
  if (value.empty()) {
    partition.records->go_on(place.next);
  } else {
    partition.records->add(place, value, place.next, *between);
  }
  partition.last = message;
}

void KafkaFeed::flush(Partition& partition) {
  if (!partition.records) return;
  ReadSlice slice = partition.records->take();
  slice.step.mark = mark_of(partition.last);
  partition.usual_bytes = slice.slice.bytes->size();
  partition.records.reset();
  waiting_.push_back({std::move(slice), {}, {}});
}

KafkaFeed::Partition& KafkaFeed::partition_of(std::string_view topic, int32_t number) {
  const auto is_it = [&](const Partition& each) {
    return each.number == number && each.topic == topic;
  };
  if (latest_ < partitions_.size() && is_it(partitions_[latest_])) return partitions_[latest_];
  auto partition = std::find_if(partitions_.begin(), partitions_.end(), is_it);
  latest_ = static_cast<size_t>(partition - partitions_.begin());
  if (partition != partitions_.end()) return *partition;
  const auto source = std::find_if(sources_.begin(), sources_.end(), [&](const OpenSource& open) {
    return open.job->kafka && open.job->kafka->topic == topic;
  });
  CHECK(source != sources_.end());  // nothing else was asked for
  source::SourceFile file;
  file.name = source::kafka_partition_name(topic, number);
  file.hash = to_hex(hash128(file.name));
  Partition& made = partitions_.emplace_back();
  made.topic = topic;
  made.number = number;
  made.work = std::make_shared<const WorkFile>(
      WorkFile{static_cast<size_t>(source - sources_.begin()), std::move(file), {}});
  return made;
}

}  // namespace adweave::engine
