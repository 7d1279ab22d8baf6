// SPDX-License-Identifier: Apache-2.0
// Which segments a journal has and how far each is durable: what its writer, its readers and
// release() tell each other. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "base/result.h"
#include "source/delivery.h"

namespace adweave::source {

struct Segment {
  int64_t number = 0;
  int64_t end = 0;  // after its last durable frame; 0: it has no whole header
  int64_t newest_received = std::numeric_limits<int64_t>::min();  // microseconds UTC
  int64_t released_bytes = 0;                                     // do not count as held
  int64_t archive_bytes = 0;                                      // 0: it is plain
};

// Where a frame lies, and where the durable ones of its segment end.
struct DurablePlace {
  JournalPosition position;
  int64_t end = 0;
};

class JournalSegments {
 public:
  JournalSegments(std::vector<Segment> segments, int64_t next_number);

  // The writer has begun a segment, or added a durable group to the last one.
  void begin(int64_t number);
  void grow(int64_t end, int64_t newest_received);

  JournalPosition first() const;
  JournalPosition end() const;
  int64_t held_bytes() const;      // in segments that are not released
  int64_t archived_bytes() const;  // of the archives

  // The first durable frame at or after `from`; none when there is none yet. Fails with not_found
  // when it has been removed, with corrupt when the journal has no such position.
  Result<std::optional<DurablePlace>> find(JournalPosition from) const;

  // Waits until there is a durable frame after `position`; false when time is over or the journal
  // takes no more.
  bool wait(JournalPosition position, std::chrono::milliseconds timeout) const;
  void close();

  // Waits until no more than `bytes` are held or time is over.
  void wait_for_release(int64_t bytes, std::chrono::microseconds timeout) const;

  // Segments wholly before `through` are held no longer.
  Status release(JournalPosition through);
  // The first segment, when it lies before the segment of `through` and is older than `keep_after`.
  std::optional<int64_t> removable(JournalPosition through, int64_t keep_after) const;
  void remove_first();

  // The first segment to be archived: released, and not the last. It is not removable until
  // end_archive(), which says how many bytes the archive has, 0 if there is none. One at a time.
  std::optional<int64_t> begin_archive();
  void end_archive(int64_t archive_bytes);

  // Numbers of the first segments, as far as they are archived.
  std::vector<int64_t> first_archived() const;

  // From now until drop() of what it returns, what is appended is not removable.
  int64_t hold();
  void drop(int64_t held);

 private:
  JournalPosition end_locked() const;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Segment> segments_;
  int64_t next_number_;         // of the segment that will begin
  JournalPosition last_frame_;  // after the last durable frame; {0, 0}: there is none
  int64_t held_bytes_ = 0;
  std::optional<int64_t> archiving_;  // number of the segment
  std::multiset<int64_t> holds_;      // numbers of the segments in which they begin
  bool closed_ = false;
};

}  // namespace adweave::source
