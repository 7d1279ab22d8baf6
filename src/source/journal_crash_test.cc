// SPDX-License-Identifier: Apache-2.0
// The journal is killed, or its machine loses power, before every change that it makes to the disk.
// After each kill the power goes before every change that the next one makes.
#include <random>

#include <gtest/gtest.h>

#include "source/journal_test_support.h"
#include "tests/support/simulated_disk.h"

namespace adweave::source {
namespace {

using tests::SimulatedDisk;

// A disk as it is found, and what must be there at least.
struct Moment {
  std::unique_ptr<SimulatedDisk> disk;
  int64_t kept_min = 0;
  std::string step;
};

class Recorder {
 public:
  Recorder(SimulatedDisk& disk, uint64_t seed) : disk_(disk), luck_(seed) {
    disk_.before_change = [this](const std::string& step) { record(step); };
  }
  ~Recorder() { disk_.before_change = nullptr; }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  std::vector<Moment> moments;
  int64_t kept_min = 0;  // set on the thread that changes the disk
  bool with_kill = true;

 private:
  void record(const std::string& step) {
    moments.push_back({disk_.after_power_cut(nullptr), kept_min, "power cut before " + step});
    moments.push_back({disk_.after_power_cut(&luck_), kept_min, "lucky power cut before " + step});
    if (with_kill) moments.push_back({disk_.after_kill(), kept_min, "kill before " + step});
  }

  SimulatedDisk& disk_;
  std::mt19937_64 luck_;
};

constexpr int64_t kGroups = 5;
constexpr int64_t kGroupSize = 3;
constexpr JournalOptions kOptions{.segment_bytes = 350};

// Groups of three deliveries each: they are queued by the answer to the last one before them.
void append_groups(Journal& journal, Recorder& recorder, int64_t first) {
  std::promise<void> all_done;
  std::function<void(int64_t)> append_group = [&](int64_t begin) {
    for (int64_t n = begin; n < begin + kGroupSize; ++n) {
      journal.append(delivery(n), [&, n](const Result<JournalPosition>& done) {
        CHECK(done);
        recorder.kept_min = n + 1;
        if (n + 1 == first + 1 + kGroups * kGroupSize) return all_done.set_value();
        if ((n - first) % kGroupSize == 0) append_group(n + 1);
      });
    }
  };
  journal.append(delivery(first), [&](const Result<JournalPosition>& done) {
    CHECK(done);
    recorder.kept_min = first + 1;
    append_group(first + 1);
  });
  all_done.get_future().wait();
}

// Opens what is there; what it holds is from then on kept, whatever happens next.
int64_t goes_on(Moment& moment, uint64_t seed, bool again) {
  Recorder recorder(*moment.disk, seed);
  recorder.with_kill = false;
  recorder.kept_min = moment.kept_min;
  auto journal = open_journal(*moment.disk, kOptions);
  if (journal == nullptr) {
    ADD_FAILURE() << moment.step << ": " << Journal::open(*moment.disk, kDir).error().message;
    return -1;
  }
  const int64_t kept = count_in_order(read_all(*journal));
  EXPECT_GE(kept, moment.kept_min) << moment.step;
  recorder.kept_min = kept;
  for (int64_t n = kept; n < kept + 2; ++n) {
    EXPECT_TRUE(append(*journal, delivery(n))) << moment.step;
  }
  EXPECT_EQ(count_in_order(read_all(*journal)), kept + 2) << moment.step;
  journal.reset();
  moment.disk->before_change = nullptr;
  if (!again) return kept;
  for (Moment& next : recorder.moments) {
    next.step = moment.step + ", then " + next.step;
    EXPECT_GE(goes_on(next, seed, false), next.kept_min) << next.step;
  }
  return kept;
}

class JournalCrashTest : public testing::TestWithParam<uint64_t> {};

TEST_P(JournalCrashTest, NothingAcknowledgedIsLostAtAnyStep) {
  SimulatedDisk disk;
  Recorder recorder(disk, GetParam());
  for (int64_t opening = 0; opening < 2; ++opening) {
    const auto journal = open_journal(disk, kOptions);
    ASSERT_NE(journal, nullptr);
    append_groups(*journal, recorder, opening * (1 + kGroups * kGroupSize));
  }
  disk.before_change = nullptr;
  ASSERT_GT(recorder.moments.size(), 100U);
  int64_t most = 0;
  for (Moment& moment : recorder.moments) {
    // Of a killed process much is there that was never synced: the next may lose power too.
    const int64_t kept = goes_on(moment, GetParam(), moment.step.starts_with("kill"));
    // What is not acknowledged is at most the group that was being written.
    EXPECT_LE(kept, moment.kept_min + kGroupSize) << moment.step;
    most = std::max(most, kept - moment.kept_min);
  }
  EXPECT_EQ(most, kGroupSize);
}

TEST_P(JournalCrashTest, AReleaseThatIsInterruptedLeavesAWholeJournal) {
  SimulatedDisk disk;
  auto journal = open_journal(disk, {.segment_bytes = 100});
  for (int64_t n = 0; n < 8; ++n) ASSERT_TRUE(append(*journal, delivery(n)));
  const JournalEntry committed = (*read_all(*journal))[5];
  Recorder recorder(disk, GetParam());
  ASSERT_TRUE(journal->release(committed.next, 1'000'000'000));
  journal.reset();
  ASSERT_GT(recorder.moments.size(), 15U);
  for (Moment& moment : recorder.moments) {
    const auto next = open_journal(*moment.disk);
    ASSERT_NE(next, nullptr) << moment.step;
    const auto entries = read_all(*next, committed.next);
    ASSERT_TRUE(entries) << moment.step;
    ASSERT_EQ(entries->size(), 2U) << moment.step;
    EXPECT_EQ(entries->front().sequence, committed.sequence + 1) << moment.step;
    EXPECT_TRUE(next->release(committed.next, 1'000'000'000)) << moment.step;
  }
}

TEST_P(JournalCrashTest, AnArchivingThatIsInterruptedLeavesAWholeJournal) {
  SimulatedDisk disk;
  auto journal = open_journal(disk, {.segment_bytes = 1});
  for (int64_t n = 0; n < 4; ++n) ASSERT_TRUE(append(*journal, delivery(n)));
  ASSERT_TRUE(journal->release(journal->end(), 0));
  Recorder recorder(disk, GetParam());
  for (int64_t n = 0; n < 3; ++n) ASSERT_EQ(*journal->archive_next(), true);
  journal.reset();
  ASSERT_GT(recorder.moments.size(), 50U);
  for (Moment& moment : recorder.moments) {
    const auto next = open_journal(*moment.disk);
    ASSERT_NE(next, nullptr) << moment.step;
    EXPECT_EQ(count_in_order(read_all(*next)), 4) << moment.step;
    ASSERT_TRUE(next->release(next->end(), 0)) << moment.step;
    Result<bool> archived = true;
    while (archived && *archived) archived = next->archive_next();
    EXPECT_TRUE(archived) << moment.step;
    EXPECT_EQ(count_in_order(read_all(*next)), 4) << moment.step;
    const std::vector<std::string> names = *moment.disk->list(kDir);
    EXPECT_EQ(std::count_if(names.begin(), names.end(), number_of_segment), 1) << moment.step;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, JournalCrashTest, testing::Range<uint64_t>(1, 5));

}  // namespace
}  // namespace adweave::source
