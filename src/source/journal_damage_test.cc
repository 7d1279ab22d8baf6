// SPDX-License-Identifier: Apache-2.0
// Segments whose bytes have been altered: damage is told, or what was never synced is dropped; no
// other delivery is ever read.
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "source/journal_test_support.h"
#include "tests/support/simulated_disk.h"

namespace adweave::source {
namespace {

using tests::SimulatedDisk;

std::string path_of(int64_t number) {
  return join_path(kDir, segment_name(number));
}

class JournalDamageTest : public testing::Test {
 protected:
  // Segment 1 with the groups {0}, {1}, {2} and {3}; then the others, a group each.
  void write(int64_t segments) {
    int64_t n = 0;
    for (int64_t s = 1; s <= segments; ++s) {
      const auto journal = open_journal(disk_);
      ASSERT_NE(journal, nullptr);
      for (int i = 0; i < (s == 1 ? 4 : 1); ++i) ASSERT_TRUE(append(*journal, delivery(n++)));
    }
  }
  std::string bytes_of(int64_t number) const { return *read_file(disk_, path_of(number), 1 << 20); }
  void put(int64_t number, std::string bytes) { disk_.put(path_of(number), std::move(bytes), 0); }

  // How many deliveries there are, in order; -1 when damage is told. Leaves the disk as it is.
  int64_t count() const { return count_on(disk_.after_kill()); }
  // The same with other bytes in a segment.
  int64_t count_with(int64_t number, std::string bytes) const {
    std::unique_ptr<SimulatedDisk> disk = disk_.after_kill();
    disk->put(path_of(number), std::move(bytes), 0);
    return count_on(std::move(disk));
  }

  SimulatedDisk disk_;

 private:
  static int64_t count_on(const std::unique_ptr<SimulatedDisk>& disk) {
    const Result<std::unique_ptr<Journal>> journal = Journal::open(*disk, kDir);
    if (!journal) {
      EXPECT_EQ(journal.error().code, ErrorCode::corrupt) << journal.error().message;
      EXPECT_NE(journal.error().message.find("journal-0000"), std::string::npos);
      return -1;
    }
    const int64_t count = count_in_order(read_all(**journal));
    EXPECT_GE(count, 0) << "a delivery that was never sent";
    return count;
  }
};

TEST_F(JournalDamageTest, EveryFlippedBitIsDamageButInTheLastGroup) {
  write(1);
  const std::string bytes = bytes_of(1);
  const int64_t last_group = static_cast<int64_t>(bytes.size()) - frame_bytes(delivery(3));
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string altered = bytes;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(count_with(1, altered), static_cast<int64_t>(bit / 8) < last_group ? -1 : 3)
        << "bit " << bit;
  }
}

TEST_F(JournalDamageTest, EveryFlippedBitOfAnEarlierSegmentIsDamage) {
  write(3);
  for (const int64_t number : {1, 2}) {
    const std::string bytes = bytes_of(number);
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string altered = bytes;
      altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
      EXPECT_EQ(count_with(number, altered), -1) << "bit " << bit << " of segment " << number;
    }
  }
}

TEST_F(JournalDamageTest, ACutEndIsTornInTheLastSegmentAndDamageInOthers) {
  write(2);
  for (const int64_t number : {1, 2}) {
    const std::string bytes = bytes_of(number);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(count_with(number, bytes.substr(0, size)), number == 1 ? -1 : 4) << size;
    }
    EXPECT_EQ(count_with(number, bytes + std::string(1, '\0')), number == 1 ? -1 : 5);
  }
}

TEST_F(JournalDamageTest, AMissingOrExchangedSegmentIsDamage) {
  write(4);
  const std::string second = bytes_of(2);
  const std::string third = bytes_of(3);
  EXPECT_EQ(count(), 7);
  EXPECT_EQ(count_with(2, third), -1);
  put(2, second);
  EXPECT_EQ(count_with(3, second), -1);
  put(3, third);
  ASSERT_TRUE(disk_.unlink(path_of(2)));
  EXPECT_EQ(count(), -1);
}

TEST_F(JournalDamageTest, ASegmentOfAnotherJournalIsDamage) {
  write(3);
  SimulatedDisk other;
  for (int64_t n = 10; n < 13; ++n) {
    const auto journal = open_journal(other);
    for (int i = 0; i < (n == 10 ? 4 : 1); ++i) ASSERT_TRUE(append(*journal, delivery(n)));
  }
  for (const int64_t number : {1, 2, 3}) {
    const std::string bytes = bytes_of(number);
    EXPECT_EQ(count_with(number, *read_file(other, path_of(number), 1 << 20)), -1) << number;
  }
}

TEST_F(JournalDamageTest, ATornHeaderHoldsNothingAndItsNumberIsNotUsedAgain) {
  write(1);
  for (const std::string& torn : {std::string(), std::string("AWJ"), std::string(64, '\0')}) {
    disk_.put(path_of(2), torn, 0);
    const std::unique_ptr<SimulatedDisk> disk = disk_.after_kill();
    auto journal = open_journal(*disk);
    ASSERT_NE(journal, nullptr);
    ASSERT_TRUE(append(*journal, delivery(4)));
    EXPECT_EQ(journal->end().segment, 3);
    journal.reset();
    journal = open_journal(*disk);
    ASSERT_NE(journal, nullptr);
    EXPECT_EQ(count_in_order(read_all(*journal)), 5);
  }
}

TEST_F(JournalDamageTest, ANewerFormatIsRefused) {
  write(1);
  std::string bytes = bytes_of(1);
  bytes[8] = 2;
  const uint32_t checksum = crc32c(std::string_view(bytes).substr(0, 60));
  std::memcpy(bytes.data() + 60, &checksum, sizeof checksum);
  put(1, bytes);
  EXPECT_EQ(Journal::open(disk_, kDir).error().code, ErrorCode::newer_format);
}

// Power cuts leave some blocks of a group and not others: only what lies before the first that is
// missing is read.
TEST_F(JournalDamageTest, AHoleInTheLastGroupIsTorn) {
  write(1);
  const std::string bytes = bytes_of(1);
  const uint64_t mark = parse_segment_header(bytes)->mark;
  std::string group;
  std::vector<size_t> begins;
  for (int64_t n = 4; n < 8; ++n) {
    begins.push_back(bytes.size() + group.size());
    append_frame(group, mark, n + 1, static_cast<int64_t>(bytes.size()), delivery(n));
  }
  EXPECT_EQ(count_with(1, bytes + group), 8);
  for (size_t i = 0; i < begins.size(); ++i) {
    std::string holed = bytes + group;
    holed.replace(begins[i], 40, 40, '\0');
    EXPECT_EQ(count_with(1, holed), 4 + static_cast<int64_t>(i));
  }
}

// A sender that puts frames of another segment into its bodies cannot make torn ends look like
// damage.
TEST_F(JournalDamageTest, FramesInABodyAreNotTakenForFrames) {
  const auto journal = open_journal(disk_);
  ASSERT_TRUE(append(*journal, delivery(0)));
  const JournalPosition begin = journal->end();
  Delivery sly = delivery(1);
  for (int64_t n = 1; n < 100; ++n) append_frame(sly.body, 42, n, 4096, delivery(n));
  ASSERT_TRUE(append(*journal, sly));
  std::string bytes = bytes_of(1);
  bytes[static_cast<size_t>(begin.offset)] ^= 1;
  EXPECT_EQ(count_with(1, bytes), 1);
}

TEST_F(JournalDamageTest, DamageThatComesLaterIsToldByTheReader) {
  write(1);
  const auto journal = open_journal(disk_);
  const std::string bytes = bytes_of(1);
  const std::vector<JournalEntry> entries = *read_all(*journal);
  for (const JournalEntry& entry : entries) {
    for (int64_t at = entry.position.offset; at < entry.next.offset; ++at) {
      std::string altered = bytes;
      altered[static_cast<size_t>(at)] ^= 1;
      put(1, altered);
      JournalReader reader = journal->reader(journal->first());
      for (int64_t n = 1; n < entry.sequence; ++n) ASSERT_TRUE(reader.next());
      const auto next = reader.next();
      ASSERT_FALSE(next) << at;
      EXPECT_EQ(next.error().code, ErrorCode::corrupt);
      EXPECT_NE(next.error().message.find(std::to_string(entry.position.offset)),
                std::string::npos);
      EXPECT_EQ(reader.position(), entry.position);
    }
  }
  ASSERT_TRUE(disk_.unlink(path_of(1)));
  EXPECT_EQ(journal->reader({}).next().error().code, ErrorCode::not_found);
}

TEST_F(JournalDamageTest, WhatIsCommittedIsNotCheckedUntilItIsRead) {
  write(4);
  const JournalOptions options = {.committed = {3, kSegmentHeaderBytes}};
  for (const int64_t number : {1, 2, 3}) {
    const std::string bytes = bytes_of(number);
    std::string altered = bytes;
    altered.back() ^= 1;
    put(number, altered);
    EXPECT_EQ(count(), -1) << number;
    const auto journal = open_journal(disk_, options);
    put(number, bytes);
    if (number == 3) {
      EXPECT_EQ(journal, nullptr);
      continue;
    }
    ASSERT_NE(journal, nullptr) << number;
    put(number, altered);
    EXPECT_EQ(read_all(*journal, options.committed)->size(), 2U) << number;
    EXPECT_EQ(read_all(*journal).error().code, ErrorCode::corrupt) << number;
    put(number, bytes);
  }
}

TEST_F(JournalDamageTest, WhatIsCommittedMustBeThereWhole) {
  write(4);
  const JournalOptions options = {.committed = {3, kSegmentHeaderBytes}};
  const std::string second = bytes_of(2);
  put(2, second.substr(0, second.size() - 1));
  EXPECT_EQ(open_journal(disk_, options), nullptr);
  ASSERT_TRUE(disk_.unlink(path_of(2)));
  EXPECT_EQ(open_journal(disk_, options), nullptr);
  put(2, second);
  const auto journal = open_journal(disk_, options);
  ASSERT_NE(journal, nullptr);
  EXPECT_EQ(count_in_order(read_all(*journal)), 7);
}

TEST_F(JournalDamageTest, ASegmentThatWasOnlyBegunIsNoDamage) {
  write(1);
  std::unique_ptr<SimulatedDisk> killed;
  int writes = 0;
  disk_.before_change = [&](const std::string& step) {
    if (step == "write " + path_of(2) && ++writes == 2) killed = disk_.after_kill();
  };
  ASSERT_TRUE(append(*open_journal(disk_), delivery(4)));
  disk_.before_change = nullptr;
  ASSERT_NE(killed, nullptr);
  for (int64_t n = 4; n < 7; ++n) ASSERT_TRUE(append(*open_journal(*killed), delivery(n)));
  const auto journal = open_journal(*killed, {.committed = {5, kSegmentHeaderBytes}});
  ASSERT_NE(journal, nullptr);
  EXPECT_EQ(count_in_order(read_all(*journal)), 7);
}

class JournalMutationTest : public JournalDamageTest, public testing::WithParamInterface<uint64_t> {
 protected:
  std::string mutated(std::string bytes) {
    for (uint64_t i = random_() % 4 + 1; i > 0 && !bytes.empty(); --i) {
      const size_t at = random_() % bytes.size();
      const size_t size = random_() % (bytes.size() - at) + 1;
      switch (random_() % 5) {
        case 0:
          bytes[at] = static_cast<char>(random_());
          break;
        case 1:
          bytes.resize(at);
          break;
        case 2:
          bytes.erase(at, size);
          break;
        case 3:
          bytes.insert(random_() % bytes.size(), bytes.substr(at, size));
          break;
        default:
          for (size_t j = at; j < at + size; ++j) bytes[j] = static_cast<char>(random_());
      }
    }
    return bytes;
  }

  std::mt19937_64 random_{GetParam()};
};

TEST_P(JournalMutationTest, NoOtherDeliveryIsEverRead) {
  write(3);
  for (int round = 0; round < 500; ++round) {
    const auto number = static_cast<int64_t>(random_() % 3 + 1);
    const std::string bytes = bytes_of(number);
    count_with(number, mutated(bytes));
  }
}

TEST_P(JournalMutationTest, RandomBytesAreNoSegment) {
  for (int round = 0; round < 300; ++round) {
    std::string bytes(random_() % 300, '\0');
    for (char& c : bytes) c = static_cast<char>(random_());
    EXPECT_EQ(count_with(1, bytes), bytes.size() <= kSegmentHeaderBytes ? 0 : -1);
    // With a header that is whole.
    const SegmentHeader header{.number = 1, .mark = 7, .first_sequence = 1};
    for (size_t at = 0; at + 8 < bytes.size(); at += 64)
      bytes.replace(at, 8, "\7\0\0\0\0\0\0\0", 8);
    EXPECT_EQ(count_with(1, to_bytes(header) + bytes), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, JournalMutationTest, testing::Range<uint64_t>(1, 4));

}  // namespace
}  // namespace adweave::source
