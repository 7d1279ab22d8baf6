// SPDX-License-Identifier: Apache-2.0
#include "net/line_receiver.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace adweave::net {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kPieceBytes = 65'536;  // read at once

Error listen_error(const std::string& host, int port, const char* why) {
  return {ErrorCode::io,
          "cannot listen on " + host + ":" + std::to_string(port) + " for lines: " + why,
          "choose an address of this machine and a port that is free"};
}

int bound_port(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return address.ss_family == AF_INET6
             ? ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port)
             : ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

int listening(const addrinfo& address) {
  const int socket = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  const bool listens =
      ::bind(socket, address.ai_addr, address.ai_addrlen) == 0 && ::listen(socket, SOMAXCONN) == 0;
  if (listens) return socket;
  const int why = errno;
  ::close(socket);
  errno = why;
  return -1;
}

}  // namespace

Result<std::unique_ptr<LineReceiver>> LineReceiver::listen(const std::string& host, int port,
                                                           const LineOptions& options, Take take) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) return listen_error(host, port, ::gai_strerror(failed));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  std::unique_ptr<LineReceiver> receiver(new LineReceiver(options, std::move(take)));
  ADWEAVE_TRY(receiver->make_wake());
  receiver->socket_ = listening(*addresses);
  if (receiver->socket_ < 0) return listen_error(host, port, std::strerror(errno));
  receiver->port_ = bound_port(receiver->socket_);
  receiver->thread_ = std::thread([&receiver = *receiver] { receiver.accept_all(); });
  return receiver;
}

Result<std::unique_ptr<LineReceiver>> LineReceiver::read(int descriptor, const LineOptions& options,
                                                         Take take) {
  std::unique_ptr<LineReceiver> receiver(new LineReceiver(options, std::move(take)));
  ADWEAVE_TRY(receiver->make_wake());
  receiver->begin(descriptor, false);
  return receiver;
}

Status LineReceiver::make_wake() {
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  if (wake_ >= 0) return {};
  return Error{ErrorCode::io, std::string("eventfd: ") + std::strerror(errno),
               "raise the limit of open files (ulimit -n)"};
}

LineReceiver::~LineReceiver() {
  if (wake_ < 0) return;
  const uint64_t one = 1;
  static_cast<void>(::write(wake_, &one, sizeof(one)));
  if (thread_.joinable()) thread_.join();
  reap(true);
  if (socket_ >= 0) ::close(socket_);
  ::close(wake_);
}

void LineReceiver::accept_all() {
  while (true) {
    pollfd ready[] = {{wake_, POLLIN, 0}, {socket_, POLLIN, 0}};
    if (::poll(ready, 2, -1) < 0 && errno != EINTR) return;
    if (ready[0].revents != 0) return;
    const int accepted = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    reap(false);
    if (accepted >= 0) begin(accepted, true);
  }
}

void LineReceiver::begin(int descriptor, bool is_owned) {
  const std::lock_guard guard(mutex_);
  if (streams_.size() >= options_.streams_max) {
    ::close(descriptor);
    return;
  }
  Stream& stream = streams_.emplace_back();
  stream.descriptor = descriptor;
  stream.is_owned = is_owned;
  stream.thread = std::thread([this, &stream] { receive(stream); });
}

void LineReceiver::receive(Stream& stream) {
  std::string buffer;
  Clock::time_point due;  // when the lines in the buffer are to be taken
  bool is_open = true;
  bool is_taken = true;
  const auto flush = [&](size_t bytes) {
    if (bytes == 0) return;
    std::string lines = buffer.substr(0, bytes);
    buffer.erase(0, bytes);
    is_taken = take_(std::move(lines));
  };
  // Up to the last line end; all of it when it is too long for one.
  const auto whole_lines = [&] {
    const size_t end = buffer.rfind('\n');
    const bool is_cut =
        end == std::string::npos && buffer.size() >= static_cast<size_t>(options_.bytes_max);
    return end != std::string::npos ? end + 1 : is_cut ? buffer.size() : 0;
  };
  while (is_open && is_taken) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(due - Clock::now());
    const int patience = buffer.empty() ? -1 : static_cast<int>(std::max<int64_t>(left.count(), 0));
    const bool has_lines = whole_lines() > 0;
    pollfd ready[] = {{wake_, POLLIN, 0}, {stream.descriptor, POLLIN, 0}};
    const int polled = ::poll(ready, 2, has_lines ? patience : -1);
    if (ready[0].revents != 0) {
      flush(whole_lines());
      break;
    }
    if (polled < 0 && errno == EINTR) continue;
    if (ready[1].revents != 0) {
      if (buffer.empty()) due = Clock::now() + std::chrono::microseconds(options_.patience_us);
      const size_t before = buffer.size();
      buffer.resize(before + kPieceBytes);
      const ssize_t received = ::read(stream.descriptor, buffer.data() + before, kPieceBytes);
      buffer.resize(before + static_cast<size_t>(std::max<ssize_t>(received, 0)));
      is_open = received > 0 || (received < 0 && errno == EINTR);
    }
    const bool is_much = buffer.size() + kPieceBytes > static_cast<size_t>(options_.bytes_max);
    if (Clock::now() >= due || is_much) {
      flush(whole_lines());
      due = Clock::now() + std::chrono::microseconds(options_.patience_us);
    }
  }
  if (!is_open && is_taken) flush(buffer.size());
  const std::lock_guard guard(mutex_);
  stream.has_ended = true;
  if (stream.is_owned) ::shutdown(stream.descriptor, SHUT_RDWR);
}

// Takes away streams that have ended; all of them: once they end.
void LineReceiver::reap(bool all) {
  std::list<Stream> ended;
  {
    const std::lock_guard guard(mutex_);
    for (auto each = streams_.begin(); each != streams_.end();) {
      const auto next = std::next(each);
      if (all || each->has_ended) ended.splice(ended.end(), streams_, each);
      each = next;
    }
  }
  for (Stream& each : ended) {
    each.thread.join();
    if (each.is_owned) ::close(each.descriptor);
  }
}

}  // namespace adweave::net
