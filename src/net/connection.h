// SPDX-License-Identifier: Apache-2.0
// One connection: reads a request, hands it on, writes the answer, and again. It is always in one
// phase, and one read or write is under way at most. Its worker owns it until close(); reads and
// writes that are under way keep it a little longer. Includes Boost: for http_server.cc only.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "net/http_server.h"
#include "net/http_text.h"
#include "net/request_parser.h"

namespace adweave::net {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
// Tied to the event loop's own executor, not to one of any kind, which costs a call each time.
using Socket = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;

// What the workers of a server have in common.
struct Shared {
  HttpServerOptions options;
  HttpHandler handler;
  std::atomic<int64_t> bodies_bytes = 0;  // of bodies that are being read

  // The number of connections with the new one.
  int connection_opened() {
    const std::lock_guard lock(mutex);
    return ++open;
  }
  void connection_closed() {
    const std::lock_guard lock(mutex);
    if (--open == 0) none_open.notify_all();
  }
  // False: some were still open at the end.
  bool wait_until_none_open(std::chrono::microseconds time) {
    std::unique_lock lock(mutex);
    return none_open.wait_for(lock, time, [&] { return open == 0; });
  }

  std::mutex mutex;
  std::condition_variable none_open;
  int open = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `refused`: there are too many, so it is told so and closed.
  Connection(Worker& worker, std::string peer, bool refused);
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void begin();
  void answer(HttpResponse response);
  void close();
  void close_if_idle();
  bool is_late(Clock::time_point now) const { return now > deadline_; }
  void end_late();

 protected:
  enum class Phase { handshake, idle, head, body, handling, writing, closing, closed };
  using Bytes = std::array<asio::const_buffer, 2>;

  // What differs between a plain connection and one with TLS. Each ends in the function of the name
  // after it, never within the call but for write(), which may.
  virtual Socket& socket() = 0;
  virtual void start_handshake() = 0;                        // on_handshake
  virtual void start_read(asio::mutable_buffer buffer) = 0;  // on_read
  virtual void start_write(const Bytes& bytes) = 0;          // on_written
  virtual void start_farewell() = 0;                         // on_farewell

  void on_handshake(error_code error);
  void on_read(error_code error, size_t bytes);
  void on_written(error_code error, size_t bytes);
  void on_farewell();

  // A completion handler that keeps the connection alive, and closes it when something throws.
  template <class Function>
  auto guarded(Function function) {
    return [self = shared_from_this(), function](auto... arguments) {
      try {
        function(arguments...);
      } catch (...) {
        self->close();
      }
    };
  }

 private:
  const HttpServerOptions& options() const;
  void set_deadline(int64_t timeout_us, int64_t bytes = 0);
  void next_request();
  void read();
  void parse();
  void begin_head();
  void begin_body();
  bool take_body_bytes();
  void give_body_bytes_back();
  void hand_on();
  void refuse(HttpResponse problem);
  void begin_answer(HttpResponse response);
  void write();
  void on_answer_written();
  void linger();

  Worker& worker_;
  const std::string peer_;
  const bool refused_;
  Phase phase_ = Phase::handshake;
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point phase_begin_;
  bool late_ = false;        // the read under way was cancelled by its time limit
  bool keep_alive_ = false;  // after the present request
  bool http_1_0_ = false;
  bool only_head_ = false;  // is asked for
  boost::beast::flat_buffer input_;
  std::optional<RequestParser> parser_;
  int64_t head_bytes_ = 0;          // of the present request, parsed
  int64_t counted_body_bytes_ = 0;  // of it, in Shared::bodies_bytes
  std::string output_head_;
  std::string output_body_;
  size_t written_ = 0;
};

class PlainConnection final : public Connection {
 public:
  PlainConnection(Worker& worker, std::string peer, bool refused, Socket socket)
      : Connection(worker, std::move(peer), refused), socket_(std::move(socket)) {
    error_code ignored;
    socket_.non_blocking(true, ignored);
  }

 private:
  Socket& socket() override { return socket_; }
  void start_handshake() override {
    asio::post(socket_.get_executor(), guarded([this] { on_handshake({}); }));
  }
  void start_read(asio::mutable_buffer buffer) override {
    socket_.async_read_some(
        buffer, guarded([this](error_code error, size_t bytes) { on_read(error, bytes); }));
  }
  // Nearly always the socket takes it all at once, which saves a turn of the event loop.
  void start_write(const Bytes& bytes) override {
    error_code error;
    const size_t written = socket_.write_some(bytes, error);
    if (error != asio::error::would_block) return on_written(error, written);
    socket_.async_write_some(
        bytes, guarded([this](error_code failed, size_t more) { on_written(failed, more); }));
  }
  void start_farewell() override { on_farewell(); }

  Socket socket_;
};

class TlsConnection final : public Connection {
 public:
  TlsConnection(Worker& worker, std::string peer, bool refused, Socket socket,
                asio::ssl::context& context)
      : Connection(worker, std::move(peer), refused), stream_(std::move(socket), context) {}

 private:
  Socket& socket() override { return stream_.next_layer(); }
  void start_handshake() override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            guarded([this](error_code error) { on_handshake(error); }));
  }
  void start_read(asio::mutable_buffer buffer) override {
    stream_.async_read_some(
        buffer, guarded([this](error_code error, size_t bytes) { on_read(error, bytes); }));
  }
  void start_write(const Bytes& bytes) override {
    stream_.async_write_some(
        bytes, guarded([this](error_code error, size_t written) { on_written(error, written); }));
  }
  void start_farewell() override {
    stream_.async_shutdown(guarded([this](error_code /*error*/) { on_farewell(); }));
  }

  asio::ssl::stream<Socket> stream_;
};

}  // namespace adweave::net
