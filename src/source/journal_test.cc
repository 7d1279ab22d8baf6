// SPDX-License-Identifier: Apache-2.0
#include "source/journal.h"

#include <atomic>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "source/journal_test_support.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/simulated_disk.h"

namespace adweave::source {
namespace {

using tests::FaultFileSystem;
using tests::SimulatedDisk;

// Stops the journal's thread before it syncs, so that a queue can gather. The journal must be
// closed before it ends.
class Gate {
 public:
  explicit Gate(SimulatedDisk& disk) : disk_(disk) {
    disk.before_change = [this](const std::string& change) {
      if (change.starts_with("sync /")) wait();
    };
  }
  ~Gate() {
    open();
    disk_.before_change = nullptr;
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void open() {
    const std::lock_guard guard(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  void wait_until_reached() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return reached_; });
  }

 private:
  void wait() {
    std::unique_lock lock(mutex_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
  }

  SimulatedDisk& disk_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
  bool reached_ = false;
};

TEST(JournalTest, PositionsInItAreRead) {
  const auto line = parse_journal_place("journal:17:4096#2");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->segment, 17);
  EXPECT_EQ(line->offset, 4096);
  EXPECT_FALSE(line->inner);
  const auto whole = parse_journal_place("journal:17:4096:120");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->inner, 120);
  for (const char* other : {"journal:", "journal:17", "journal:17:x", "journal:17:4096:",
                            "a.csv:1:2", "journal:1:2:3:4", "kafka:journal:1:2"})
    EXPECT_FALSE(parse_journal_place(other)) << other;
}

TEST(JournalTest, ADeliveryIsFoundByEachOfItsBytes) {
  SimulatedDisk disk;
  const auto journal = open_journal(disk);
  ASSERT_NE(journal, nullptr);
  for (int64_t n = 0; n < 4; ++n) ASSERT_TRUE(append(*journal, delivery(n)));
  const auto entries = read_all(*journal);
  ASSERT_EQ(count_in_order(entries), 4);
  for (const JournalEntry& entry : *entries) {
    for (const int64_t offset : {entry.position.offset, entry.body_offset, entry.next.offset - 1}) {
      const auto found = find_delivery(disk, kDir, 1, offset);
      ASSERT_TRUE(found) << found.error().message;
      EXPECT_EQ(found->delivery, entry.delivery);
      EXPECT_EQ(found->body_offset, entry.body_offset);
    }
  }
  EXPECT_EQ(find_delivery(disk, kDir, 1, 63).error().code, ErrorCode::corrupt);
  EXPECT_EQ(find_delivery(disk, kDir, 1, journal->end().offset).error().code, ErrorCode::corrupt);
  EXPECT_EQ(find_delivery(disk, kDir, 2, 64).error().code, ErrorCode::not_found);
}

TEST(JournalTest, WhatIsAppendedIsReadAndStaysAfterReopening) {
  SimulatedDisk disk;
  std::vector<JournalPosition> positions;
  for (int64_t round = 0; round < 3; ++round) {
    const auto journal = open_journal(disk);
    ASSERT_NE(journal, nullptr);
    for (int64_t n = 0; n < 4; ++n) positions.push_back(*append(*journal, delivery(round * 4 + n)));
    const auto entries = read_all(*journal);
    EXPECT_EQ(count_in_order(entries), round * 4 + 4);
    EXPECT_EQ(entries->back().next, journal->end());
    EXPECT_EQ(journal->first(), positions.front());
  }
  const auto journal = open_journal(disk);
  const auto entries = read_all(*journal);
  ASSERT_EQ(count_in_order(entries), 12);
  for (size_t i = 0; i < 12; ++i) {
    const JournalEntry& entry = (*entries)[i];
    EXPECT_EQ(entry.position, positions[i]);
    EXPECT_EQ(entry.sequence, static_cast<int64_t>(i) + 1);
    EXPECT_EQ(read_all(*journal, positions[i])->size(), 12 - i);
    const std::string path = join_path(kDir, segment_name(entry.position.segment));
    EXPECT_EQ(read_file(disk, path, 1 << 20)
                  ->substr(static_cast<size_t>(entry.body_offset), entry.delivery.body.size()),
              entry.delivery.body);
  }
  EXPECT_EQ(disk.list(kDir)->size(), 3U);
}

TEST(JournalTest, AnEmptyJournalHasAPlaceToReadFrom) {
  SimulatedDisk disk;
  const auto journal = open_journal(disk);
  const JournalPosition begin = journal->end();
  EXPECT_EQ(journal->first(), begin);
  EXPECT_EQ(count_in_order(read_all(*journal, begin)), 0);
  ASSERT_TRUE(append(*journal, delivery(0)));
  EXPECT_EQ(journal->first(), begin);
  EXPECT_EQ(count_in_order(read_all(*journal, begin)), 1);
}

TEST(JournalTest, EmptyAndLargestPartsAreKeptAndLargerOnesRefused) {
  SimulatedDisk disk;
  const auto journal = open_journal(disk);
  const auto text = [](int64_t bytes) { return std::string(static_cast<size_t>(bytes), 'x'); };
  const Delivery largest{text(limits::kDeliverySourceBytesMax),
                         text(limits::kDeliveryBatchBytesMax), -1, text(limits::kDeliveryBytesMax)};
  ASSERT_TRUE(append(*journal, Delivery()));
  ASSERT_TRUE(append(*journal, largest));
  for (std::string Delivery::* part : {&Delivery::source, &Delivery::batch, &Delivery::body}) {
    Delivery larger = largest;
    larger.*part += 'x';
    const auto refused = append(*journal, larger);
    EXPECT_EQ(refused.error().recovery, Recovery::stop);
  }
  const auto entries = read_all(*journal);
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_TRUE((*entries)[0].delivery == Delivery());
  EXPECT_TRUE((*entries)[1].delivery == largest);
}

TEST(JournalTest, OfManyThreadsEachKeepsItsOrder) {
  constexpr int kThreads = 8;
  constexpr int64_t kEach = 200;
  SimulatedDisk disk;
  const auto journal = open_journal(disk, {.segment_bytes = 4096});
  std::vector<JournalPosition> acknowledged;  // by the journal's thread
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int64_t n = 0; n < kEach; ++n) {
        journal->append({std::to_string(t), std::to_string(n), n, "x"},
                        [&](auto done) { acknowledged.push_back(*done); });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  journal->close();
  const auto entries = read_all(*journal);
  ASSERT_EQ(entries->size(), kThreads * static_cast<size_t>(kEach));
  std::map<std::string, int64_t> next;
  for (size_t i = 0; i < entries->size(); ++i) {
    const JournalEntry& entry = (*entries)[i];
    EXPECT_EQ(entry.position, acknowledged[i]);
    EXPECT_EQ(entry.delivery.received_time, next[entry.delivery.source]++);
  }
}

TEST(JournalTest, WhatWaitsForAnFsyncIsWrittenAtOnce) {
  SimulatedDisk disk;
  const auto journal = open_journal(disk);
  ASSERT_TRUE(append(*journal, delivery(0)));
  Gate gate(disk);
  std::atomic<int> done = 0;
  journal->append(delivery(1), [&](const auto&) { ++done; });
  gate.wait_until_reached();
  EXPECT_EQ(count_in_order(read_all(*journal)), 1) << "what is not synced is not read";
  for (int64_t n = 2; n < 50; ++n) journal->append(delivery(n), [&](const auto&) { ++done; });
  EXPECT_EQ(done, 0);
  gate.open();
  journal->close();
  EXPECT_EQ(done, 49);
  const std::string bytes = *read_file(disk, join_path(kDir, segment_name(1)), 1 << 20);
  const uint64_t mark = parse_segment_header(bytes)->mark;
  std::map<int64_t, int> groups;
  const std::vector<JournalEntry> entries = *read_all(*journal);
  for (const JournalEntry& entry : entries) {
    const auto at = static_cast<size_t>(entry.position.offset);
    ++groups[parse_frame(std::string_view(bytes).substr(at), mark)->group_begin];
  }
  EXPECT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups.rbegin()->second, 48);
}

TEST(JournalTest, AFullQueueRefusesAndHasRoomAgain) {
  SimulatedDisk disk;
  const auto journal = open_journal(disk, {.queue_bytes_max = 3 * frame_bytes(delivery(0))});
  std::promise<void> written;
  Gate gate(disk);
  for (int i = 0; i < 3; ++i) {
    journal->append(delivery(0), [&, i](const auto& done) {
      CHECK(done);
      if (i == 2) written.set_value();
    });
  }
  EXPECT_EQ(append(*journal, delivery(0)).error().recovery, Recovery::retry);
  gate.open();
  written.get_future().wait();
  EXPECT_TRUE(append(*journal, delivery(0)));
  journal->close();
  EXPECT_EQ(read_all(*journal)->size(), 4U);
  EXPECT_EQ(append(*journal, delivery(0)).error().recovery, Recovery::retry) << "closed";
}

TEST(JournalTest, AFullJournalRefusesUntilSomethingIsReleased) {
  SimulatedDisk disk;
  const JournalOptions options{.segment_bytes = 300, .bytes_max = 1000};
  auto journal = open_journal(disk, options);
  int64_t kept = 0;
  while (append(*journal, delivery(kept))) ++kept;
  EXPECT_GT(kept, 5);
  EXPECT_LE(journal->held_bytes(), 1000);
  journal.reset();
  journal = open_journal(disk, options);
  EXPECT_EQ(append(*journal, delivery(kept)).error().recovery, Recovery::retry);
  ASSERT_TRUE(journal->release(journal->end(), 0));
  EXPECT_EQ(journal->held_bytes(), 0);
  EXPECT_TRUE(append(*journal, delivery(kept)));
  EXPECT_EQ(count_in_order(read_all(*journal)), kept + 1) << "released, but still kept";
}

TEST(JournalTest, WhileMuchIsNotReleasedTheNextWaits) {
  SimulatedDisk disk;
  const auto journal = open_journal(
      disk, {.segment_bytes = 300, .easy_bytes = 600, .patience = std::chrono::hours(1)});
  int64_t kept = 0;
  while (journal->held_bytes() <= 600) ASSERT_TRUE(append(*journal, delivery(kept++)));
  std::promise<Result<JournalPosition>> promise;
  std::future<Result<JournalPosition>> next = promise.get_future();
  journal->append(delivery(kept), [&](auto done) { promise.set_value(std::move(done)); });
  EXPECT_EQ(next.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  ASSERT_TRUE(journal->release(journal->end(), 0));
  EXPECT_TRUE(next.get());
}

TEST(JournalTest, WhileNothingIsReleasedTheNextIsWrittenAfterAll) {
  SimulatedDisk disk;
  const std::chrono::milliseconds patience(20);
  const auto journal = open_journal(disk, {.easy_bytes = 0, .patience = patience});
  ASSERT_TRUE(append(*journal, delivery(0)));
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(append(*journal, delivery(1)));
  EXPECT_GE(std::chrono::steady_clock::now() - began, patience);
  EXPECT_EQ(count_in_order(read_all(*journal)), 2);
}

TEST(JournalTest, WhatWasCommittedBeforeItIsOpenedTakesNoRoom) {
  SimulatedDisk disk;
  const JournalOptions options{.segment_bytes = 300, .bytes_max = 1000};
  auto journal = open_journal(disk, options);
  int64_t kept = 0;
  while (append(*journal, delivery(kept))) ++kept;
  const JournalPosition end = journal->end();
  journal.reset();
  journal = open_journal(disk, {.committed = end, .segment_bytes = 300, .bytes_max = 1000});
  EXPECT_EQ(journal->held_bytes(), 0);
  EXPECT_TRUE(append(*journal, delivery(kept)));
  EXPECT_EQ(count_in_order(read_all(*journal)), kept + 1) << "it stays";
  ASSERT_TRUE(journal->release(end, 1'000'000'000));
  EXPECT_EQ(disk.list(kDir)->size(), 2U) << "the last one of before, and the one begun since";
}

TEST(JournalTest, ReleaseRemovesOldSegmentsAndKeepsPositionsValid) {
  SimulatedDisk disk;
  const JournalOptions options{.segment_bytes = 200};
  auto journal = open_journal(disk, options);
  for (int64_t n = 0; n < 20; ++n) ASSERT_TRUE(append(*journal, delivery(n)));
  const std::vector<JournalEntry> entries = *read_all(*journal);
  const size_t files = disk.list(kDir)->size();
  ASSERT_GT(files, 6U);
  const JournalPosition old = journal->first();
  for (const JournalEntry& entry : entries) {
    // Of what is committed the last five are kept.
    ASSERT_TRUE(journal->release(entry.next, entry.delivery.received_time - 5));
    JournalReader reader = journal->reader(entry.next);
    const auto next = reader.next();
    ASSERT_TRUE(next);
    EXPECT_EQ(next->has_value() ? (*next)->sequence : 21, entry.sequence + 1);
    EXPECT_LE(journal->first(), entries[std::max<size_t>(entry.sequence, 6) - 6].position);
  }
  EXPECT_LT(disk.list(kDir)->size(), files - 2);
  EXPECT_EQ(journal->reader(old).next().error().code, ErrorCode::not_found);
  ASSERT_TRUE(journal->release(journal->end(), 1'000'000'000));
  EXPECT_EQ(disk.list(kDir)->size(), 1U);

  const JournalPosition end = journal->end();
  journal.reset();
  journal = open_journal(disk, options);
  EXPECT_EQ(journal->end(), end);
  ASSERT_TRUE(append(*journal, delivery(20)));
  EXPECT_EQ(read_all(*journal, end)->front().sequence, 21);
  EXPECT_FALSE(journal->release({99, 64}, 0));
}

TEST(JournalTest, WhatIsAppendedWhileItIsHeldStays) {
  SimulatedDisk disk;
  auto journal = open_journal(disk, {.segment_bytes = 200});
  const auto append_some = [&](int64_t first) {
    for (int64_t n = first; n < first + 10; ++n) ASSERT_TRUE(append(*journal, delivery(n)));
  };
  const auto release_all = [&] { ASSERT_TRUE(journal->release(journal->end(), 1'000'000'000)); };
  append_some(0);
  {
    const JournalHold hold = journal->hold();
    append_some(10);
    {
      const JournalHold later = journal->hold();
      append_some(20);
    }
    release_all();
    const std::vector<JournalEntry> left = *read_all(*journal);
    ASSERT_GE(left.size(), 20U);
    EXPECT_LT(left.size(), 30U);
    EXPECT_EQ(journal->held_bytes(), 0) << "of what waits to be committed";
  }
  release_all();
  EXPECT_LT(read_all(*journal)->size(), 10U);
}

TEST(JournalTest, APositionThatTheJournalDoesNotHaveIsDamage) {
  SimulatedDisk disk;
  auto journal = open_journal(disk);
  ASSERT_TRUE(append(*journal, delivery(0)));
  journal.reset();
  journal = open_journal(disk);
  ASSERT_TRUE(append(*journal, delivery(1)));
  const JournalPosition end = journal->end();
  for (const JournalPosition wrong :
       {JournalPosition{1, 65}, JournalPosition{1, 5000}, JournalPosition{2, end.offset + 1},
        JournalPosition{3, 65}, JournalPosition{4, 64}}) {
    EXPECT_EQ(journal->reader(wrong).next().error().code, ErrorCode::corrupt);
  }
}

TEST(JournalTest, AReaderWaitsForWhatComes) {
  constexpr int64_t kCount = 300;
  SimulatedDisk disk;
  const auto journal = open_journal(disk, {.segment_bytes = 500});
  EXPECT_FALSE(journal->reader({}).wait(std::chrono::milliseconds(1)));
  std::vector<JournalEntry> entries;
  std::thread consumer([&] {
    JournalReader reader = journal->reader({});
    while (entries.size() < kCount && reader.wait(std::chrono::minutes(1))) {
      while (auto entry = *reader.next()) entries.push_back(*std::move(entry));
    }
  });
  for (int64_t n = 0; n < kCount; ++n) ASSERT_TRUE(append(*journal, delivery(n)));
  consumer.join();
  EXPECT_EQ(count_in_order(entries), kCount);
  std::thread waiting(
      [&] { EXPECT_FALSE(journal->reader(journal->end()).wait(std::chrono::minutes(1))); });
  journal->close();
  waiting.join();
}

// No refused call acknowledges anything, and from then on nothing is written.
TEST(JournalTest, AFailedCallAtAnyStepBreaksTheJournalForGood) {
  constexpr int64_t kCount = 6;
  for (int64_t failing = 1;; ++failing) {
    SimulatedDisk disk;
    FaultFileSystem fs(disk);
    CHECK(make_dirs(disk, kDir));
    int64_t changes_after = 0;
    fs.before_change = [&](int64_t number, const std::string& change) {
      if (number > failing) ++changes_after;
      if (number != failing) return Status();
      return Status(Error{ErrorCode::io, change + ": No space left on device"});
    };
    auto journal = open_journal(fs, {.segment_bytes = 200});
    if (journal == nullptr) continue;  // the first is the folder's fsync
    int64_t acknowledged = 0;
    std::optional<Error> error;
    for (int64_t n = 0; n < kCount; ++n) {
      const auto done = append(*journal, delivery(n));
      EXPECT_FALSE(done && error) << "acknowledged after step " << failing << " failed";
      if (done) ++acknowledged;
      if (!done) error = done.error();
    }
    if (!error) {
      EXPECT_GT(failing, 12);
      break;
    }
    EXPECT_EQ(error->code, ErrorCode::io);
    EXPECT_EQ(error->recovery, Recovery::stop);
    EXPECT_EQ(changes_after, 0) << failing;
    EXPECT_EQ(count_in_order(read_all(*journal)), acknowledged);
    EXPECT_FALSE(journal->reader(journal->end()).wait(std::chrono::minutes(1)));
    journal.reset();
    journal = open_journal(disk);
    ASSERT_NE(journal, nullptr) << failing;
    const int64_t kept = count_in_order(read_all(*journal));
    EXPECT_GE(kept, acknowledged);
    ASSERT_TRUE(append(*journal, delivery(kept)));
    EXPECT_EQ(count_in_order(read_all(*journal)), kept + 1);
  }
}

TEST(JournalTest, WhatIsQueuedBehindAFailureFailsToo) {
  SimulatedDisk disk;
  FaultFileSystem fs(disk);
  std::promise<void> queued;
  const std::shared_future<void> all_queued = queued.get_future();
  fs.before_change = [&](int64_t, const std::string& change) {
    if (!change.starts_with("fsync /data/journal/journal-")) return Status();
    all_queued.wait();
    return Status(Error{ErrorCode::io, "Input/output error"});
  };
  const auto journal = open_journal(fs);
  std::atomic<int> failed = 0;
  for (int64_t n = 0; n < 10; ++n)
    journal->append(delivery(n), [&](const auto& done) { failed += done ? 0 : 1; });
  queued.set_value();
  journal->close();
  EXPECT_EQ(failed, 10);
  EXPECT_EQ(count_in_order(read_all(*journal)), 0);
}

}  // namespace
}  // namespace adweave::source
