// SPDX-License-Identifier: Apache-2.0
#include "source/journal_segments.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "source/journal_format.h"

namespace adweave::source {

namespace {

bool has_frames(const Segment& segment) {
  return segment.end > kSegmentHeaderBytes;
}

std::string to_text(JournalPosition position) {
  return segment_name(position.segment) + ", offset " + std::to_string(position.offset);
}

}  // namespace

JournalSegments::JournalSegments(std::vector<Segment> segments, int64_t next_number)
    : segments_(segments.begin(), segments.end()), next_number_(next_number) {
  for (const Segment& segment : segments_) {
    if (has_frames(segment)) last_frame_ = {segment.number, segment.end};
    held_bytes_ += segment.end - segment.released_bytes;
  }
}

void JournalSegments::begin(int64_t number) {
  const std::lock_guard guard(mutex_);
  CHECK(number == next_number_);
  segments_.push_back({.number = number, .end = kSegmentHeaderBytes});
  ++next_number_;
  held_bytes_ += kSegmentHeaderBytes;
}

void JournalSegments::grow(int64_t end, int64_t newest_received) {
  {
    const std::lock_guard guard(mutex_);
    Segment& segment = segments_.back();
    CHECK(end > segment.end);
    held_bytes_ += end - segment.end;
    segment.end = end;
    segment.newest_received = std::max(segment.newest_received, newest_received);
    last_frame_ = {segment.number, end};
  }
  changed_.notify_all();
}

JournalPosition JournalSegments::first() const {
  const std::lock_guard guard(mutex_);
  for (const Segment& segment : segments_) {
    if (has_frames(segment)) return {segment.number, kSegmentHeaderBytes};
  }
  return end_locked();
}

JournalPosition JournalSegments::end() const {
  const std::lock_guard guard(mutex_);
  return end_locked();
}

JournalPosition JournalSegments::end_locked() const {
  if (last_frame_.segment > 0) return last_frame_;
  return {next_number_, kSegmentHeaderBytes};
}

int64_t JournalSegments::held_bytes() const {
  const std::lock_guard guard(mutex_);
  return held_bytes_;
}

int64_t JournalSegments::archived_bytes() const {
  const std::lock_guard guard(mutex_);
  return std::accumulate(
      segments_.begin(), segments_.end(), int64_t{0},
      [](int64_t sum, const Segment& segment) { return sum + segment.archive_bytes; });
}

Result<std::optional<DurablePlace>> JournalSegments::find(JournalPosition from) const {
  const std::lock_guard guard(mutex_);
  const bool after_all =
      from.segment > next_number_ || (from > last_frame_ && from.offset > kSegmentHeaderBytes);
  if (after_all) {
    return Error{ErrorCode::corrupt,
                 to_text(from) + ": is after the journal's end, " + to_text(end_locked()),
                 "files of the journal are missing: restore them from a backup"};
  }
  if (from.segment > 0 && !segments_.empty() && from.segment < segments_.front().number) {
    return Error{ErrorCode::not_found, to_text(from) + ": the segment has been removed",
                 "it was released and older than it must be kept"};
  }
  const int64_t before = segments_.empty() ? 0 : from.segment - segments_.front().number;
  for (size_t i = static_cast<size_t>(std::max<int64_t>(before, 0)); i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];  // numbers have no gaps
    if (!has_frames(segment)) continue;
    const bool inside = segment.number == from.segment;
    const int64_t offset =
        inside ? std::max(from.offset, kSegmentHeaderBytes) : kSegmentHeaderBytes;
    if (offset > segment.end) {
      return Error{ErrorCode::corrupt,
                   to_text(from) + ": is after the segment's end, " + std::to_string(segment.end),
                   "the position is of another journal"};
    }
    if (offset < segment.end)
      return std::optional(DurablePlace{{segment.number, offset}, segment.end});
  }
  return std::optional<DurablePlace>();
}

bool JournalSegments::wait(JournalPosition position, std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] { return closed_ || last_frame_ > position; });
  return last_frame_ > position;
}

void JournalSegments::wait_for_release(int64_t bytes, std::chrono::microseconds timeout) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] { return held_bytes_ <= bytes; });
}

void JournalSegments::close() {
  {
    const std::lock_guard guard(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

Status JournalSegments::release(JournalPosition through) {
  const std::lock_guard guard(mutex_);
  if (through > end_locked()) {
    return Error{
        ErrorCode::corrupt,
        to_text(through) + ": cannot be released: the journal ends at " + to_text(end_locked())};
  }
  for (Segment& segment : segments_) {
    if (JournalPosition{segment.number, segment.end} > through) break;
    held_bytes_ -= segment.end - segment.released_bytes;
    segment.released_bytes = segment.end;
  }
  changed_.notify_all();
  return {};
}

std::optional<int64_t> JournalSegments::removable(JournalPosition through,
                                                  int64_t keep_after) const {
  const std::lock_guard guard(mutex_);
  if (segments_.size() < 2) return std::nullopt;  // the last one says where numbers go on
  const Segment& oldest = segments_.front();
  const bool is_held =
      (!holds_.empty() && oldest.number >= *holds_.begin()) || oldest.number == archiving_;
  const bool is_kept = oldest.number >= through.segment || oldest.newest_received >= keep_after;
  if (is_held || is_kept) return std::nullopt;
  return oldest.number;
}

void JournalSegments::remove_first() {
  const std::lock_guard guard(mutex_);
  CHECK(segments_.front().released_bytes == segments_.front().end);
  segments_.pop_front();
}

std::optional<int64_t> JournalSegments::begin_archive() {
  const std::lock_guard guard(mutex_);
  CHECK(!archiving_);
  const auto is_due = [&](const Segment& segment) {
    return segment.archive_bytes == 0 && segment.released_bytes == segment.end && segment.end > 0 &&
           segment.number != segments_.back().number;
  };
  const auto due = std::find_if(segments_.begin(), segments_.end(), is_due);
  if (due != segments_.end()) archiving_ = due->number;
  return archiving_;
}

void JournalSegments::end_archive(int64_t archive_bytes) {
  const std::lock_guard guard(mutex_);
  const int64_t place = *archiving_ - segments_.front().number;  // numbers have no gaps
  segments_[static_cast<size_t>(place)].archive_bytes = archive_bytes;
  archiving_.reset();
}

std::vector<int64_t> JournalSegments::first_archived() const {
  const std::lock_guard guard(mutex_);
  std::vector<int64_t> numbers;
  for (const Segment& segment : segments_) {
    if (segment.archive_bytes == 0) break;
    numbers.push_back(segment.number);
  }
  return numbers;
}

int64_t JournalSegments::hold() {
  const std::lock_guard guard(mutex_);
  return *holds_.insert(end_locked().segment);
}

void JournalSegments::drop(int64_t held) {
  const std::lock_guard guard(mutex_);
  holds_.erase(holds_.find(held));
}

}  // namespace adweave::source
