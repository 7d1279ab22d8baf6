// SPDX-License-Identifier: Apache-2.0
#include "net/line_receiver.h"

#include <condition_variable>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio.hpp>
#include <gtest/gtest.h>
#include <unistd.h>

namespace adweave::net {
namespace {

constexpr LineOptions kOptions = {1 << 20, 1000, 4};

// What was taken, and whether more is.
class Taken {
 public:
  LineReceiver::Take take() {
    return [this](std::string lines) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return !is_held_; });
      if (!takes_) return false;
      all_ += lines;
      pieces_.push_back(std::move(lines));
      changed_.notify_all();
      return true;
    };
  }
  void expect(const std::string& all) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(30), [&] { return all_.size() >= all.size(); });
    EXPECT_TRUE(all_ == all) << all_.size() << " bytes, not " << all.size();
  }
  void hold(bool is_held) {
    const std::lock_guard guard(mutex_);
    is_held_ = is_held;
    changed_.notify_all();
  }
  void refuse() {
    const std::lock_guard guard(mutex_);
    takes_ = false;
  }
  std::vector<std::string> pieces() {
    const std::lock_guard guard(mutex_);
    return pieces_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string all_;
  std::vector<std::string> pieces_;
  bool is_held_ = false;
  bool takes_ = true;
};

// A client of the port.
class Sender {
 public:
  explicit Sender(int port) : socket_(context_) {
    socket_.connect({boost::asio::ip::make_address("127.0.0.1"),
                     static_cast<boost::asio::ip::port_type>(port)});
  }
  void send(const std::string& text) { boost::asio::write(socket_, boost::asio::buffer(text)); }
  void close() { socket_.close(); }
  // Whether the other side has ended the stream.
  bool is_ended() {
    char byte = 0;
    boost::system::error_code error;
    socket_.read_some(boost::asio::buffer(&byte, 1), error);
    return error.failed();
  }

 private:
  boost::asio::io_context context_;
  boost::asio::ip::tcp::socket socket_;
};

std::unique_ptr<LineReceiver> must_listen(Taken& taken, const LineOptions& options = kOptions) {
  auto receiver = LineReceiver::listen("127.0.0.1", 0, options, taken.take());
  if (!receiver) ADD_FAILURE() << receiver.error().message;
  return receiver ? *std::move(receiver) : nullptr;
}

TEST(LineReceiver, WholeLinesAreTakenSoon) {
  Taken taken;
  const auto receiver = must_listen(taken);
  Sender sender(receiver->port());
  sender.send("a\nb\nhal");
  taken.expect("a\nb\n");
  sender.send("f\n");
  taken.expect("a\nb\nhalf\n");
  sender.send("the end");
  sender.close();
  taken.expect("a\nb\nhalf\nthe end");
  for (const std::string& piece : taken.pieces()) EXPECT_FALSE(piece.empty());
}

TEST(LineReceiver, StreamsDoNotMix) {
  Taken taken;
  const auto receiver = must_listen(taken);
  Sender one(receiver->port());
  Sender two(receiver->port());
  one.send("one-");
  two.send("two\n");
  taken.expect("two\n");
  one.send("more\n");
  taken.expect("two\none-more\n");
}

TEST(LineReceiver, ALineThatIsTooLongIsCut) {
  Taken taken;
  const auto receiver = must_listen(taken, {200'000, 1000, 4});
  Sender sender(receiver->port());
  const std::string text = std::string(500'000, 'x') + "\nshort\n";
  sender.send(text);
  taken.expect(text);
  for (const std::string& piece : taken.pieces()) EXPECT_LE(piece.size(), 300'000U);
}

// Who is not taken from waits, and loses nothing.
TEST(LineReceiver, AStreamWaits) {
  Taken taken;
  const auto receiver = must_listen(taken);
  taken.hold(true);
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += std::to_string(i) + "\n";
  std::thread sending([&] {
    Sender sender(receiver->port());
    sender.send(text);
  });
  taken.hold(false);
  sending.join();
  taken.expect(text);
}

TEST(LineReceiver, WhatIsNotTakenEndsTheStream) {
  Taken taken;
  taken.refuse();
  const auto receiver = must_listen(taken);
  Sender sender(receiver->port());
  sender.send("a\n");
  EXPECT_TRUE(sender.is_ended());
}

TEST(LineReceiver, TooManyStreamsAreTurnedAway) {
  Taken taken;
  const auto receiver = must_listen(taken, {1 << 20, 1000, 1});
  Sender first(receiver->port());
  first.send("a\n");
  taken.expect("a\n");
  Sender second(receiver->port());
  EXPECT_TRUE(second.is_ended());
  first.send("b\n");
  taken.expect("a\nb\n");
}

TEST(LineReceiver, AnEndTakesWhatHasCome) {
  Taken taken;
  auto receiver = must_listen(taken, {1 << 20, 3'600'000'000, 4});  // it would wait for an hour
  Sender sender(receiver->port());
  sender.send("a\nb");
  // Whatever of it has come when it ends is taken by lines.
  receiver.reset();
  for (const std::string& piece : taken.pieces()) EXPECT_EQ(piece, "a\n");
}

TEST(LineReceiver, ADescriptorIsReadToItsEnd) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  Taken taken;
  const auto receiver = LineReceiver::read(ends[0], kOptions, taken.take());
  ASSERT_TRUE(receiver);
  EXPECT_EQ((*receiver)->port(), 0);
  ASSERT_EQ(::write(ends[1], "a\nb", 3), 3);
  ::close(ends[1]);
  taken.expect("a\nb");
  ::close(ends[0]);
}

TEST(LineReceiver, AnAddressThatIsNotOursIsAnError) {
  Taken taken;
  EXPECT_EQ(LineReceiver::listen("192.0.2.1", 0, kOptions, taken.take()).error().code,
            ErrorCode::io);
}

}  // namespace
}  // namespace adweave::net
