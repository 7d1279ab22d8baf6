// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 server, plain or with TLS, for programs that send events and for those that ask.
//
//   auto server = HttpServer::start({.port = 8080}, [&](HttpRequest request, HttpRespond respond) {
//     queue.push(std::move(request.body), std::move(respond));  // answered by another thread
//   });
//   if (!server) return server.error();
//
// It answers by itself, as application/problem+json (RFC 9457), what never reaches the handler:
// malformed requests (400), requests that are too slow (408) or too large (413, 431), and too many
// of them (503 with Retry-After). One connection has one request under way: pipelined ones wait in
// its buffers and are answered in their order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace adweave::net {

struct HttpHeader {
  std::string name, value;
};

struct HttpRequest {
  std::string method;                                      // "POST"
  std::string target;                                      // as it came: "/v1/i.gif?id=a%20b"
  std::string path;                                        // decoded, without query: "/v1/events"
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::vector<HttpHeader> headers;
  std::string body;
  std::string peer;  // address of the other side: "127.0.0.1"
  // What stands where its route has {name}, in order; filled in by who leads requests on.
  std::vector<std::string> path_values;

  // The first of a name, in whatever case; null: none.
  const std::string* header(std::string_view name) const;
  const std::string* parameter(std::string_view name) const;  // the case counts
};

// Date, Connection, Content-Length and Transfer-Encoding are the server's: it leaves them out of
// `headers`. A status that has no body (204, 304) is sent without one, and so is an answer to HEAD.
struct HttpResponse {
  int status = 200;
  std::vector<HttpHeader> headers;
  std::string body;
};

// An answer that says what went wrong, as RFC 9457 has it: {"type", "title", "status", "detail"}.
// Without a title it is the status in words; with `fix` there is a member that says what to do.
HttpResponse http_problem(int status, std::string_view detail, std::string_view title = {},
                          std::string_view fix = {});

class Connection;
class Worker;

// Answers one request: called once, on any thread, at once or later, also when the connection has
// gone or the server was stopped (then the answer goes nowhere). A second call is a bug. Destroyed
// uncalled, it answers 500. It never calls the handler, so a lock may be held.
class HttpRespond {
 public:
  HttpRespond(std::shared_ptr<Worker> worker, std::weak_ptr<Connection> connection);
  HttpRespond(HttpRespond&&) noexcept = default;
  HttpRespond& operator=(HttpRespond&&) = delete;
  ~HttpRespond();

  void operator()(HttpResponse response);

 private:
  std::shared_ptr<Worker> worker_;  // null: called
  std::weak_ptr<Connection> connection_;
};

// Called on the server's threads, by several at once when it has several. Must not block: the other
// connections of its thread wait meanwhile. What it throws becomes a 500.
using HttpHandler = std::function<void(HttpRequest, HttpRespond)>;

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  int port = 0;  // 0: any that is free
  int threads = 1;
  std::string certificate, key;  // PEM files, the chain and its private key; empty: plain HTTP
  int64_t header_bytes_max = limits::kHttpHeaderBytesMax;
  int64_t body_bytes_max = limits::kHttpBodyBytesMax;
  int64_t bodies_bytes_max = limits::kHttpBodiesBytesMax;
  int connections_max = limits::kHttpConnectionsMax;
  int64_t header_timeout_us = limits::kHttpHeaderTimeoutUs;
  int64_t body_timeout_us = limits::kHttpBodyTimeoutUs;
  int64_t idle_timeout_us = limits::kHttpIdleTimeoutUs;
  int64_t write_timeout_us = limits::kHttpWriteTimeoutUs;
  int64_t drain_timeout_us = limits::kHttpDrainUs;
};

class HttpServer {
 public:
  // Listens from its return on. Fails with config when an option cannot be right or a PEM file
  // cannot be read, with io when the address cannot be listened on.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options, HttpHandler handler);
  ~HttpServer();  // stops

  int port() const;

  // Takes no more connections, closes idle ones, lets requests under way be answered up to the
  // drain timeout, then closes. The handler is not called after its return. Not to be called by the
  // handler. A second call does nothing.
  void stop();

 private:
  class Threads;
  explicit HttpServer(std::unique_ptr<Threads> threads);

  std::unique_ptr<Threads> threads_;
};

}  // namespace adweave::net
