// SPDX-License-Identifier: Apache-2.0
// The registry is killed, or its machine loses power, before every change that it makes to the
// disk; and its files are damaged.
#include <random>

#include <gmock/gmock.h>

#include "base/crc32c.h"
#include "registry/registry_test_support.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/simulated_disk.h"

namespace adweave::registry {
namespace {

using ::testing::HasSubstr;
using tests::SimulatedDisk;

// A disk as it is found, and how many steps of the story had been answered then.
struct Moment {
  std::unique_ptr<SimulatedDisk> disk;
  size_t answered = 0;
  std::string step;
};

// What happens, call by call; each must be answered.
using Step = std::function<bool(Registry&)>;

template <class T>
bool is_done(const Answer<T>& answer) {
  return std::holds_alternative<T>(answer);
}

std::vector<Step> story() {
  std::vector<Step> steps;
  for (int i = 0; i < 4; ++i) {
    steps.push_back([i](Registry& registry) {
      return is_done(registry.add("s", {.schema = record_of({"x", "y" + std::to_string(i)})}));
    });
  }
  steps.push_back([](Registry& r) { return is_done(r.set_level("s", Level::full)); });
  steps.push_back([](Registry& r) { return is_done(r.delete_version("s", 2, false)); });
  steps.push_back([](Registry& r) { return is_done(r.set_mode("s", Mode::read_only, false)); });
  return steps;
}

// How far a registry has come in the story.
size_t steps_in(const Registry& registry) {
  if (is_done(registry.mode("s", false))) return 7;
  const auto versions = registry.versions("s", Deleted::with);
  if (!is_done(versions)) return 0;
  const size_t added = std::get<std::vector<int64_t>>(versions).size();
  if (std::get<std::vector<int64_t>>(registry.versions("s", Deleted::without)).size() < added)
    return 6;
  return is_done(registry.level("s", false)) ? 5 : added;
}

std::vector<Moment> moments_of(SimulatedDisk& disk, size_t begin, bool with_kill, uint64_t seed) {
  std::vector<Moment> moments;
  std::mt19937_64 luck(seed);
  size_t answered = begin;
  disk.before_change = [&](const std::string& step) {
    moments.push_back({disk.after_power_cut(nullptr), answered, "power cut before " + step});
    moments.push_back({disk.after_power_cut(&luck), answered, "lucky power cut before " + step});
    if (with_kill) moments.push_back({disk.after_kill(), answered, "kill before " + step});
  };
  auto registry = Registry::open(disk, kDir);
  CHECK(registry);
  answered = steps_in(**registry);  // what it tells is kept from here on
  const std::vector<Step> steps = story();
  for (size_t i = answered; i < steps.size(); ++i) {
    EXPECT_TRUE(steps[i](**registry)) << "step " << i;
    answered = i + 1;
  }
  disk.before_change = nullptr;
  moments.push_back({disk.after_power_cut(nullptr), answered, "power cut at the end"});
  return moments;
}

TEST(ChangeLog, WhatIsAnsweredIsThereAtEveryStep) {
  SimulatedDisk disk;
  ASSERT_TRUE(make_dirs(disk, "/data"));
  size_t checked = 0;
  for (Moment& moment : moments_of(disk, 0, true, 1)) {
    // After a kill the power goes at every step of the one that goes on.
    for (Moment& later : moments_of(*moment.disk, moment.answered, false, 2)) {
      const auto registry = Registry::open(*later.disk, kDir);
      ASSERT_TRUE(registry) << moment.step << ", " << later.step << ": "
                            << registry.error().message;
      EXPECT_GE(steps_in(**registry), later.answered) << moment.step << ", " << later.step;
      ++checked;
    }
    const auto registry = Registry::open(*moment.disk, kDir);
    ASSERT_TRUE(registry) << moment.step;
    EXPECT_EQ(steps_in(**registry), story().size()) << moment.step;
  }
  EXPECT_GT(checked, 1000U);
}

class DamageTest : public ::testing::Test {
 protected:
  DamageTest() {
    auto registry = Registry::open(disk_, kDir);
    for (const Step& step : story()) EXPECT_TRUE(step(**registry));
  }

  static std::string path_of(int number) { return fmt::format("{}/{:020}.change", kDir, number); }
  std::string bytes_of(int number) { return *read_file(disk_, path_of(number), 1 << 20); }
  void put(int number, const std::string& bytes) { disk_.put(path_of(number), bytes, 0); }

  std::string error() {
    const auto opened = Registry::open(disk_, kDir);
    return opened ? "" : opened.error().message;
  }

  SimulatedDisk disk_;
};

TEST_F(DamageTest, EveryByteCounts) {
  for (const int number : {1, 4, 7}) {
    const std::string bytes = bytes_of(number);
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (const int bit : {0, 5}) {
        std::string other = bytes;
        other[i] = static_cast<char>(other[i] ^ 1 << bit);
        put(number, other);
        EXPECT_THAT(error(), HasSubstr(path_of(number))) << "byte " << i;
      }
    }
    for (size_t size = 0; size < bytes.size(); ++size) {
      put(number, bytes.substr(0, size));
      EXPECT_THAT(error(), HasSubstr(path_of(number))) << size << " bytes";
    }
    put(number, bytes);
    EXPECT_EQ(error(), "");
  }
}

TEST_F(DamageTest, AChangeThatIsMissingIsNamed) {
  CHECK(disk_.unlink(path_of(3)));
  EXPECT_THAT(error(), HasSubstr(path_of(3) + " is missing"));
}

TEST_F(DamageTest, AChangeFromElsewhereIsNamed) {
  put(3, bytes_of(2));
  EXPECT_THAT(error(), HasSubstr("does not follow"));
  EXPECT_THAT(error(), HasSubstr(path_of(3)));
}

TEST_F(DamageTest, WhatANewerProgramWroteIsNamed) {
  const std::string json = R"({"format":2,"number":8,"previous":0,"change":"melt"})";
  put(8, fmt::format("{:08x} {}\n", crc32c(json), json));
  EXPECT_THAT(error(), HasSubstr("version 2 of the registry's format, a change 'melt'"));
}

TEST_F(DamageTest, AChangeThatCannotBeMadeIsNamed) {
  put(8, to_line({.number = 8,
                  .previous = checksum_of(bytes_of(7)),
                  .change = {.subject = "s", .version = 9, .id = 9}}));
  EXPECT_THAT(error(), HasSubstr(path_of(8) + ": there is no schema of the id 9"));
}

// Each change of the disk is refused once. Who was told that a step was done finds it done.
TEST(ChangeLog, AFailureIsFinal) {
  for (int64_t refused = 1;; ++refused) {
    SimulatedDisk disk;
    tests::FaultFileSystem fs(disk);
    fs.before_change = [&](int64_t number, const std::string& change) -> Status {
      if (number != refused) return {};
      return Error{ErrorCode::io, change + ": the disk is full"};
    };
    auto registry = Registry::open(fs, kDir);
    ASSERT_TRUE(registry);
    const auto steps = story();
    size_t done = 0;
    while (done < steps.size() && steps[done](**registry)) ++done;
    if (done == steps.size()) {
      EXPECT_GT(refused, 25) << "changes of the disk in the story";
      break;
    }
    const auto later = (*registry)->set_mode("other", Mode::read_only, false);
    ASSERT_EQ(code_of(later), 50001);
    EXPECT_THAT(std::get<Refusal>(later).message, HasSubstr("the disk is full"));
    const auto again = Registry::open(*disk.after_power_cut(nullptr), kDir);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_GE(steps_in(**again), done) << refused;
  }
}

TEST(ChangeLog, OfTwoWritersOneEnds) {
  SimulatedDisk disk;
  auto one = Registry::open(disk, kDir);
  auto other = Registry::open(disk, kDir);
  EXPECT_EQ(value_of((*one)->add("s", {.schema = record_of({"x"})})), 1);
  for (int i = 0; i < 2; ++i) {
    const auto lost = (*other)->add("s", {.schema = record_of({"y"})});
    EXPECT_EQ(code_of(lost), 50001);
    EXPECT_THAT(std::get<Refusal>(lost).message, HasSubstr("another server"));
  }
  EXPECT_EQ(value_of((*one)->add("s", {.schema = record_of({"x", "y"})})), 2);
  EXPECT_EQ(value_of((*Registry::open(disk, kDir))->version("s", kLatest, false)).id, 2);
}

// One that was taken over must not use the number that the next will use.
TEST(ChangeLog, OneThatWasTakenOverWritesNothing) {
  SimulatedDisk disk;
  bool is_held = true;
  auto registry = Registry::open(disk, kDir, [&] {
    return is_held ? Status() : Error{ErrorCode::fenced, "taken over", "end this one"};
  });
  EXPECT_EQ(value_of((*registry)->add("s", {.schema = record_of({"x"})})), 1);
  is_held = false;
  const auto refused = (*registry)->add("s", {.schema = record_of({"x", "y"})});
  EXPECT_EQ(code_of(refused), 50001);
  EXPECT_THAT(std::get<Refusal>(refused).message, HasSubstr("taken over; end this one"));
  EXPECT_EQ(value_of((*Registry::open(disk, kDir))->add("s", {.schema = record_of({"x", "z"})})),
            2);
}

}  // namespace
}  // namespace adweave::registry
