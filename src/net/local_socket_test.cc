// SPDX-License-Identifier: Apache-2.0
#include "net/local_socket.h"

#include <atomic>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

namespace adweave::net {
namespace {

constexpr std::chrono::seconds kPatience{30};

class LocalSocketTest : public ::testing::Test {
 protected:
  LocalSocketTest() {
    std::string name = ::testing::TempDir() + "adweave-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~LocalSocketTest() override {
    ::unlink(path().c_str());
    ::rmdir(folder_.c_str());
  }
  std::string path() const { return folder_ + "/adweave.sock"; }

  std::unique_ptr<LocalServer> start(LocalServer::Answer answer) const {
    auto server = LocalServer::start(path(), std::move(answer));
    if (!server) ADD_FAILURE() << server.error().message;
    return server ? *std::move(server) : nullptr;
  }

  std::string folder_;
};

std::string echo(const std::string& question) {
  return "you said " + question;
}

TEST_F(LocalSocketTest, AQuestionIsAnswered) {
  const auto server = start(echo);
  for (const std::string& question :
       {std::string("hello"), std::string(), std::string(1 << 20, 'x')})
    EXPECT_EQ(*ask_local(path(), question, kPatience), echo(question));
}

TEST_F(LocalSocketTest, OnlyItsUserMayConnect) {
  const auto server = start(echo);
  struct stat entry{};
  ASSERT_EQ(::stat(path().c_str(), &entry), 0);
  EXPECT_EQ(entry.st_mode & 0777, 0600U);
}

TEST_F(LocalSocketTest, NobodyListens) {
  EXPECT_EQ(ask_local(path(), "hello", kPatience).error().code, ErrorCode::not_found);
  {
    const auto server = start(echo);
  }
  EXPECT_NE(::access(path().c_str(), F_OK), 0) << "the socket stays";
  EXPECT_EQ(ask_local(path(), "hello", kPatience).error().code, ErrorCode::not_found);
  EXPECT_EQ(ask_local(folder_ + "/none/adweave.sock", "", kPatience).error().code,
            ErrorCode::not_found);
}

// As a server that was killed leaves it, or one that was taken over.
TEST_F(LocalSocketTest, ASocketThatIsLeftIsReplaced) {
  auto first = start(echo);
  const auto second = start([](const std::string&) { return "second"; });
  EXPECT_EQ(*ask_local(path(), "hello", kPatience), "second");
  first.reset();  // does not take the other's away
  EXPECT_EQ(*ask_local(path(), "hello", kPatience), "second");
}

TEST_F(LocalSocketTest, ManyAskAtOnce) {
  const auto server = start(echo);
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 20; ++j) {
        const std::string question = std::to_string(i * 100 + j);
        const auto answer = ask_local(path(), question, kPatience);
        if (answer && *answer == echo(question)) ++answered;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 160);
}

TEST_F(LocalSocketTest, AnEndWaitsForTheAnswer) {
  std::atomic<bool> is_asked = false;
  std::atomic<bool> may_end = false;
  auto server = start([&](const std::string&) {
    is_asked = true;
    while (!may_end) std::this_thread::yield();
    return "done";
  });
  std::thread asking([&] {
    const auto answer = ask_local(path(), "work", kPatience);  // answered or not, it does not hang
    EXPECT_TRUE(!answer || *answer == "done");
  });
  while (!is_asked) std::this_thread::yield();
  std::thread ending([&] { server.reset(); });
  may_end = true;
  ending.join();
  asking.join();
}

TEST_F(LocalSocketTest, AnAnswerThatDoesNotComeIsAnError) {
  std::atomic<bool> may_end = false;
  const auto server = start([&](const std::string&) {
    while (!may_end) std::this_thread::yield();
    return "late";
  });
  EXPECT_EQ(ask_local(path(), "hello", std::chrono::milliseconds(20)).error().code, ErrorCode::io);
  may_end = true;
}

}  // namespace
}  // namespace adweave::net
