// SPDX-License-Identifier: Apache-2.0
#include "source/file_source.h"

#include <gtest/gtest.h>

#include "source/slice_reader.h"
#include "tests/support/simulated_disk.h"

namespace adweave::source {
namespace {

using tests::SimulatedDisk;

// Records end at '\n'; no head.
class NewlineCutter : public event::RecordCutter {
 public:
  Result<std::optional<int64_t>> head(std::string_view, bool) override {
    return std::optional<int64_t>(0);
  }
  std::optional<int64_t> cut(std::string_view bytes, int64_t target, bool at_end) override {
    const size_t end = bytes.find('\n', static_cast<size_t>(std::max<int64_t>(target - 1, 0)));
    if (end != std::string_view::npos) return static_cast<int64_t>(end) + 1;
    return at_end ? std::optional<int64_t>(static_cast<int64_t>(bytes.size())) : std::nullopt;
  }
};

class FileSourceTest : public ::testing::Test {
 protected:
  std::vector<SourceFile> find(std::vector<std::string> patterns) {
    auto found = find_files(disk_, "/in", patterns);
    CHECK(found);
    for (SourceFile& file : *found) CHECK(identify(disk_, file));
    return *found;
  }
  std::vector<std::string> slices(const SourceFile& file, int64_t begin, int64_t slice_bytes) {
    auto reader = SliceReader::open(disk_, file, "s", begin, slice_bytes, format_);
    CHECK(reader);
    std::vector<std::string> pieces;
    while (true) {
      auto slice = reader->next();
      CHECK(slice);
      if (!*slice) return pieces;
      EXPECT_EQ((*slice)->received_time, file.modified_us);
      pieces.push_back(*(*slice)->bytes);
    }
  }
  static ReadBefore read(const SourceFile& file, int64_t after) {
    return {file.name, file.size, file.hash, after, after == file.size};
  }

  SimulatedDisk disk_;
  FileFormat format_ = {[](std::string_view) { return nullptr; },
                        [] { return std::make_unique<NewlineCutter>(); }};
};

TEST_F(FileSourceTest, PatternsFindEachFileOnceInOrder) {
  for (const char* name :
       {"/in/b.csv", "/in/a.csv", "/in/x.txt", "/in/sub/c.csv", "/in/.hidden.csv"})
    disk_.put(name, name, 5);
  const auto files = find({"*.csv", "a.csv", "s?b/*.csv", "/in/x.txt"});
  ASSERT_EQ(files.size(), 4U);
  EXPECT_EQ(files[0].name, "a.csv");
  EXPECT_EQ(files[2].name, "sub/c.csv");
  EXPECT_EQ(files[3].size, 9);
  EXPECT_EQ(files[3].modified_us, 5);
  EXPECT_TRUE(find({"nothing*"}).empty());
  const std::string missing[] = {"missing.csv"};
  EXPECT_EQ(find_files(disk_, "/in", missing).error().code, ErrorCode::not_found);
}

// A program that makes and removes files does so while they are listed; not each folder has all.
TEST_F(FileSourceTest, WhatIsGoneSinceItWasListedIsPassedOver) {
  class Changing : public SimulatedDisk {
    Result<std::vector<std::string>> list(const std::string& path) const override {
      ADWEAVE_ASSIGN(std::vector<std::string> names, SimulatedDisk::list(path));
      names.push_back("gone");
      return names;
    }
  };
  Changing disk;
  disk.put("/in/there", "x", 0);
  disk.put("/in/sub/there", "x", 0);
  for (const std::string pattern : {"*", "*/there"}) {
    const auto files = find_files(disk, "/in", {&pattern, 1});
    ASSERT_TRUE(files) << files.error().message;
    EXPECT_EQ(files->size(), 1U) << pattern;
  }
}

TEST_F(FileSourceTest, SameContentAddsNothingAndAGrownFileGoesOn) {
  disk_.put("/in/a", "one\ntwo\n", 0);
  const SourceFile a = find({"a"})[0];
  disk_.put("/in/copy", "one\ntwo\n", 0);
  const ReadBefore known[] = {read(a, 8)};
  EXPECT_EQ(resume_at(disk_, find({"copy"})[0], known)->begin, 8);
  disk_.put("/in/a", "one\ntwo\nthree\n", 0);
  EXPECT_EQ(resume_at(disk_, find({"a"})[0], known)->begin, 8);
  disk_.put("/in/other", "one\ntwo\nthree\n", 0);
  EXPECT_EQ(resume_at(disk_, find({"other"})[0], known)->begin, 0);
  disk_.put("/in/a", "ONE\ntwo\nthree\n", 0);
  EXPECT_EQ(resume_at(disk_, find({"a"})[0], known)->begin, 0);
}

TEST_F(FileSourceTest, SlicesAreCutAtTheSamePlacesWhereverReadingBegins) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "record " + std::to_string(i) + "\n";
  disk_.put("/in/a", text, 7);
  const SourceFile file = find({"a"})[0];
  const auto all = slices(file, 0, 64);
  std::string joined;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto rest = slices(file, static_cast<int64_t>(joined.size()), 64);
    EXPECT_TRUE(std::equal(all.begin() + static_cast<std::ptrdiff_t>(i), all.end(), rest.begin(),
                           rest.end()));
    joined += all[i];
  }
  EXPECT_EQ(joined, text);
  EXPECT_GT(all.size(), 10U);
}

TEST_F(FileSourceTest, ARecordWithoutEndIsCutByForce) {
  disk_.put("/in/a", std::string(40 << 20, 'x'), 0);
  const auto pieces = slices(find({"a"})[0], 0, 1024);
  EXPECT_GT(pieces.size(), 1U);
  for (const std::string& piece : pieces) EXPECT_LT(piece.size(), size_t{36} << 20);
}

TEST_F(FileSourceTest, AFileThatShrinksIsAClearError) {
  disk_.put("/in/a", "one\ntwo\nthree\n", 0);
  const SourceFile file = find({"a"})[0];
  auto reader = SliceReader::open(disk_, file, "s", 0, 4, format_);
  disk_.put("/in/b", "one\n", 0);
  SourceFile longer = find({"b"})[0];
  longer.size = 100;
  auto other = SliceReader::open(disk_, longer, "s", 0, 4, format_);
  EXPECT_FALSE(other);
  EXPECT_NE(other.error().message.find("shorter"), std::string::npos);
}

TEST_F(FileSourceTest, AnEmptyFileIsOneEmptySliceThatSaysItIsTheLast) {
  disk_.put("/in/a", "", 0);
  EXPECT_EQ(slices(find({"a"})[0], 0, 4), std::vector<std::string>{""});
}

TEST(SliceBuffers, MemoryComesBackWhenNobodyHoldsIt) {
  SliceBuffers buffers;
  EXPECT_TRUE(buffers.take().empty());
  std::shared_ptr<const std::string> slice = buffers.lend(std::string(1000, 'a'));
  const char* memory = slice->data();
  EXPECT_NE(buffers.take().data(), memory);
  std::shared_ptr<const std::string> second = slice;
  slice.reset();
  EXPECT_EQ(*second, std::string(1000, 'a'));
  EXPECT_NE(buffers.take().data(), memory);
  SliceBuffers same = buffers;
  second.reset();
  const std::string again = same.take();
  EXPECT_TRUE(again.empty());
  EXPECT_EQ(again.data(), memory);
}

}  // namespace
}  // namespace adweave::source
