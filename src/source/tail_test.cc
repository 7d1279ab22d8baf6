// SPDX-License-Identifier: Apache-2.0
#include "source/tail.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace adweave::source {
namespace {

// Lines, behind a head of one line that begins with #.
class HeadedLines : public event::RecordCutter {
 public:
  Result<std::optional<int64_t>> head(std::string_view start, bool at_end) override {
    if (!start.starts_with('#')) return std::optional<int64_t>(0);
    const size_t end = start.find('\n');
    if (end != std::string_view::npos) return std::optional(static_cast<int64_t>(end) + 1);
    return at_end ? std::optional(static_cast<int64_t>(start.size())) : std::nullopt;
  }
  std::optional<int64_t> cut(std::string_view bytes, int64_t target, bool at_end) override {
    const size_t end = bytes.find('\n', static_cast<size_t>(target) - 1);
    if (end != std::string_view::npos) return static_cast<int64_t>(end) + 1;
    return at_end ? std::optional(static_cast<int64_t>(bytes.size())) : std::nullopt;
  }
};

class Unpacked : public event::ByteTransform {
  Step run(std::string_view, bool, std::string&, size_t) override { return {}; }
};

class TailTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "tail-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    std::filesystem::create_directory(folder_ / "logs");
    begin({});
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // As after a start of the process.
  void begin(const std::vector<TailPosition>& known,
             std::vector<std::string> patterns = {"logs/*.log"}) {
    const FileFormat format{[](std::string_view start) {
                              return start.starts_with("packed") ? std::make_unique<Unpacked>()
                                                                 : nullptr;
                            },
                            [] { return std::make_unique<HeadedLines>(); }};
    tail_ = std::make_unique<Tail>(
        *fs_, TailSource{"ads", folder_.string(), std::move(patterns), format}, known,
        [this](const Error& error) { told_.push_back(error.message); });
  }
  void begin_again() { begin(std::vector(tail_->positions())); }

  std::filesystem::path path(const char* name) const { return folder_ / "logs" / name; }
  void append(const char* name, std::string_view text) const {
    std::ofstream(path(name), std::ios::app | std::ios::binary) << text;
  }
  void move(const char* from, const char* to) const {
    std::filesystem::rename(path(from), path(to));
  }

  // What a look finds, and all of it is kept.
  std::string looked(int64_t seconds = 0) {
    now_ += seconds * limits::kSecondUs + 1;
    tail_->look(now_);
    std::string all;
    while (true) {
      const std::vector<TailDelivery> deliveries = tail_->read();
      if (deliveries.empty()) return all;
      for (const TailDelivery& each : deliveries) {
        all += each.body;
        tail_->took(each);
      }
    }
  }

  const std::unique_ptr<FileSystem> fs_ = make_posix_file_system();
  std::filesystem::path folder_;
  std::unique_ptr<Tail> tail_;
  std::vector<std::string> told_;
  int64_t now_ = 1'000 * limits::kSecondUs;
};

TEST_F(TailTest, WholeRecordsAreReadOnce) {
  EXPECT_EQ(looked(), "");
  append("a.log", "1\n2\n3");
  append("b.log", "x\n");
  append("c.txt", "no\n");
  EXPECT_EQ(looked(), "1\n2\nx\n");
  EXPECT_EQ(tail_->counts().bytes_behind, 1);
  EXPECT_EQ(looked(10), "") << "its name is still written to";
  append("a.log", "4\n");
  EXPECT_EQ(looked(), "34\n");
  begin_again();
  EXPECT_EQ(looked(), "");
  append("a.log", "5\n");
  EXPECT_EQ(looked(), "5\n");
  EXPECT_TRUE(told_.empty());
}

TEST_F(TailTest, WhatIsNotKeptIsReadAgain) {
  append("a.log", "1\n");
  tail_->look(now_);
  ASSERT_EQ(tail_->read().size(), 1U);
  append("a.log", "2\n");
  EXPECT_EQ(looked(), "1\n2\n");
}

TEST_F(TailTest, EachDeliveryBeginsWithTheHead) {
  append("a.log", "#id");
  EXPECT_EQ(looked(), "");
  append("a.log", ",time\n");
  EXPECT_EQ(looked(), "") << "there is no record";
  append("a.log", "1\n");
  EXPECT_EQ(looked(), "#id,time\n1\n");
  append("a.log", "2\n");
  begin_again();
  EXPECT_EQ(looked(), "#id,time\n2\n");
  EXPECT_EQ(tail_->positions()[0].after, 13);
}

TEST_F(TailTest, ABatchIsNamedAfterTheBytesThatItIsOf) {
  append("a.log", "1\n");
  looked();
  append("a.log", "22\n");
  tail_->look(++now_);
  const std::vector<TailDelivery> deliveries = tail_->read();
  ASSERT_EQ(deliveries.size(), 1U);
  const auto batch = parse_tail_batch(deliveries[0].batch);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->begin, 2);
  EXPECT_EQ(batch->position.after, 5);
  EXPECT_EQ(batch->position.name, "logs/a.log");
  EXPECT_EQ(batch->position.head, hash128("1\n22\n"));
}

TEST_F(TailTest, ARenamedFileIsReadToItsEnd) {
  append("a.log", "1\n");
  EXPECT_EQ(looked(), "1\n");
  move("a.log", "a.log.1");
  append("a.log.1", "2\n3");
  append("a.log", "x\n");
  EXPECT_EQ(looked(), "2\nx\n");
  EXPECT_EQ(looked(4), "");
  EXPECT_EQ(looked(2), "3") << "it came to rest";
  move("a.log.1", "a.log.2");
  append("a.log.2", "late\n");
  EXPECT_EQ(looked(), "late\n") << "it is known for as long as it is there";
  EXPECT_EQ(looked(6), "");
  EXPECT_EQ(tail_->positions().size(), 2U);
  std::filesystem::remove(path("a.log.2"));
  EXPECT_EQ(looked() + looked(6), "");
  EXPECT_EQ(tail_->positions().size(), 1U);
  EXPECT_TRUE(told_.empty());
}

TEST_F(TailTest, AFileThatWasRenamedBetweenTwoStartsIsFound) {
  append("a.log", "1\n");
  EXPECT_EQ(looked(), "1\n");
  append("a.log", "2\n");
  move("a.log", "a.log.1");
  append("a.log", "x\n");
  begin_again();
  EXPECT_EQ(looked(), "2\nx\n");
  EXPECT_TRUE(told_.empty());
}

TEST_F(TailTest, ANameThatFitsBeforeAndAfterIsOneFile) {
  append("a.log", "1\n");
  looked();
  move("a.log", "b.log");
  append("b.log", "2\n");
  EXPECT_EQ(looked(), "2\n");
  std::filesystem::create_hard_link(path("b.log"), path("c.log"));
  EXPECT_EQ(looked(), "");
  EXPECT_EQ(tail_->counts().files, 1);
}

// So patterns should fit the rotated names too: a file that nobody saw under its first one is
// found.
TEST_F(TailTest, ARenamedFileThatIsStillNamedIsReadToItsEnd) {
  begin({}, {"logs/a.log*"});
  append("a.log", "1\n2");
  EXPECT_EQ(looked(), "1\n");
  move("a.log", "a.log.1");
  append("a.log.2", "missed\n");
  append("a.log.3.gz", "packed\n");
  EXPECT_EQ(looked(), "missed\n");
  append("a.log", "x\ny");
  EXPECT_EQ(looked(), "x\n");
  EXPECT_EQ(looked(6), "2");
  EXPECT_EQ(looked(6), "");
  EXPECT_EQ(tail_->counts().files, 3);
  begin_again();
  EXPECT_EQ(looked() + looked(6), "");
  append("a.log.1", "late\n");
  EXPECT_EQ(looked(), "late\n");
  EXPECT_TRUE(told_.empty());
}

TEST_F(TailTest, ARemovedFileIsReadForAsLongAsItIsOpen) {
  append("a.log", "1\n");
  looked();
  append("a.log", "2\n3");
  std::filesystem::remove(path("a.log"));
  EXPECT_EQ(looked(), "2\n");
  EXPECT_EQ(looked(6), "3");
  EXPECT_EQ(looked(6) + looked(6), "");
  EXPECT_EQ(tail_->counts().files, 0);
  EXPECT_TRUE(tail_->positions().empty());
  EXPECT_EQ(tail_->counts().lost, 0);
}

TEST_F(TailTest, AFileThatIsGoneAfterAStartIsTold) {
  append("a.log", "1\n");
  looked();
  std::filesystem::rename(path("a.log"), folder_ / "kept");  // so that its number is not free
  begin_again();
  EXPECT_EQ(looked(), "");
  EXPECT_EQ(tail_->counts().lost, 0) << "it may just be renamed";
  looked(6);
  EXPECT_EQ(tail_->counts().lost, 1);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_NE(told_[0].find("logs/a.log is gone"), std::string::npos);
  EXPECT_TRUE(tail_->positions().empty());
}

TEST_F(TailTest, AFileThatIsDoneMayGo) {
  append("a.log", "1\n");
  looked();
  move("a.log", "a.log.1");
  looked();
  looked(6);
  std::filesystem::remove(path("a.log.1"));
  begin_again();
  looked();
  looked(6);
  EXPECT_TRUE(told_.empty());
  EXPECT_TRUE(tail_->positions().empty());
}

TEST_F(TailTest, AFileThatIsCutOffIsReadFromItsBegin) {
  append("a.log", "1\n2\n");
  looked();
  std::filesystem::resize_file(path("a.log"), 0);
  EXPECT_EQ(looked(), "");
  append("a.log", "3\n");
  EXPECT_EQ(looked(), "3\n");
  std::filesystem::resize_file(path("a.log"), 0);
  append("a.log", "longer than before\n");
  EXPECT_EQ(looked() + looked(), "longer than before\n");
  std::filesystem::resize_file(path("a.log"), 0);
  append("a.log", "x\n");
  begin_again();
  EXPECT_EQ(looked(), "x\n");
  EXPECT_EQ(tail_->counts().begun_anew, 1) << "of this start";
  EXPECT_EQ(told_.size(), 3U);
}

// The system gives the number of a file that is gone to a new one.
TEST_F(TailTest, ANumberThatIsUsedAgainIsAnotherFile) {
  append("a.log", "1\n");
  looked();
  move("a.log", "a.log.1");
  looked();
  looked(6);
  std::ofstream(path("a.log.1")) << "of somebody else\n";
  EXPECT_EQ(looked() + looked(6), "") << "nobody named it";
  EXPECT_EQ(tail_->counts().files, 0);
  append("b.log", "2\n");
  EXPECT_EQ(looked(), "2\n");
  move("b.log", "b.log.1");
  looked();
  looked(6);
  std::ofstream(path("b.log.1")) << "3\n4\n";
  move("b.log.1", "c.log");
  EXPECT_EQ(looked(), "3\n4\n");
  EXPECT_TRUE(told_.empty());
}

TEST_F(TailTest, AFileThatIsMovedToAnotherFolderIsTheSame) {
  std::filesystem::create_directory(folder_ / "logs.d");
  begin({}, {"logs/*.log", "logs.d/*.log"});
  append("a.log", "");
  looked();
  append("a.log", "1\n");
  std::filesystem::rename(path("a.log"), folder_ / "logs.d" / "a.log");
  EXPECT_EQ(looked(), "1\n");
  std::filesystem::rename(folder_ / "logs.d" / "a.log", path("b.log"));
  append("b.log", "2\n");
  EXPECT_EQ(looked(), "2\n");
  EXPECT_EQ(tail_->counts().files, 1);
}

TEST_F(TailTest, ALineThatIsTooLongIsCut) {
  const std::string much(limits::kDeliveryBytesMax + 5, 'x');
  append("a.log", much + "\n1\n");
  EXPECT_EQ(looked(), much + "\n1\n");
}

TEST_F(TailTest, WhatIsCompressedIsToldOnceAndNotRead) {
  append("a.log", "packed\n");
  EXPECT_EQ(looked(), "");
  append("a.log", "more\n");
  EXPECT_EQ(looked(), "");
  EXPECT_EQ(told_.size(), 1U);
  EXPECT_EQ(tail_->counts().files, 0);
}

}  // namespace
}  // namespace adweave::source
