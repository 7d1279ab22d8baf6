// SPDX-License-Identifier: Apache-2.0
// A client that sends exactly the bytes it is told, for tests of the server.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_server.h"

namespace adweave::net {

constexpr int kTestWaitMs = 20'000;  // for what must come; a test that passes never waits so long

class TestClient {
 public:
  explicit TestClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~TestClient() { ::close(socket_); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool connected() const { return connected_; }
  int socket() const { return socket_; }

  // False: the server has closed the connection.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  void end_sending() const { ::shutdown(socket_, SHUT_WR); }

  // The next answer, head and body, as it came; shorter when the connection ends first. To HEAD
  // there comes no body.
  std::string answer(bool to_head = false) {
    size_t head_end = std::string::npos;
    while ((head_end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return std::exchange(received_, {});
    }
    size_t size = head_end + 4;
    const size_t length = received_.find("Content-Length: ");
    if (!to_head && length < head_end) size += std::stoul(received_.substr(length + 16, 12));
    while (received_.size() < size && receive()) continue;
    std::string answer = received_.substr(0, size);
    received_.erase(0, size);
    return answer;
  }
  std::string ask(std::string_view request) {
    send(request);
    return answer();
  }
  // All that comes until the server closes.
  std::string rest() {
    while (receive()) continue;
    return std::exchange(received_, {});
  }
  bool is_closed() { return rest().empty(); }

 private:
  bool receive() {
    pollfd readable{socket_, POLLIN, 0};
    if (::poll(&readable, 1, kTestWaitMs) != 1) {
      ADD_FAILURE() << "the server neither answered nor closed";
      return false;
    }
    char buffer[65'536];
    // No lock is held here; the analyzer thinks of one that a test has let go.
    // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection)
    const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
    if (size <= 0) return false;
    received_.append(buffer, static_cast<size_t>(size));
    return true;
  }

  int socket_;
  bool connected_ = false;
  std::string received_;
};

inline std::unique_ptr<HttpServer> start_server(HttpServerOptions options, HttpHandler handler) {
  auto server = HttpServer::start(std::move(options), std::move(handler));
  if (!server) {
    ADD_FAILURE() << server.error().message;
    return nullptr;
  }
  return *std::move(server);
}

// Answers 200 with method, path and body of the request.
inline void echo(const HttpRequest& request, HttpRespond respond) {
  std::string text = request.method;
  text.append(" ").append(request.path).append(" ").append(request.body);
  respond({.status = 200, .headers = {}, .body = std::move(text)});
}

inline std::string post(std::string_view path, std::string_view body, std::string_view more = "") {
  std::string request = "POST ";
  request.append(path).append(" HTTP/1.1\r\nHost: a\r\nContent-Length: ");
  request.append(std::to_string(body.size())).append("\r\n").append(more).append("\r\n");
  return request.append(body);
}

inline std::string get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

inline std::string body_of(const std::string& answer) {
  const size_t head_end = answer.find("\r\n\r\n");
  return head_end == std::string::npos ? "" : answer.substr(head_end + 4);
}

inline int status_of(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

}  // namespace adweave::net
