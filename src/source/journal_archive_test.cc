// SPDX-License-Identifier: Apache-2.0
// Segments that are committed are archived, and nobody who reads notices.
#include <random>

#include <gtest/gtest.h>

#include "decode/decompress.h"
#include "source/journal_check.h"
#include "source/journal_test_support.h"
#include "tests/support/simulated_disk.h"

namespace adweave::source {
namespace {

using tests::SimulatedDisk;

constexpr int64_t kNever = std::numeric_limits<int64_t>::min();  // removes nothing
constexpr int64_t kAtOnce = std::numeric_limits<int64_t>::max();

std::string plain_path(int64_t number) {
  return join_path(kDir, segment_name(number));
}

std::string archive_path(int64_t number) {
  return join_path(kDir, archive_name(number));
}

// Half of it can be compressed.
Delivery large_delivery(int64_t n) {
  std::mt19937_64 luck(static_cast<uint64_t>(n));
  std::string body(200'000 + luck() % 100'000, 'a');
  for (size_t i = 0; i < body.size(); i += 2) body[i] = static_cast<char>(luck());
  return {"clicks", "batch", n, body};
}

Status archive_all(Journal& journal, int64_t keep_after = kNever) {
  ADWEAVE_TRY(journal.release(journal.end(), keep_after));
  Result<bool> archived = true;
  while (archived && *archived) archived = journal.archive_next();
  return archived ? Status() : archived.error();
}

std::string bytes_of(const FileSystem& fs, const std::string& path) {
  return *read_file(fs, path, limits::kJournalFileBytesMax);
}

class JournalArchiveTest : public testing::Test {
 protected:
  // A segment each of the deliveries from 0 on, all archived but for the last.
  std::unique_ptr<Journal> write(int64_t segments) {
    auto journal = open_journal(disk_, {.segment_bytes = 1});
    for (int64_t n = 0; n < segments; ++n) EXPECT_TRUE(append(*journal, delivery(n)));
    const Status archived = archive_all(*journal);
    EXPECT_TRUE(archived) << archived.error().message;
    return journal;
  }

  SimulatedDisk disk_;
};

TEST_F(JournalArchiveTest, ASegmentIsReadAtAnyOffset) {
  auto journal = open_journal(disk_, {.segment_bytes = 5'000'000});
  for (int64_t n = 0; n < 40; ++n) ASSERT_TRUE(append(*journal, large_delivery(n)));
  const int64_t last = journal->end().segment;
  ASSERT_GE(last, 2);
  const std::string plain = bytes_of(disk_, plain_path(1));
  const auto before = read_all(*journal);
  ASSERT_TRUE(archive_all(*journal));
  EXPECT_FALSE(disk_.exists(plain_path(1)));
  EXPECT_TRUE(disk_.exists(plain_path(last)));

  const auto segment = open_segment(disk_, kDir, 1);
  ASSERT_TRUE(segment) << segment.error().message;
  EXPECT_EQ(segment->path, archive_path(1));
  std::mt19937_64 luck(5);
  for (int i = 0; i < 100; ++i) {
    const size_t offset = luck() % (plain.size() + 100);
    std::string bytes(luck() % 1'500'000, '\0');
    const auto count = segment->file->read_at(static_cast<int64_t>(offset), bytes.data(),
                                              static_cast<int64_t>(bytes.size()));
    ASSERT_TRUE(count);
    bytes.resize(static_cast<size_t>(*count));
    ASSERT_EQ(bytes, plain.substr(std::min(offset, plain.size()), bytes.size())) << offset;
  }
  ASSERT_EQ(read_all(*journal)->size(), before->size());
  for (const JournalEntry& entry : *before) {
    JournalReader reader = journal->reader(entry.position);
    EXPECT_EQ((*reader.next())->delivery, entry.delivery);
  }
}

TEST_F(JournalArchiveTest, AnyProgramThatReadsZstdGivesTheSegmentBack) {
  auto journal = open_journal(disk_, {.segment_bytes = 3'000'000});
  for (int64_t n = 0; n < 20; ++n) ASSERT_TRUE(append(*journal, large_delivery(n)));
  const std::string plain = bytes_of(disk_, plain_path(1));
  ASSERT_TRUE(archive_all(*journal));
  const std::string archive = bytes_of(disk_, archive_path(1));
  EXPECT_LT(archive.size(), plain.size() * 3 / 4);
  const auto zstd = decode::make_decompressor(decode::Compression::zstd);
  std::string bytes;
  for (std::string_view rest = archive; !rest.empty();) {
    const auto step = zstd->run(rest, true, bytes, 1 << 20);
    ASSERT_EQ(step.problem, "");
    rest.remove_prefix(step.used);
  }
  EXPECT_EQ(bytes, plain);
}

TEST_F(JournalArchiveTest, AJournalGoesOnBehindItsArchives) {
  write(5);
  auto journal = open_journal(disk_);
  ASSERT_NE(journal, nullptr);
  EXPECT_EQ(journal->first(), (JournalPosition{1, kSegmentHeaderBytes}));
  EXPECT_EQ(journal->held_bytes(), std::ssize(bytes_of(disk_, plain_path(5))));
  int64_t archived = 0;
  for (int64_t n = 1; n < 5; ++n) archived += std::ssize(bytes_of(disk_, archive_path(n)));
  EXPECT_EQ(journal->archived_bytes(), archived);
  ASSERT_TRUE(append(*journal, delivery(5)));
  EXPECT_EQ(count_in_order(read_all(*journal)), 6);
}

TEST_F(JournalArchiveTest, WhatIsOldIsRemovedArchivedOrNot) {
  auto journal = write(4);  // received at 1'000'000, 1'000'001, ...
  ASSERT_TRUE(journal->release(journal->end(), 1'000'002));
  EXPECT_EQ(*disk_.list(kDir), (std::vector<std::string>{archive_name(3), segment_name(4)}));
  ASSERT_TRUE(append(*journal, delivery(4)));
  ASSERT_TRUE(journal->release(journal->end(), kAtOnce));
  EXPECT_EQ(*disk_.list(kDir), std::vector<std::string>{segment_name(5)});
  EXPECT_EQ(*journal->archive_next(), false);
  EXPECT_EQ(journal->archived_bytes(), 0);
}

TEST_F(JournalArchiveTest, WhatIsHeldIsArchivedButNotRemoved) {
  auto journal = open_journal(disk_, {.segment_bytes = 1});
  ASSERT_TRUE(append(*journal, delivery(0)));
  {
    const JournalHold hold = journal->hold();
    ASSERT_TRUE(append(*journal, delivery(1)));
    ASSERT_TRUE(append(*journal, delivery(2)));
    ASSERT_TRUE(archive_all(*journal, kAtOnce));
    EXPECT_EQ(count_in_order(read_all(*journal)), 3);
    EXPECT_TRUE(disk_.exists(archive_path(2)));
  }
  ASSERT_TRUE(journal->release(journal->end(), kAtOnce));
  EXPECT_EQ(*disk_.list(kDir), std::vector<std::string>{segment_name(3)});
}

TEST_F(JournalArchiveTest, WhatIsNotCommittedStaysPlain) {
  auto journal = open_journal(disk_, {.segment_bytes = 1});
  for (int64_t n = 0; n < 3; ++n) ASSERT_TRUE(append(*journal, delivery(n)));
  EXPECT_EQ(*journal->archive_next(), false);
  const JournalPosition second = (*read_all(*journal))[1].position;
  ASSERT_TRUE(journal->release(second, kNever));
  EXPECT_EQ(*journal->archive_next(), true);
  EXPECT_EQ(*journal->archive_next(), false);
  EXPECT_TRUE(disk_.exists(archive_path(1)));
}

TEST_F(JournalArchiveTest, AReaderReadsOnWhileItsSegmentIsArchivedAndRemoved) {
  auto journal = open_journal(disk_, {.segment_bytes = 150});
  for (int64_t n = 0; n < 3; ++n) ASSERT_TRUE(append(*journal, delivery(n)));
  ASSERT_EQ(journal->end().segment, 2);
  JournalReader reader = journal->reader({});
  ASSERT_EQ((*reader.next())->delivery, delivery(0));
  ASSERT_TRUE(archive_all(*journal));
  EXPECT_EQ((*reader.next())->delivery, delivery(1));
}

TEST_F(JournalArchiveTest, WhatIsBeingArchivedIsNotRemoved) {
  JournalSegments segments({{.number = 1, .end = 100}, {.number = 2, .end = 100}}, 3);
  ASSERT_TRUE(segments.release({2, 100}));
  ASSERT_EQ(segments.begin_archive(), 1);
  EXPECT_EQ(segments.removable({2, 100}, kAtOnce), std::nullopt);
  segments.end_archive(50);
  EXPECT_EQ(segments.archived_bytes(), 50);
  EXPECT_EQ(segments.removable({2, 100}, kAtOnce), 1);
}

TEST_F(JournalArchiveTest, EveryFlippedBitIsDamage) {
  write(3);
  const std::string bytes = bytes_of(disk_, archive_path(2));
  const auto tell = [&](const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::corrupt);
    EXPECT_NE(error.message.find(archive_name(2) + ": "), std::string::npos) << error.message;
  };
  int64_t in_deliveries = 0;
  int64_t in_names = 0;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string altered = bytes;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
    disk_.put(archive_path(2), altered, 0);
    const auto checked = check_journal(disk_, kDir, {});
    ASSERT_FALSE(checked) << "bit " << bit;  // as whoever verifies does
    tell(checked.error());
    const auto journal = Journal::open(disk_, kDir, {.committed = {3, kSegmentHeaderBytes}});
    if (!journal) continue;
    const auto entries = read_all(**journal);
    const Status named = (*journal)->each_named([](const NamedDelivery&) {});
    ASSERT_NE(entries.has_value(), named.has_value()) << "bit " << bit;
    tell(entries ? named.error() : entries.error());
    ++(entries ? in_names : in_deliveries);
  }
  // A start reads neither the deliveries nor, by itself, their names, but the 161 bytes behind.
  EXPECT_EQ(in_names, (8 + 32 + 6 + 7) * 8);
  EXPECT_EQ(in_deliveries + in_names, (std::ssize(bytes) - 161) * 8);
}

TEST_F(JournalArchiveTest, WhatSendersNamedIsTheSameArchivedOrNot) {
  auto journal = open_journal(disk_, {.segment_bytes = 300});
  for (int64_t n = 0; n < 9; ++n) {
    Delivery sent = delivery(n);
    if (n % 3 == 1) sent.batch = kMadeBatchMark + sent.batch;
    ASSERT_TRUE(append(*journal, sent));
  }
  const auto named = [&] {
    std::vector<std::string> told;
    EXPECT_TRUE(journal->each_named([&](const NamedDelivery& each) {
      told.push_back(std::to_string(each.position.segment) + ":" +
                     std::to_string(each.position.offset) + " " + each.source + " " + each.batch +
                     " " + std::to_string(each.body_bytes) + " " + to_hex(each.body_hash));
    }));
    return told;
  };
  const std::vector<std::string> before = named();
  EXPECT_EQ(before.size(), 6U);
  ASSERT_TRUE(archive_all(*journal));
  ASSERT_GT(journal->archived_bytes(), 0);
  EXPECT_EQ(named(), before);
  journal.reset();
  journal = open_journal(disk_);
  EXPECT_EQ(named(), before);
}

TEST_F(JournalArchiveTest, AnArchiveThatIsCutOffIsDamage) {
  write(3);
  const std::string bytes = bytes_of(disk_, archive_path(2));
  for (size_t size = 0; size < bytes.size(); ++size) {
    disk_.put(archive_path(2), bytes.substr(0, size), 0);
    const auto journal = Journal::open(disk_, kDir);
    ASSERT_FALSE(journal) << size;
    EXPECT_EQ(journal.error().code, ErrorCode::corrupt);
  }
}

TEST_F(JournalArchiveTest, AnotherSegmentsArchiveIsDamage) {
  write(4);
  disk_.put(archive_path(2), bytes_of(disk_, archive_path(3)), 0);
  const auto journal = Journal::open(disk_, kDir);
  ASSERT_FALSE(journal);
  EXPECT_NE(journal.error().message.find("it says that it is number 3"), std::string::npos);
}

TEST_F(JournalArchiveTest, AMissingSegmentIsDamageWhateverIsBesideIt) {
  write(4);
  for (const std::string& missing : {archive_path(2), plain_path(4)}) {
    const auto disk = disk_.after_kill();
    ASSERT_TRUE(disk->unlink(missing));
    const auto journal = Journal::open(*disk, kDir);
    ASSERT_FALSE(journal) << missing;
    EXPECT_NE(journal.error().message.find("is missing"), std::string::npos);
  }
}

TEST_F(JournalArchiveTest, ASegmentThatIsDamagedStaysPlain) {
  auto journal = open_journal(disk_, {.segment_bytes = 1});
  for (int64_t n = 0; n < 2; ++n) ASSERT_TRUE(append(*journal, delivery(n)));
  const std::string bytes = bytes_of(disk_, plain_path(1));
  std::string altered = bytes;
  altered[100] ^= 1;
  disk_.put(plain_path(1), altered, 0);
  const Status archived = archive_all(*journal);
  ASSERT_FALSE(archived);
  EXPECT_NE(archived.error().message.find(segment_name(1) + ": offset 64: "), std::string::npos);
  EXPECT_FALSE(disk_.exists(archive_path(1)));
  disk_.put(plain_path(1), bytes, 0);
  EXPECT_EQ(*journal->archive_next(), true);
}

TEST_F(JournalArchiveTest, WhoeverWasTakenOverArchivesNothing) {
  bool is_held = true;
  auto journal = *Journal::open(disk_, kDir, {.segment_bytes = 1}, [&]() -> Status {
    if (is_held) return {};
    return Error{ErrorCode::fenced, "taken over"};
  });
  for (int64_t n = 0; n < 2; ++n) ASSERT_TRUE(append(*journal, delivery(n)));
  is_held = false;
  EXPECT_EQ(archive_all(*journal).error().code, ErrorCode::fenced);
  EXPECT_TRUE(disk_.exists(plain_path(1)));
  EXPECT_FALSE(disk_.exists(archive_path(1)));
}

}  // namespace
}  // namespace adweave::source
