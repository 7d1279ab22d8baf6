// SPDX-License-Identifier: Apache-2.0
#include "registry/registry.h"

#include <thread>

#include <gmock/gmock.h>

#include "registry/book.h"
#include "registry/registry_test_support.h"
#include "tests/support/simulated_disk.h"

namespace adweave::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() { reopen(); }

  void reopen() {
    auto opened = Registry::open(disk_, kDir);
    ASSERT_TRUE(opened) << opened.error().message;
    registry_ = *std::move(opened);
  }

  int64_t add(const std::string& subject, const std::string& schema) {
    return value_of(registry_->add(subject, {.schema = schema}));
  }

  tests::SimulatedDisk disk_;
  std::unique_ptr<Registry> registry_;
};

TEST_F(RegistryTest, ASchemaHasOneIdInAllSubjects) {
  EXPECT_EQ(add("a", record_of({"x"})), 1);
  EXPECT_EQ(add("a", record_of({"x", "y"})), 2);
  EXPECT_EQ(add("b", record_of({"x", "y"})), 2);
  EXPECT_EQ(add("a", record_of({"x"})), 1) << "it is there already";
  for (int i = 0; i < 2; ++i, reopen()) {
    EXPECT_THAT(registry_->subjects(Deleted::without, ""), ElementsAre("a", "b"));
    EXPECT_THAT(registry_->subjects(Deleted::without, "b"), ElementsAre("b"));
    EXPECT_THAT(value_of(registry_->versions("a", Deleted::without)), ElementsAre(1, 2));
    EXPECT_EQ(value_of(registry_->schema(2)), record_of({"x", "y"}));
    const FoundVersion latest = value_of(registry_->version("a", kLatest, false));
    EXPECT_EQ(std::tuple(latest.version, latest.id, latest.schema),
              std::tuple(2, 2, record_of({"x", "y"})));
    EXPECT_EQ(value_of(registry_->look_up("b", record_of({"x", "y"}), false)).version, 1);
    const auto both = value_of(registry_->versions_of(2, false));
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(std::pair(both[1].subject, both[1].version), std::pair(std::string("b"), int64_t{1}));
  }
  EXPECT_EQ(add("c", record_of({"z"})), 3);
}

TEST_F(RegistryTest, WhatIsNotThereIsNamed) {
  add("a", record_of({"x"}));
  EXPECT_EQ(code_of(registry_->version("b", 1, false)), 40401);
  EXPECT_EQ(code_of(registry_->versions("b", Deleted::with)), 40401);
  EXPECT_EQ(code_of(registry_->version("a", 2, false)), 40402);
  EXPECT_EQ(code_of(registry_->schema(2)), 40403);
  EXPECT_EQ(code_of(registry_->versions_of(2, true)), 40403);
  EXPECT_EQ(code_of(registry_->look_up("a", record_of({"y"}), false)), 40403);
  EXPECT_EQ(code_of(registry_->look_up("b", record_of({"y"}), false)), 40401);
  EXPECT_EQ(code_of(registry_->level("a", false)), 40408);
  EXPECT_EQ(code_of(registry_->mode("a", false)), 40409);
  EXPECT_EQ(code_of(registry_->reset_level("a")), 40401);
  EXPECT_EQ(code_of(registry_->reset_mode("a")), 40401);
  EXPECT_EQ(code_of(registry_->add("a", {.schema = "{}"})), 42201);
  EXPECT_EQ(code_of(registry_->add("", {.schema = "\"int\""})), 42208);
  EXPECT_EQ(code_of(registry_->add("a\nb", {.schema = "\"int\""})), 42208);
  EXPECT_EQ(code_of(registry_->add("\xff", {.schema = "\"int\""})), 42208);
}

TEST_F(RegistryTest, ANewVersionGetsOnWithTheOlderOnes) {
  add("a", record_of({"x"}));
  const auto other = registry_->add("a", {.schema = record_of({"y"})});
  EXPECT_EQ(code_of(other), 409);
  EXPECT_THAT(std::get<Refusal>(other).message,
              HasSubstr("version 1 writes: READER_FIELD_MISSING_DEFAULT_VALUE at /fields/0"));
  EXPECT_EQ(value_of(registry_->set_level("a", Level::none)), Level::none);
  EXPECT_EQ(add("a", record_of({"y"})), 2);
  // The latest one alone, or with "transitive" all.
  const std::string next = record_of({"y", "z"});
  EXPECT_EQ(value_of(registry_->set_level("a", Level::backward_transitive)),
            Level::backward_transitive);
  EXPECT_EQ(code_of(registry_->add("a", {.schema = next})), 409);
  EXPECT_THAT(value_of(registry_->check("a", next, kLatest)), IsEmpty());
  EXPECT_EQ(value_of(registry_->check("a", next, 1)).size(), 1U);
  EXPECT_EQ(value_of(registry_->check("a", next, std::nullopt)).size(), 1U);
  EXPECT_EQ(code_of(registry_->check("a", next, 7)), 40402);
  EXPECT_EQ(code_of(registry_->check("b", next, 1)), 40401);
  EXPECT_THAT(value_of(registry_->check("b", next, kLatest)), IsEmpty());
  EXPECT_EQ(value_of(registry_->set_level("a", Level::backward)), Level::backward);
  EXPECT_EQ(add("a", next), 3);
}

TEST_F(RegistryTest, LevelsAreOfASubjectOrOfAll) {
  EXPECT_EQ(value_of(registry_->level(std::nullopt, false)), Level::backward);
  EXPECT_EQ(value_of(registry_->set_level(std::nullopt, Level::full)), Level::full);
  EXPECT_EQ(value_of(registry_->level("a", true)), Level::full);
  EXPECT_EQ(value_of(registry_->set_level("a", Level::forward)), Level::forward);
  reopen();
  EXPECT_EQ(value_of(registry_->level("a", false)), Level::forward);
  EXPECT_THAT(registry_->subjects(Deleted::with, ""), IsEmpty()) << "it has no version";
  EXPECT_EQ(value_of(registry_->reset_level("a")), Level::forward);
  EXPECT_EQ(value_of(registry_->level("a", true)), Level::full);
  EXPECT_EQ(value_of(registry_->reset_level(std::nullopt)), Level::full);
  EXPECT_EQ(value_of(registry_->level(std::nullopt, false)), Level::backward);
}

TEST_F(RegistryTest, WhatIsDeletedSoftlyCanBeAskedForAndWhatIsDeletedForGoodNot) {
  add("a", record_of({"x"}));
  add("a", record_of({"x", "y"}));
  EXPECT_EQ(code_of(registry_->delete_version("a", 1, true)), 40407);
  EXPECT_EQ(value_of(registry_->delete_version("a", 1, false)), 1);
  EXPECT_EQ(code_of(registry_->delete_version("a", 1, false)), 40406);
  EXPECT_EQ(code_of(registry_->delete_version("a", 9, false)), 40402);
  reopen();
  EXPECT_EQ(code_of(registry_->version("a", 1, false)), 40402);
  EXPECT_EQ(value_of(registry_->version("a", 1, true)).id, 1);
  EXPECT_EQ(value_of(registry_->schema(1)), record_of({"x"}));
  EXPECT_THAT(value_of(registry_->versions("a", Deleted::without)), ElementsAre(2));
  EXPECT_THAT(value_of(registry_->versions("a", Deleted::only)), ElementsAre(1));
  EXPECT_THAT(value_of(registry_->versions_of(1, false)), IsEmpty());
  EXPECT_EQ(add("a", record_of({"x"})), 1) << "its id stays";
  EXPECT_THAT(value_of(registry_->versions("a", Deleted::with)), ElementsAre(1, 2, 3));

  EXPECT_EQ(code_of(registry_->delete_subject("a", true)), 40405);
  EXPECT_THAT(value_of(registry_->delete_subject("a", false)), ElementsAre(2, 3));
  EXPECT_EQ(code_of(registry_->delete_subject("a", false)), 40404);
  EXPECT_EQ(code_of(registry_->versions("a", Deleted::without)), 40401);
  EXPECT_THAT(registry_->subjects(Deleted::without, ""), IsEmpty());
  EXPECT_THAT(registry_->subjects(Deleted::only, ""), ElementsAre("a"));
  EXPECT_THAT(value_of(registry_->delete_subject("a", true)), ElementsAre(1, 2, 3));
  EXPECT_EQ(code_of(registry_->delete_subject("a", true)), 40401);
  EXPECT_EQ(code_of(registry_->schema(1)), 40403);
  reopen();
  EXPECT_THAT(registry_->subjects(Deleted::with, ""), IsEmpty());
  EXPECT_EQ(add("b", record_of({"x", "y"})), 2) << "no id is ever another schema's";
  EXPECT_EQ(value_of(registry_->version("b", kLatest, false)).version, 1);
}

TEST_F(RegistryTest, ABookKnowsWhatEverHadAnId) {
  RegistryBook empty;
  ASSERT_TRUE(empty.read(disk_, "/data/none"));
  EXPECT_FALSE(empty.find(1));
  add("a", record_of({"x"}));
  value_of(registry_->delete_subject("a", false));
  value_of(registry_->delete_subject("a", true));
  RegistryBook read;
  ASSERT_TRUE(read.read(disk_, kDir));
  RegistryBook used;
  used.use(*registry_);
  add("b", record_of({"y"}));
  EXPECT_EQ(read.find(1), record_of({"x"}));
  EXPECT_FALSE(read.find(2)) << "it has what was there";
  EXPECT_EQ(used.find(1), record_of({"x"}));
  EXPECT_EQ(used.find(2), record_of({"y"}));
}

TEST_F(RegistryTest, ASubjectThatIsDeletedLosesItsSettings) {
  add("a", record_of({"x"}));
  value_of(registry_->set_level("a", Level::full));
  value_of(registry_->delete_version("a", kLatest, false));
  EXPECT_EQ(code_of(registry_->level("a", false)), 40408);
  EXPECT_EQ(value_of(registry_->delete_version("a", kLatest, true)), 1);
}

TEST_F(RegistryTest, ModesSayWhoMayWrite) {
  add("a", record_of({"x"}));
  value_of(registry_->set_mode("a", Mode::read_only, false));
  EXPECT_EQ(code_of(registry_->add("a", {.schema = record_of({"x", "y"})})), 42205);
  EXPECT_EQ(code_of(registry_->delete_subject("a", false)), 42205);
  EXPECT_EQ(code_of(registry_->set_level("a", Level::none)), 42205);
  EXPECT_EQ(add("b", record_of({"x"})), 1);
  value_of(registry_->set_mode("a", Mode::read_write, false));
  value_of(registry_->set_mode(std::nullopt, Mode::read_only, false));
  EXPECT_EQ(add("a", record_of({"x", "y"})), 2) << "the subject's own mode counts";
  value_of(registry_->set_mode(std::nullopt, Mode::read_only_override, false));
  EXPECT_EQ(code_of(registry_->add("a", {.schema = record_of({"x", "z"})})), 42205);
  EXPECT_EQ(value_of(registry_->reset_mode(std::nullopt)), Mode::read_only_override);
  EXPECT_EQ(value_of(registry_->mode("c", true)), Mode::read_write);
}

TEST_F(RegistryTest, IdsComeFromOutsideInTheModeImport) {
  const Candidate candidate{.schema = record_of({"x"}), .id = 70, .version = 5};
  EXPECT_EQ(code_of(registry_->add("a", candidate)), 42205);
  value_of(registry_->set_mode("a", Mode::import, false));
  EXPECT_EQ(code_of(registry_->add("a", {.schema = record_of({"x"})})), 42205) << "it has no id";
  EXPECT_EQ(value_of(registry_->add("a", candidate)), 70);
  EXPECT_EQ(value_of(registry_->add("a", candidate)), 70) << "once more";
  EXPECT_EQ(code_of(registry_->add("a", {.schema = record_of({"y"}), .id = 70})), 42207);
  EXPECT_EQ(code_of(registry_->add("a", {.schema = record_of({"y"}), .id = 71, .version = 5})),
            42205);
  EXPECT_EQ(value_of(registry_->add("a", {.schema = record_of({"y"}), .id = 3, .version = 2})), 3)
      << "it is compared with none";
  reopen();
  EXPECT_THAT(value_of(registry_->versions("a", Deleted::without)), ElementsAre(2, 5));
  EXPECT_EQ(add("b", record_of({"z"})), 71);
  EXPECT_EQ(code_of(registry_->set_mode("b", Mode::import, false)), 42205);
  EXPECT_EQ(value_of(registry_->set_mode("b", Mode::import, true)), Mode::import);
}

TEST_F(RegistryTest, ManyThreadsGetOneIdForASchema) {
  std::vector<std::thread> threads;
  std::vector<std::vector<int64_t>> ids(4);
  for (size_t t = 0; t < ids.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const std::string schema = record_of({"x", "y" + std::to_string(i)});
        ids[t].push_back(std::get<int64_t>(
            registry_->add("s" + std::to_string(i % 3) + std::to_string(t), {.schema = schema})));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& of_thread : ids) EXPECT_EQ(of_thread, ids[0]);
  EXPECT_EQ(std::set<int64_t>(ids[0].begin(), ids[0].end()).size(), 20U);
  reopen();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(value_of(registry_->schema(ids[0][static_cast<size_t>(i)])),
              record_of({"x", "y" + std::to_string(i)}));
}

}  // namespace
}  // namespace adweave::registry
