// SPDX-License-Identifier: Apache-2.0
#include "engine/journal_feed.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/hash.h"
#include "base/limits.h"

namespace adweave::engine {

namespace {

// A segment as rows and positions name it, "journal:17". It is known by its number: none is used
// twice.
source::SourceFile segment_file(int64_t segment) {
  source::SourceFile file;
  file.name = std::string(event::kJournalPrefix) + std::to_string(segment);
  file.hash = to_hex(hash128(file.name));
  return file;
}

int64_t body_end(const source::JournalEntry& entry) {
  return entry.body_offset + static_cast<int64_t>(entry.delivery.body.size());
}

}  // namespace

source::JournalPosition journal_resume(const ledger::Ledger& ledger) {
  source::JournalPosition newest;
  for (const ledger::SourcePosition& position : ledger.summary().positions) {
    const bool is_read = ledger::row_source(position.source) == position.source;
    if (!is_read || !position.file.starts_with(event::kJournalPrefix)) continue;
    source::JournalPosition here{0, position.after};
    const char* begin = position.file.data() + event::kJournalPrefix.size();
    std::from_chars(begin, position.file.data() + position.file.size(), here.segment);
    newest = std::max(newest, here);
  }
  return newest;
}

JournalFeed::JournalFeed(const Job& job, const std::vector<OpenSource>& sources,
                         const source::Journal& journal, source::JournalPosition from)
    : job_(job),
      sources_(sources),
      deliveries_(journal.reader(from)),
      through_(from),
      segments_(sources.size()) {}

Result<std::optional<ReadSlice>> JournalFeed::next() {
  if (whole_) {
    ADWEAVE_ASSIGN(std::optional<ReadSlice> slice, whole_->next());
    if (whole_->at_end()) whole_.reset();
    if (slice) slice->deliveries = {whole_begin_};
    if (slice) return std::optional<ReadSlice>(std::move(slice));
  }
  if (round_.empty()) ADWEAVE_TRY(gather());
  if (!round_.empty()) {
    std::optional<ReadSlice> slice(std::move(round_.front()));
    round_.pop_front();
    return slice;
  }
  if (!entry_) return std::optional<ReadSlice>();
  return begin(*std::exchange(entry_, std::nullopt));
}

// Makes a round of the lines that are there, up to a slice's worth of a source; what must be read
// by itself ends it and stays in entry_.
Status JournalFeed::gather() {
  std::vector<DeliveryGroup> groups;
  int64_t segment = 0;
  while (true) {
    if (!entry_) {
      ADWEAVE_ASSIGN(entry_, deliveries_.next());
      if (!entry_) break;
    }
    const std::string& body = entry_->delivery.body;
    ADWEAVE_ASSIGN(const size_t source, source_of(*entry_));
    if (!sources_[source].decoder->is_lines(body)) break;
    if (!groups.empty() && entry_->position.segment != segment) break;
    segment = entry_->position.segment;
    const Arrival arrival = arrival_of(source, *entry_);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const DeliveryGroup& each) { return each.source() == source; });
    if (group == groups.end()) group = groups.insert(group, {arrival, entry_->delivery.source});
    if (!group->has_room(body.size(), job_.slice_bytes)) break;
    add(*group, arrival, *entry_);
    entry_.reset();
  }
  for (DeliveryGroup& group : groups) round_.push_back(group.take());
  if (!round_.empty()) round_.back().step.whole = true;
  return {};
}

void JournalFeed::add(DeliveryGroup& group, const Arrival& arrival,
                      const source::JournalEntry& entry) {
  group.add(arrival.place, entry.delivery.body, body_end(entry), Between::line_end);
  group.read().step.whole = false;
  group.read().deliveries.push_back(entry.position);
  through_ = entry.next;
}

Arrival JournalFeed::arrival_of(size_t source, const source::JournalEntry& entry) {
  Segment& segment = segments_[source];
  if (segment.number != entry.position.segment) {
    segment.number = entry.position.segment;
    segment.file =
        std::make_shared<const WorkFile>(WorkFile{source, segment_file(segment.number), {}});
  }
  return {
      segment.file,
      {entry.position.offset, entry.next.offset, entry.body_offset, entry.delivery.received_time}};
}

Result<size_t> JournalFeed::source_of(const source::JournalEntry& entry) const {
  const auto source = std::find_if(sources_.begin(), sources_.end(), [&](const OpenSource& open) {
    return open.job->decoder.source == entry.delivery.source;
  });
  if (source != sources_.end()) return static_cast<size_t>(source - sources_.begin());
  return Error{ErrorCode::config,
               "the journal holds deliveries of the source '" + entry.delivery.source +
                   "', which the configuration no longer has",
               "put the source back until they are committed"};
}

// Reads a delivery by itself. One with a head, or compressed, is a file of its own.
Result<std::optional<ReadSlice>> JournalFeed::begin(source::JournalEntry entry) {
  ADWEAVE_ASSIGN(const size_t source, source_of(entry));
  through_ = entry.next;
  const decode::Decoder& decoder = *sources_[source].decoder;
  std::string& body = entry.delivery.body;
  const auto head = decoder.cutter()->head(body, true);
  const bool is_plain = decoder.content(body) == nullptr && head && *head && **head == 0;
  Arrival arrival = arrival_of(source, entry);
  if (is_plain) {
    DeliveryGroup group(arrival, entry.delivery.source);
    add(group, arrival, entry);
    ReadSlice slice = group.take();
    slice.step.whole = true;
    return std::optional(std::move(slice));
  }
  whole_begin_ = entry.position;
  ADWEAVE_ASSIGN(whole_, WholeDelivery::open(std::move(arrival), entry.delivery.source,
                                             std::move(body), decoder, job_.slice_bytes));
  return next();
}

}  // namespace adweave::engine
