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

// Whether it listens; else errno says why not.
bool listen_on(const Descriptor& socket, const addrinfo& address) {
  if (!socket) return false;
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  return ::bind(socket.get(), address.ai_addr, address.ai_addrlen) == 0 &&
         ::listen(socket.get(), SOMAXCONN) == 0;
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
  Descriptor socket(::socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listen_on(socket, *addresses)) return listen_error(host, port, std::strerror(errno));
  std::unique_ptr<LineReceiver> receiver(new LineReceiver(options, std::move(take)));
  ADWEAVE_TRY(receiver->streams_.open());
  receiver->port_ = bound_port(socket.get());
  receiver->streams_.accept_on(std::move(socket));
  return receiver;
}

Result<std::unique_ptr<LineReceiver>> LineReceiver::read(int descriptor, const LineOptions& options,
                                                         Take take) {
  std::unique_ptr<LineReceiver> receiver(new LineReceiver(options, std::move(take)));
  ADWEAVE_TRY(receiver->streams_.open());
  receiver->streams_.serve(descriptor);
  return receiver;
}

LineReceiver::LineReceiver(const LineOptions& options, Take take)
    : options_(options),
      take_(std::move(take)),
      streams_(options.streams_max, WhenFull::refuse,
               [this](int stream, int wake) { receive(stream, wake); }) {}

void LineReceiver::receive(int stream, int wake) const {
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
    const int patience =
        whole_lines() > 0 ? static_cast<int>(std::max<int64_t>(left.count(), 0)) : -1;
    pollfd ready[] = {{wake, POLLIN, 0}, {stream, POLLIN, 0}};
    const int polled = ::poll(ready, 2, patience);
    if (ready[0].revents != 0) {
      flush(whole_lines());
      break;
    }
    if (polled < 0 && errno == EINTR) continue;
    if (ready[1].revents != 0) {
      if (buffer.empty()) due = Clock::now() + std::chrono::microseconds(options_.patience_us);
      const size_t before = buffer.size();
      buffer.resize(before + kPieceBytes);
      const ssize_t received = ::read(stream, buffer.data() + before, kPieceBytes);
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
}

}  // namespace adweave::net
