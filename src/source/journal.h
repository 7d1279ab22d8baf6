// SPDX-License-Identifier: Apache-2.0
// The journal in which what arrives is kept before it is acknowledged: a folder of segments, each a
// file that is only appended to. docs/reference/journal-format.md describes their bytes.
//
//   Result<std::unique_ptr<Journal>> journal = Journal::open(fs, dir);
//   (*journal)->append(std::move(delivery), [](Result<JournalPosition> kept) { ... reply ... });
//   JournalReader reader = (*journal)->reader(committed);
//   Result<std::optional<JournalEntry>> entry = reader.next();
//   (*journal)->release((*entry)->next, keep_after);  // once it is committed
//
// 1. What `append` acknowledged is read again, once, unaltered and in the order of the
//    acknowledgements, whatever ends the process or the machine. What it did not acknowledge is
//    read whole or not at all, and never without all that was queued before it.
// 2. After a write or an fsync that failed nothing is written any more: the journal must be opened
//    anew, which begins a new segment. What had not been synced is written to a new file then, for
//    a second fsync of the same file proves nothing.
// 3. Damage is an Error, wherever it is found, but for one place: in the last group before a crash
// it
//    looks like what a power cut leaves of a group that was never synced, and is dropped as that
//    is.
//
// Thread-safe. One journal a folder: who opens it holds a lock that says so. One whose lock was
// taken over acknowledges nothing more: the next has read the journal without it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file_system.h"
#include "base/limits.h"
#include "source/delivery.h"
#include "source/journal_reader.h"
#include "source/journal_segments.h"
#include "source/journal_writer.h"
#include "source/named_deliveries.h"

namespace adweave::source {

// While it lives, nothing that was appended since it was made is removed.
class JournalHold {
 public:
  explicit JournalHold(JournalSegments& segments) : segments_(segments), held_(segments.hold()) {}
  ~JournalHold() { segments_.drop(held_); }
  JournalHold(const JournalHold&) = delete;
  JournalHold& operator=(const JournalHold&) = delete;

 private:
  JournalSegments& segments_;
  int64_t held_;
};

struct JournalOptions {
  // All before it is committed: it is not checked, and not counted against bytes_max.
  JournalPosition committed;
  // Once a segment is so long the next begins; at most limits::kJournalSegmentBytes.
  int64_t segment_bytes = limits::kJournalSegmentBytes;
  int64_t bytes_max = limits::kJournalBytesMax;             // of all that is not released
  int64_t queue_bytes_max = limits::kJournalQueueBytesMax;  // of what is not yet durable
  // While more than this is not released, a group waits before it is written, so that commits keep
  // the processors and the disk: senders that are answered later send less. No longer than
  // `patience`, for a commit may take its time.
  int64_t easy_bytes = limits::kJournalEasyBytes;
  std::chrono::microseconds patience{limits::kJournalPatienceUs};
};

class Journal {
 public:
  // Asked between the fsync of a group and its acknowledgement, where an Error breaks the journal,
  // and before an archive takes a segment's place. Any thread.
  using CheckLock = std::function<Status()>;

  // Makes DIR when it is not there. Reads and checks all segments from that of options.committed
  // on; of archived ones before it the summary. Without `check_lock` nobody may
  // take it over. Fails with corrupt, naming file and offset, with newer_format or with io.
  static Result<std::unique_ptr<Journal>> open(FileSystem& fs, const std::string& dir,
                                               JournalOptions options = {},
                                               CheckLock check_lock = {});
  // Writes out what is queued. Readers must be gone.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Called once: with where the delivery lies once it is durable, or with why it may not be.
  using Done = std::function<void(Result<JournalPosition>)>;

  // Queues a delivery; `done` is called on the journal's thread, in the order of the queue, and
  // must be short; it may append. What cannot be taken has no effect, and `done` is called at once
  // on this thread: with Recovery::retry when the queue or the journal is full or closed, with
  // Recovery::stop when a part is over its limit (limits::kDelivery*) or the journal is broken.
  void append(Delivery delivery, Done done);

  // Reads durable deliveries from a position on: {0, 0}, or what an entry, first() or end() says.
  JournalReader reader(JournalPosition from) const;

  // Tells of all durable deliveries to which their senders gave an id, in order. Of archived
  // segments it reads no bodies. Nothing may be removed meanwhile. Fails with corrupt or io.
  Status each_named(const std::function<void(const NamedDelivery&)>& visit) const;

  JournalPosition first() const { return segments_.first(); }
  JournalPosition end() const { return segments_.end(); }        // after the last durable frame
  int64_t held_bytes() const { return segments_.held_bytes(); }  // counted against bytes_max
  int64_t archived_bytes() const { return segments_.archived_bytes(); }  // on disk

  // All before `through` is committed: segments wholly before it do not count against bytes_max any
  // more. Those before its own segment are removed, oldest first, up to one whose newest
  // received_time is not before `keep_after` (microseconds UTC) or that a hold() is of. Positions
  // from `through` on stay valid. Fails with io: what could not be removed is tried again by the
  // next call.
  Status release(JournalPosition through, int64_t keep_after);

  // Compresses the first segment that is released, is not the last and is plain, and says whether
  // there was one. Readers do not notice. For a thread of its own, one call at a time. Fails with
  // corrupt or io: it stays plain, and is tried again by the next call.
  Result<bool> archive_next();

  // For who must note what was appended before it may be removed. The journal must outlive it.
  JournalHold hold() { return JournalHold(segments_); }

  // Why nothing can be written any more, if it cannot.
  std::optional<Error> broken() const;

  // Takes no more, writes out what is queued and wakes readers that wait. Called by the owner.
  void close();

 private:
  struct Queued {
    Delivery delivery;
    Done done;
  };

  Journal(FileSystem& fs, std::string dir, JournalOptions options, CheckLock check_lock,
          std::vector<Segment> segments, JournalWriter::Start start);

  Status enqueue(Delivery& delivery, Done& done);
  Status room_for(int64_t bytes) const;  // with mutex_ held

  // The journal's thread.
  void run();
  std::vector<Queued> next_group();  // waits for it; empty: the journal is closed
  Result<std::vector<JournalPosition>> write(const std::vector<Queued>& group);
  Result<std::vector<JournalPosition>> write_durably(const std::vector<Queued>& group);
  void finish(std::vector<Queued> group, const Result<std::vector<JournalPosition>>& written);

  FileSystem& fs_;
  const std::string dir_;
  const JournalOptions options_;
  const CheckLock check_lock_;
  JournalSegments segments_;
  JournalWriter writer_;  // used by the journal's thread

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable queued_;
  std::deque<Queued> queue_;
  int64_t queued_bytes_ = 0;  // frames in the queue and in the group that is being written
  std::optional<Error> broken_;
  bool closing_ = false;

  std::mutex release_mutex_;  // one release() at a time
  std::thread thread_;
};

}  // namespace adweave::source
