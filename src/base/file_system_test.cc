// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

namespace adweave {
namespace {

class FileSystemTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "adweave-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string path(std::string_view name) const { return join_path(dir_, name); }

  std::string dir_;
  std::unique_ptr<FileSystem> fs_ = make_posix_file_system();
};

TEST_F(FileSystemTest, WhatWasWrittenIsReadBack) {
  ASSERT_TRUE(write_synced(*fs_, path("a"), "hello"));
  EXPECT_EQ(*read_file(*fs_, path("a"), 100), "hello");
  EXPECT_EQ(fs_->info(path("a"))->size, 5);
  EXPECT_FALSE(read_file(*fs_, path("a"), 4));
}

TEST_F(FileSystemTest, CreateAndLinkNeverReplace) {
  ASSERT_TRUE(write_synced(*fs_, path("a"), "1"));
  ASSERT_TRUE(write_synced(*fs_, path("b"), "2"));
  EXPECT_EQ(fs_->create_exclusive(path("a")).error().code, ErrorCode::exists);
  EXPECT_EQ(fs_->link(path("b"), path("a")).error().code, ErrorCode::exists);
  EXPECT_EQ(*read_file(*fs_, path("a"), 100), "1");
}

TEST_F(FileSystemTest, ReplaceFileSurvivesALeftOverTemporary) {
  ASSERT_TRUE(write_synced(*fs_, path("t"), "torn"));
  ASSERT_TRUE(replace_file(*fs_, path("t"), path("a"), "new"));
  EXPECT_EQ(*read_file(*fs_, path("a"), 100), "new");
  EXPECT_FALSE(fs_->exists(path("t")));
}

TEST_F(FileSystemTest, MakeDirsMakesWhatIsMissingAndRefusesAFile) {
  EXPECT_TRUE(make_dirs(*fs_, path("x/y/z")));
  EXPECT_TRUE(make_dirs(*fs_, path("x/y/z")));
  EXPECT_TRUE(fs_->info(path("x/y/z"))->is_directory);
  ASSERT_TRUE(write_synced(*fs_, path("f"), ""));
  EXPECT_FALSE(make_dirs(*fs_, path("f")));
}

TEST_F(FileSystemTest, ErrorsNameThePathAndTheCause) {
  const Error error = fs_->open(path("missing")).error();
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_NE(error.message.find(path("missing")), std::string::npos);
  EXPECT_NE(error.message.find("No such file"), std::string::npos);
}

TEST_F(FileSystemTest, AHeldLockNamesItsHolder) {
  const auto first = fs_->lock(path("lock"), "process 1 on host a", false);
  ASSERT_TRUE(first);
  const auto second = fs_->lock(path("lock"), "process 2 on host b", false);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::locked);
  EXPECT_NE(second.error().message.find("process 1 on host a"), std::string::npos);
}

TEST_F(FileSystemTest, ALockIsFreeAgainWhenItsHolderIsGone) {
  {
    ASSERT_TRUE(fs_->lock(path("lock"), "first", false));
  }
  EXPECT_TRUE(fs_->lock(path("lock"), "second", false));
}

TEST_F(FileSystemTest, TakeOverReplacesAHeldLock) {
  const auto hung = fs_->lock(path("lock"), "hung", false);
  const auto taken = fs_->lock(path("lock"), "new", true);
  ASSERT_TRUE(taken);
  EXPECT_FALSE((*hung)->is_held());
  EXPECT_TRUE((*taken)->is_held());
  EXPECT_EQ(fs_->lock(path("lock"), "third", false).error().message,
            path("lock") + ": held by new");
}

// In two containers both may be process 1.
TEST_F(FileSystemTest, TakeOverIsSeenWhateverTheHoldersAreCalled) {
  const auto hung = fs_->lock(path("lock"), "process 1 on host a", false);
  ASSERT_TRUE(hung);
  EXPECT_TRUE((*hung)->is_held());
  ASSERT_TRUE(fs_->lock(path("lock"), "process 1 on host a", true));
  EXPECT_FALSE((*hung)->is_held());
}

}  // namespace
}  // namespace adweave
