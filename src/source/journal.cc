// SPDX-License-Identifier: Apache-2.0
#include "source/journal.h"

#include <algorithm>

#include "base/thread_name.h"
#include "source/journal_check.h"
#include "source/journal_format.h"

namespace adweave::source {

namespace {

constexpr std::string_view kTemporaryName = "journal.tmp";

Error over_limit(const std::string& what, size_t bytes, int64_t limit) {
  return {
      ErrorCode::usage,
      what + " has " + std::to_string(bytes) + " bytes, over the limit of " + std::to_string(limit),
      "send smaller parts"};
}

Status check_sizes(const Delivery& delivery) {
  const auto over = [](const std::string& text, int64_t limit) {
    return static_cast<int64_t>(text.size()) > limit;
  };
  if (over(delivery.body, limits::kDeliveryBytesMax))
    return over_limit("the body", delivery.body.size(), limits::kDeliveryBytesMax);
  if (over(delivery.batch, limits::kDeliveryBatchBytesMax))
    return over_limit("the batch id", delivery.batch.size(), limits::kDeliveryBatchBytesMax);
  if (over(delivery.source, limits::kDeliverySourceBytesMax))
    return over_limit("the source's name", delivery.source.size(), limits::kDeliverySourceBytesMax);
  return {};
}

// Makes what the last segment holds durable, and only that. It may never have been synced, or an
// fsync of it may have failed, after which the next one succeeds without having written anything.
// So its bytes go to a new file, which takes its place.
Status secure_last(FileSystem& fs, const std::string& dir, const Segment& last) {
  if (last.end == 0) return {};
  const std::string path = join_path(dir, segment_name(last.number));
  ADWEAVE_ASSIGN(const std::string bytes, read_file(fs, path, limits::kJournalFileBytesMax));
  return replace_file(fs, join_path(dir, kTemporaryName), path,
                      std::string_view(bytes).substr(0, static_cast<size_t>(last.end)));
}

Result<std::vector<NamedDelivery>> read_named_deliveries(const FileSystem& fs,
                                                         const std::string& path, int64_t number) {
  ADWEAVE_ASSIGN(const std::unique_ptr<SegmentArchive> archive,
                 SegmentArchive::open(fs, path, number));
  return archive->named_deliveries();
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(FileSystem& fs, const std::string& dir,
                                               JournalOptions options, CheckLock check_lock) {
  CHECK(options.segment_bytes > 0 && options.segment_bytes <= limits::kJournalSegmentBytes);
  ADWEAVE_TRY(make_dirs(fs, dir));
  ADWEAVE_ASSIGN(CheckedJournal checked, check_journal(fs, dir, options.committed));
  for (const int64_t number : checked.archived_too)
    ADWEAVE_TRY(fs.unlink(join_path(dir, archive_name(number))));
  ADWEAVE_TRY(fs.sync_dir(dir));  // no segment may vanish before one that comes after it
  JournalWriter::Start start{.segment = checked.next_segment,
                             .sequence = checked.next_sequence,
                             .last_checksum = checked.last_checksum};
  if (!checked.segments.empty()) {
    ADWEAVE_TRY(secure_last(fs, dir, checked.segments.back()));
    start.previous_end = checked.segments.back().end;
  }
  std::unique_ptr<Journal> journal(
      new Journal(fs, dir, options, std::move(check_lock), std::move(checked.segments), start));
  if (options.committed <= journal->end())  // else its reader says what is wrong
    ADWEAVE_TRY(journal->segments_.release(options.committed));
  return journal;
}

Journal::Journal(FileSystem& fs, std::string dir, JournalOptions options, CheckLock check_lock,
                 std::vector<Segment> segments, JournalWriter::Start start)
    : fs_(fs),
      dir_(std::move(dir)),
      options_(options),
      check_lock_(std::move(check_lock)),
      segments_(std::move(segments), start.segment),
      writer_(fs, dir_, start, options.segment_bytes),
      thread_([this] { run(); }) {}

std::optional<Error> Journal::broken() const {
  const std::lock_guard guard(mutex_);
  return broken_;
}

Journal::~Journal() {
  close();
}

void Journal::close() {
  {
    const std::lock_guard guard(mutex_);
    closing_ = true;
  }
  queued_.notify_all();
  if (thread_.joinable()) thread_.join();
  segments_.close();
}

void Journal::append(Delivery delivery, Done done) {
  if (Status queued = enqueue(delivery, done); !queued) done(std::move(queued).error());
}

Status Journal::enqueue(Delivery& delivery, Done& done) {
  ADWEAVE_TRY(check_sizes(delivery));
  const int64_t bytes = frame_bytes(delivery);
  {
    const std::lock_guard guard(mutex_);
    ADWEAVE_TRY(room_for(bytes));
    queue_.push_back({std::move(delivery), std::move(done)});
    queued_bytes_ += bytes;
  }
  queued_.notify_one();
  return {};
}

Status Journal::room_for(int64_t bytes) const {
  if (broken_) return *broken_;
  if (closing_) {
    return Error{ErrorCode::io, dir_ + ": the journal is closed", "send it again later",
                 Recovery::retry};
  }
  if (queued_bytes_ + bytes > options_.queue_bytes_max) {
    return Error{ErrorCode::io,
                 dir_ + ": " + std::to_string(queued_bytes_) + " bytes wait for the disk",
                 "send it again later", Recovery::retry};
  }
  // A header more, in case that it begins a segment.
  if (segments_.held_bytes() + queued_bytes_ + bytes + kSegmentHeaderBytes > options_.bytes_max) {
    return Error{ErrorCode::io,
                 dir_ + ": the journal is full: " + std::to_string(segments_.held_bytes()) +
                     " bytes wait to be committed",
                 "send it again later", Recovery::retry};
  }
  return {};
}

JournalReader Journal::reader(JournalPosition from) const {
  return {fs_, dir_, segments_, from};
}

Status Journal::each_named(const std::function<void(const NamedDelivery&)>& visit) const {
  JournalPosition from = first();
  for (const int64_t number : segments_.first_archived()) {
    const std::string path = join_path(dir_, archive_name(number));
    Result<std::vector<NamedDelivery>> named = read_named_deliveries(fs_, path, number);
    if (!named) return std::move(named).error().within(path);
    for (const NamedDelivery& delivery : *named) visit(delivery);
    from = {number + 1, 0};
  }
  JournalReader rest = reader(from);
  while (true) {
    ADWEAVE_ASSIGN(const std::optional<JournalEntry> entry, rest.next());
    if (!entry) return {};
    if (!is_made_batch(entry->delivery.batch))
      visit(named_delivery(entry->position, entry->delivery));
  }
}

Status Journal::release(JournalPosition through, int64_t keep_after) {
  const std::lock_guard guard(release_mutex_);
  ADWEAVE_TRY(segments_.release(through));
  while (const std::optional<int64_t> number = segments_.removable(through, keep_after)) {
    ADWEAVE_TRY(remove_segment(fs_, dir_, *number));
    segments_.remove_first();
  }
  return {};
}

Result<bool> Journal::archive_next() {
  std::optional<int64_t> number;
  {
    const std::lock_guard guard(release_mutex_);  // not one that is about to be removed
    number = segments_.begin_archive();
  }
  if (!number) return false;
  const Result<int64_t> archived = archive_segment(fs_, dir_, *number, check_lock_);
  segments_.end_archive(archived ? *archived : 0);
  if (!archived) return archived.error();
  return true;
}

void Journal::run() {
  name_thread("journal");
  while (true) {
    std::vector<Queued> group = next_group();
    if (group.empty()) return;
    const Result<std::vector<JournalPosition>> written = write(group);
    finish(std::move(group), written);
  }
}

std::vector<Journal::Queued> Journal::next_group() {
  std::unique_lock lock(mutex_);
  queued_.wait(lock, [this] { return closing_ || !queue_.empty(); });
  if (!closing_) {
    lock.unlock();
    segments_.wait_for_release(options_.easy_bytes, options_.patience);
    lock.lock();
  }
  std::vector<Queued> group;
  int64_t bytes = 0;
  while (!queue_.empty()) {
    bytes += frame_bytes(queue_.front().delivery);
    if (!group.empty() && bytes > limits::kJournalGroupBytes) break;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

Result<std::vector<JournalPosition>> Journal::write(const std::vector<Queued>& group) {
  {
    const std::lock_guard guard(mutex_);
    if (broken_) return *broken_;
  }
  Result<std::vector<JournalPosition>> written = write_durably(group);
  if (written) return written;
  const bool is_fenced = written.error().code == ErrorCode::fenced;
  Error error{is_fenced ? ErrorCode::fenced : ErrorCode::io,
              dir_ + ": the journal is broken: " + written.error().message,
              written.error().fix.empty() ? "restart the program" : written.error().fix};
  {
    const std::lock_guard guard(mutex_);
    broken_ = error;
  }
  segments_.close();
  return error;
}

Result<std::vector<JournalPosition>> Journal::write_durably(const std::vector<Queued>& group) {
  if (writer_.needs_segment()) {
    ADWEAVE_ASSIGN(const int64_t number, writer_.begin_segment());
    segments_.begin(number);
  }
  std::vector<const Delivery*> deliveries;
  deliveries.reserve(group.size());
  int64_t newest = group.front().delivery.received_time;
  for (const Queued& queued : group) {
    deliveries.push_back(&queued.delivery);
    newest = std::max(newest, queued.delivery.received_time);
  }
  Result<std::vector<JournalPosition>> positions = writer_.write_group(deliveries);
  if (!positions) return positions;
  if (check_lock_) ADWEAVE_TRY(check_lock_());
  segments_.grow(writer_.offset(), newest);
  return positions;
}

void Journal::finish(std::vector<Queued> group,
                     const Result<std::vector<JournalPosition>>& written) {
  int64_t bytes = 0;
  for (Queued& queued : group) {
    bytes += frame_bytes(queued.delivery);
    queued.delivery = {};
  }
  {
    const std::lock_guard guard(mutex_);
    queued_bytes_ -= bytes;
  }
  for (size_t i = 0; i < group.size(); ++i) {
    if (written) {
      group[i].done((*written)[i]);
    } else {
      group[i].done(written.error());
    }
  }
}

}  // namespace adweave::source
