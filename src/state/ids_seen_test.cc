// SPDX-License-Identifier: Apache-2.0
// Ids in memory and on disk, against a plain map.
#include "state/ids_seen.h"

#include <random>
#include <unordered_map>

#include <gtest/gtest.h>

#include "state/snapshot.h"
#include "tests/support/simulated_disk.h"

namespace adweave::state {
namespace {

using tests::SimulatedDisk;

constexpr char kFolder[] = "/ids";

Seen seen_of(uint64_t i) {
  return {i * 31, static_cast<uint32_t>(i % 7), static_cast<uint32_t>(i % 3),
          pack_position(static_cast<int64_t>(i << 14), static_cast<int32_t>(i % 5) - 1)};
}

Hash128 key_of(uint64_t i) {
  return hash128(std::to_string(i));
}

Status move_to_disk(IdsSeen& ids, FileSystem& fs) {
  ids.begin_move(fs, kFolder, "a", false);
  return ids.end_move();
}

// Moves are at once, or begin and end between the others' questions.
void compare_with_plain_map(bool beside) {
  SimulatedDisk disk;
  IdsSeen ids;
  std::unordered_map<Hash128, Seen, Hash128Hash> plain;
  std::mt19937_64 random(5);
  for (uint64_t i = 0; i < 60'000; ++i) {
    const Hash128 key = key_of(random() % 40'000);
    ids.prefetch(key);
    const auto known = plain.find(key);
    const std::optional<Seen> seen = ids.find(key);
    ASSERT_EQ(seen.has_value(), known != plain.end());
    if (seen) {
      ASSERT_EQ(*seen, known->second);
    } else {
      ids.insert(key, seen_of(i));
      plain.emplace(key, seen_of(i));
    }
    if (random() % 3'000 == 0) {
      if (ids.is_moving()) {
        ASSERT_TRUE(ids.end_move());
      }
      ids.begin_move(disk, kFolder, "run" + std::to_string(i), beside);
    }
    if (ids.is_moved()) {
      ASSERT_TRUE(ids.end_move());
    }
    ASSERT_EQ(ids.size(), static_cast<int64_t>(plain.size()));
  }
  if (ids.is_moving()) {
    ASSERT_TRUE(ids.end_move());
  }
  EXPECT_GE(ids.runs().size(), 1U);
  EXPECT_LE(ids.runs().size(), 8U);
  for (uint64_t i = 0; i < 40'000; ++i)
    ASSERT_EQ(ids.find(key_of(i)).has_value(), plain.contains(key_of(i)));
}

TEST(IdsSeen, MemoryAndDiskAnswerAsAPlainMapDoes) {
  compare_with_plain_map(false);
}

TEST(IdsSeen, TheSameWhileTheyMoveBeside) {
  compare_with_plain_map(true);
}

TEST(IdsSeen, AMoveThatFailsLosesNothingAndIsTriedAgain) {
  SimulatedDisk disk;
  IdsSeen ids;
  for (uint64_t i = 0; i < 300; ++i) ids.insert(key_of(i), seen_of(i));
  disk.put("/ids", "a file, no folder", 0);
  ASSERT_FALSE(move_to_disk(ids, disk));
  for (uint64_t i = 300; i < 400; ++i) ids.insert(key_of(i), seen_of(i));
  for (uint64_t i = 0; i < 400; ++i) ASSERT_EQ(ids.find(key_of(i)), seen_of(i));
  EXPECT_EQ(ids.size(), 400);
  ASSERT_TRUE(disk.unlink("/ids"));
  ASSERT_TRUE(move_to_disk(ids, disk));
  ASSERT_TRUE(move_to_disk(ids, disk));
  EXPECT_EQ(ids.memory_bytes(), 0);
  for (uint64_t i = 0; i < 400; ++i) ASSERT_EQ(ids.find(key_of(i)), seen_of(i));
}

TEST(IdsSeen, KeysOfOneRangeAreFoundOnDisk) {
  SimulatedDisk disk;
  IdsSeen ids;
  for (uint64_t i = 0; i < 5'000; ++i) ids.insert({i * 2, 7}, seen_of(i));
  ASSERT_TRUE(move_to_disk(ids, disk));
  for (uint64_t i = 0; i < 5'000; ++i) {
    ASSERT_EQ(ids.find({i * 2, 7}), seen_of(i));
    ASSERT_FALSE(ids.find({i * 2 + 1, 7}));
  }
}

TEST(IdsSeen, AKeyTakesAtMostFortyBytesOfMemory) {
  HotIds ids;
  std::mt19937_64 random(9);
  for (int64_t i = 0; i < 4'000'000; ++i) {
    const Hash128 key{random(), random()};
    ids.insert(key, {1, 2, 3, pack_position(i, -1)});
    if (i > 2'000'000 && i % 50'000 == 0) {
      ASSERT_LE(ids.memory_bytes(), 40 * ids.size()) << i;
    }
  }
}

TEST(IdsSeen, ADamagedOrMissingRunIsFound) {
  SimulatedDisk disk;
  IdsSeen ids;
  for (uint64_t i = 0; i < 40; ++i) ids.insert(key_of(i), seen_of(i));
  ASSERT_TRUE(move_to_disk(ids, disk));
  const std::string name = ids.runs().at(0);
  const std::string path = join_path(kFolder, name);
  const std::string bytes = *read_file(disk, path, 1 << 20);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string altered = bytes;
    altered[i] = static_cast<char>(altered[i] ^ 8);
    disk.put(path, altered, 0);
    ASSERT_FALSE(IdsRun::open(disk, kFolder, name)) << i;
    disk.put(path, bytes.substr(0, i), 0);
    ASSERT_FALSE(IdsRun::open(disk, kFolder, name)) << i;
  }
  disk.put(path, bytes, 0);
  EXPECT_TRUE(IdsRun::open(disk, kFolder, name));
  ASSERT_TRUE(disk.unlink(path));
  EXPECT_EQ(IdsRun::open(disk, kFolder, name).error().code, ErrorCode::not_found);
}

TEST(Snapshot, NamesTheRunsItNeedsAndNoOthersFit) {
  SimulatedDisk disk;
  State state;
  for (uint64_t i = 0; i < 300; ++i) state.ids.insert(key_of(i), seen_of(i));
  ASSERT_TRUE(move_to_disk(state.ids, disk));
  for (uint64_t i = 300; i < 400; ++i) state.ids.insert(key_of(i), seen_of(i));
  const std::string bytes = to_snapshot(state, 7, "commit");
  EXPECT_EQ(runs_of_snapshot(bytes), state.ids.runs());
  EXPECT_TRUE(runs_of_snapshot(bytes.substr(0, 20)).empty());
  const auto read = from_snapshot(bytes, "commit", &disk, kFolder).state;
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(to_snapshot(*read, 7, "commit"), bytes);
  for (uint64_t i = 0; i < 400; ++i) ASSERT_EQ(read->ids.find(key_of(i)), seen_of(i));
  EXPECT_FALSE(read->ids.find(key_of(400)));

  IdsSeen other;
  other.insert(key_of(1), seen_of(2));
  const std::string name = state.ids.runs().at(0);
  ASSERT_TRUE(move_to_disk(other, disk));
  ASSERT_EQ(other.runs().at(0), name);
  EXPECT_EQ(from_snapshot(bytes, "commit", &disk, kFolder).state, nullptr);
  ASSERT_TRUE(disk.unlink(join_path(kFolder, name)));
  EXPECT_EQ(from_snapshot(bytes, "commit", &disk, kFolder).state, nullptr);
}

// As deduplication asks of a conversion and its order.
TEST(IdsSeen, TwoThatAreAskedForBeforeEitherIsInsertedAreBothFound) {
  IdsSeen ids;
  for (uint64_t i = 0; i < 40'000; i += 2) {
    ASSERT_FALSE(ids.find(key_of(i)));
    ASSERT_FALSE(ids.find(key_of(i + 1)));
    ids.insert(key_of(i), seen_of(i));
    ids.insert(key_of(i + 1), seen_of(i + 1));
  }
  for (uint64_t i = 0; i < 40'000; ++i) ASSERT_TRUE(ids.find(key_of(i))) << i;
}

}  // namespace
}  // namespace adweave::state
