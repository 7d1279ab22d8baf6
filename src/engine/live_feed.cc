// SPDX-License-Identifier: Apache-2.0
#include "engine/live_feed.h"

#include <algorithm>
#include <charconv>

#include "base/hash.h"
#include "base/limits.h"
#include "source/bytes_file.h"

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

LiveFeed::LiveFeed(const FileSystem& fs, const Job& job, std::vector<OpenSource>& sources,
                   source::Journal& journal, source::JournalPosition from, KnownFiles known,
                   std::function<int64_t()> now_us, std::function<void(const Error&)> trouble)
    : fs_(fs),
      job_(job),
      sources_(sources),
      journal_(journal),
      deliveries_(journal.reader(from)),
      now_us_(std::move(now_us)),
      trouble_(std::move(trouble)),
      through_(from),
      segments_(sources.size()),
      known_(std::move(known)) {}

// What was begun is read to its end: a commit takes all of it or nothing.
Result<std::optional<ReadSlice>> LiveFeed::next() {
  while (!stopping_) {
    files_first_ = !files_first_ && !is_within();
    for (const bool files : {files_first_, !files_first_}) {
      ADWEAVE_ASSIGN(std::optional<ReadSlice> slice, files ? next_of_files() : next_of_journal());
      if (slice) return std::optional<ReadSlice>(std::move(slice));
    }
    deliveries_.wait(std::chrono::milliseconds(limits::kLivePatienceUs / 1000));
  }
  if (!end_) end_ = journal_.end();
  while (is_within() || through_ < *end_) {
    const source::JournalPosition before = through_;
    ADWEAVE_ASSIGN(std::optional<ReadSlice> slice, next_of_journal());
    if (slice) return std::optional<ReadSlice>(std::move(slice));
    if (through_ == before) break;  // no delivery lies before the end
  }
  return std::optional<ReadSlice>();
}

Result<std::optional<ReadSlice>> LiveFeed::next_of_journal() {
  if (delivery_reader_) {
    ADWEAVE_ASSIGN(std::optional<ReadSlice> slice, next_of_delivery());
    if (slice) return std::optional<ReadSlice>(std::move(slice));
  }
  if (round_.empty()) ADWEAVE_TRY(gather());
  if (!round_.empty()) {
    std::optional<ReadSlice> slice(std::move(round_.front()));
    round_.pop_front();
    return slice;
  }
  if (!entry_) return std::optional<ReadSlice>();
  return begin_delivery(*std::exchange(entry_, std::nullopt));
}

// Makes a round of the lines that are there, up to a slice's worth of a source; what must be read
// by itself ends it and stays in entry_.
Status LiveFeed::gather() {
  std::vector<Group> groups;
  int64_t segment = 0;
  while (true) {
    if (!entry_) {
      ADWEAVE_ASSIGN(entry_, deliveries_.next());
      if (!entry_) break;
    }
    const std::string& body = entry_->delivery.body;
    ADWEAVE_ASSIGN(const size_t source, source_of(*entry_));
    const auto start = std::string_view(body).substr(0, limits::kContentReadBytes);
    if (!sources_[source].decoder->is_lines(start)) break;
    if (!groups.empty() && entry_->position.segment != segment) break;
    segment = entry_->position.segment;
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& each) { return each.read.work->source == source; });
    if (group == groups.end()) group = groups.insert(group, begin_group(source, *entry_));
    const size_t bytes = group->bytes.size() + body.size();
    if (!group->bytes.empty() && static_cast<int64_t>(bytes) > job_.slice_bytes) break;
    add(*group, *entry_);
    through_ = entry_->next;
    entry_.reset();
  }
  for (Group& group : groups) round_.push_back(slice_of(std::move(group)));
  if (!round_.empty()) round_.back().step.whole = true;
  return {};
}

LiveFeed::Group LiveFeed::begin_group(size_t source, const source::JournalEntry& entry) {
  Group group;
  group.read.work = segment_of(source, entry);
  group.read.step = {entry.position.offset, entry.position.offset, false, false};
  group.read.slice.source = entry.delivery.source;
  group.read.slice.file = group.read.work->file.name;
  group.read.slice.begin = entry.body_offset;
  group.read.slice.last = true;
  return group;
}

void LiveFeed::add(Group& group, const source::JournalEntry& entry) {
  event::Slice& slice = group.read.slice;
  if (!group.bytes.empty() && group.bytes.back() != '\n') group.bytes += '\n';
  const int64_t received = entry.delivery.received_time;
  slice.pieces.push_back({static_cast<int64_t>(group.bytes.size()), entry.body_offset, received});
  group.bytes += entry.delivery.body;
  slice.end = entry.body_offset + static_cast<int64_t>(entry.delivery.body.size());
  slice.received_time = std::max(slice.received_time, received);
  group.read.step.after = entry.next.offset;
  group.read.deliveries.push_back(entry.position);
}

ReadSlice LiveFeed::slice_of(Group group) {
  event::Slice& slice = group.read.slice;
  slice.file_bytes = static_cast<int64_t>(group.bytes.size());
  slice.bytes = std::make_shared<const std::string>(std::move(group.bytes));
  return std::move(group.read);
}

Result<size_t> LiveFeed::source_of(const source::JournalEntry& entry) const {
  const auto source = std::find_if(sources_.begin(), sources_.end(), [&](const OpenSource& open) {
    return open.job->decoder.source == entry.delivery.source;
  });
  if (source != sources_.end()) return static_cast<size_t>(source - sources_.begin());
  return Error{ErrorCode::config,
               "the journal holds deliveries of the source '" + entry.delivery.source +
                   "', which the configuration no longer has",
               "put the source back until they are committed"};
}

std::shared_ptr<const WorkFile> LiveFeed::segment_of(size_t source,
                                                     const source::JournalEntry& entry) {
  std::shared_ptr<const WorkFile>& last = segments_[source];
  if (source::SourceFile file = segment_file(entry.position.segment);
      !last || last->file.name != file.name) {
    last = std::make_shared<const WorkFile>(WorkFile{source, std::move(file), {}});
  }
  return last;
}

Result<std::optional<ReadSlice>> LiveFeed::next_of_delivery() {
  ADWEAVE_ASSIGN(std::optional<event::Slice> slice, delivery_reader_->next());
  if (!slice) {
    delivery_reader_.reset();
    return std::optional<ReadSlice>();
  }
  PositionStep step{delivery_begin_.offset, delivery_begin_.offset, false, slice->last};
  if (slice->last) {
    step.after = delivery_end_.offset;
    delivery_reader_.reset();
  }
  return std::optional<ReadSlice>({delivery_, step, std::move(*slice), {delivery_begin_}});
}

// Reads a delivery by itself. One with a head, or compressed, is a file of its own.
Result<std::optional<ReadSlice>> LiveFeed::begin_delivery(source::JournalEntry entry) {
  ADWEAVE_ASSIGN(const size_t source, source_of(entry));
  through_ = entry.next;
  const decode::Decoder& decoder = *sources_[source].decoder;
  std::string& body = entry.delivery.body;
  const auto start = std::string_view(body).substr(0, limits::kContentReadBytes);
  const auto head = decoder.cutter()->head(body, true);
  const bool is_plain = decoder.content(start) == nullptr && head && *head && **head == 0;
  if (is_plain) {
    Group group = begin_group(source, entry);
    add(group, entry);
    group.read.step.whole = true;
    return std::optional(slice_of(std::move(group)));
  }
  source::SourceFile file = segment_file(entry.position.segment);
  delivery_ = std::make_shared<const WorkFile>(WorkFile{source, file, {}});
  delivery_begin_ = entry.position;
  delivery_end_ = entry.next;
  file.name += ":" + std::to_string(entry.position.offset);
  file.size = static_cast<int64_t>(body.size());
  file.modified_us = entry.delivery.received_time;
  ADWEAVE_ASSIGN(delivery_reader_,
                 source::SliceReader::open(std::make_unique<source::BytesFile>(std::move(body)),
                                           std::move(file), entry.delivery.source, 0,
                                           job_.slice_bytes, format_of(decoder)));
  return next_of_delivery();
}

Result<std::optional<ReadSlice>> LiveFeed::next_of_files() {
  if (!reading_ && waiting_.empty()) ADWEAVE_TRY(look_for_files());
  while (reading_ || !waiting_.empty()) {
    if (!reading_) {
      reading_.emplace(fs_, sources_, job_.slice_bytes, std::vector{std::move(waiting_.front())});
      waiting_.pop_front();
    }
    Result<std::optional<ReadSlice>> slice = reading_->next();
    if (slice && *slice) {
      file_ = (*slice)->work;
      file_step_ = (*slice)->step;
      return slice;
    }
    reading_.reset();
    if (!slice) trouble_(slice.error());  // it is looked at again when it has changed
    if (file_) know_file();
  }
  return std::optional<ReadSlice>();
}

// What was read of a file.
void LiveFeed::know_file() {
  const source::SourceFile& file = file_->file;
  known_[file_->source].push_back(
      {file.name, file.size, file.hash, file_step_.after, file_step_.done});
  file_.reset();
}

// Plans the files that have come or grown.
Status LiveFeed::look_for_files() {
  const int64_t now = now_us_();
  if (now - looked_ < limits::kWatchEveryUs && now >= looked_) return {};
  looked_ = now;
  for (OpenSource& source : sources_) {
    source.files.clear();
    auto found = source::find_files(fs_, job_.folder, source.job->files);
    if (!found && found.error().code == ErrorCode::not_found) continue;  // it may come
    if (!found) return std::move(found).error().within("source " + source.job->decoder.source);
    for (source::SourceFile& file : *found) {
      if (has_changed(source, file, now)) source.files.push_back(std::move(file));
    }
  }
  ADWEAVE_ASSIGN(Plan plan, plan_files(fs_, sources_, known_));
  for (WorkFile& file : plan.files) waiting_.push_back(std::move(file));
  return {};
}

// Whether there may be something new in the file, which is identified then. It must have been at
// rest for a while: one that is still being written may end within a record.
bool LiveFeed::has_changed(const OpenSource& source, source::SourceFile& file, int64_t now) {
  if (now - file.modified_us < limits::kWatchRestUs) return false;
  const std::pair state(file.size, file.modified_us);
  auto& seen = looked_at_[source.job->decoder.source + ":" + file.path];
  if (seen == state) return false;
  seen = state;
  const Status identified = source::identify(fs_, file);
  if (!identified) trouble_(identified.error());
  return identified.has_value();
}

}  // namespace adweave::engine
