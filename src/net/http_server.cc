// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.h"

#include <thread>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <openssl/ssl.h>

#include "base/thread_name.h"
#include "net/connection.h"
#include "net/worker.h"

namespace adweave::net {

HttpRespond::HttpRespond(std::shared_ptr<Worker> worker, std::weak_ptr<Connection> connection)
    : worker_(std::move(worker)), connection_(std::move(connection)) {}

// Without the memory for an answer the program ends.
HttpRespond::~HttpRespond() {  // NOLINT(bugprone-exception-escape)
  if (worker_) (*this)(http_problem(500, "the request was not answered"));
}

// After the worker's thread has ended, the answer stays in the event loop until that goes too.
void HttpRespond::operator()(HttpResponse response) {
  CHECK(worker_ != nullptr);
  const std::shared_ptr<Worker> worker = std::move(worker_);
  asio::dispatch(worker->io,
                 [connection = std::move(connection_), response = std::move(response)]() mutable {
                   if (const auto alive = connection.lock()) alive->answer(std::move(response));
                 });
}

Connection::Connection(Worker& worker, std::string peer, bool refused)
    : worker_(worker), peer_(std::move(peer)), refused_(refused) {}

const HttpServerOptions& Connection::options() const {
  return worker_.shared->options;
}

// `bytes` have been moved since the phase began; each gives some more time.
void Connection::set_deadline(int64_t timeout_us, int64_t bytes) {
  if (bytes == 0) phase_begin_ = Clock::now();
  const int64_t earned_us = bytes * limits::kSecondUs / limits::kHttpBytesPerSecondMin;
  deadline_ = phase_begin_ + std::chrono::microseconds(timeout_us + earned_us);
}

void Connection::begin() {
  error_code ignored;
  socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  set_deadline(options().header_timeout_us);
  start_handshake();
}

void Connection::on_handshake(error_code error) {
  if (phase_ == Phase::closed) return;
  if (error) return close();
  if (!refused_) return next_request();
  HttpResponse problem = http_problem(503, "there are too many connections");
  problem.headers.push_back({"Retry-After", std::to_string(limits::kHttpRetryAfterSeconds)});
  refuse(std::move(problem));
}

void Connection::next_request() {
  if (worker_.draining && input_.size() == 0) return close();
  const bool is_first = phase_ == Phase::handshake;
  phase_ = Phase::idle;
  parser_.emplace(options());
  head_bytes_ = 0;
  set_deadline(is_first ? options().header_timeout_us : options().idle_timeout_us);
  if (input_.size() > 0) {
    // Not from here: the answer may have been given while somebody holds a lock, and requests that
    // lie in the buffer would nest.
    return asio::post(worker_.io, guarded([this] {
                        if (phase_ == Phase::idle) parse();
                      }));
  }
  if (input_.capacity() > static_cast<size_t>(limits::kHttpReadBytes)) input_.shrink_to_fit();
  read();
}

void Connection::read() {
  const bool is_large = phase_ == Phase::body && parser_->request().body.size() >=
                                                     static_cast<size_t>(limits::kHttpReadBytes);
  const int64_t bytes = is_large ? limits::kHttpBodyReadBytes : limits::kHttpReadBytes;
  start_read(input_.prepare(static_cast<size_t>(bytes)));
}

void Connection::on_read(error_code error, size_t bytes) {
  if (phase_ == Phase::closed) return;
  if (late_) return refuse(http_problem(408, "the request came too slowly"));
  if (error) return close();
  input_.commit(bytes);
  parse();
}

void Connection::parse() {
  if (phase_ == Phase::idle) begin_head();
  const bool was_head = phase_ == Phase::head;
  error_code error;
  size_t used = 0;
  if (input_.size() > 0) used = parser_->put(input_.data(), error);
  input_.consume(used);
  if (error && error != http::error::need_more) return refuse(parser_->refusal(error));
  if (was_head) head_bytes_ += static_cast<int64_t>(used);
  // Of what the parser leaves there is never more than a line of a header or the head of a chunk.
  const bool is_stuck =
      static_cast<int64_t>(input_.size()) + (parser_->is_header_done() ? 0 : head_bytes_) >
      options().header_bytes_max;
  if (!parser_->is_done() && is_stuck) {
    return refuse(parser_->refusal(parser_->is_header_done() ? http::error::bad_chunk
                                                             : http::error::header_limit));
  }
  if (!take_body_bytes()) return;
  if (parser_->is_done()) return hand_on();
  if (was_head && parser_->is_header_done()) return begin_body();
  if (phase_ == Phase::body) {
    set_deadline(options().body_timeout_us, static_cast<int64_t>(parser_->request().body.size()));
  }
  read();
}

void Connection::begin_head() {
  phase_ = Phase::head;
  set_deadline(options().header_timeout_us);
}

void Connection::begin_body() {
  phase_ = Phase::body;
  set_deadline(options().body_timeout_us);
  if (!parser_->expects_continue() || !parser_->request().body.empty()) return read();
  output_head_ = "HTTP/1.1 100 Continue\r\n\r\n";
  output_body_.clear();
  written_ = 0;
  write();
}

// Counts what has come of a body. False: all bodies together have become too large, so this one is
// refused.
bool Connection::take_body_bytes() {
  const int64_t more = static_cast<int64_t>(parser_->request().body.size()) - counted_body_bytes_;
  if (more == 0) return true;
  counted_body_bytes_ += more;
  if (worker_.shared->bodies_bytes.fetch_add(more, std::memory_order_relaxed) + more <=
      options().bodies_bytes_max) {
    return true;
  }
  HttpResponse problem = http_problem(503, "too many large requests are being read");
  problem.headers.push_back({"Retry-After", std::to_string(limits::kHttpRetryAfterSeconds)});
  refuse(std::move(problem));
  return false;
}

void Connection::give_body_bytes_back() {
  worker_.shared->bodies_bytes.fetch_sub(counted_body_bytes_, std::memory_order_relaxed);
  counted_body_bytes_ = 0;
}

void Connection::hand_on() {
  phase_ = Phase::handling;
  deadline_ = Clock::time_point::max();
  give_body_bytes_back();
  HttpRequest& request = parser_->request();
  request.peer = peer_;
  keep_alive_ = parser_->keep_alive();
  http_1_0_ = parser_->http_1_0();
  only_head_ = request.method == "HEAD";
  try {
    worker_.shared->handler(std::move(request),
                            HttpRespond(worker_.shared_from_this(), weak_from_this()));
  } catch (...) {  // NOLINT(bugprone-empty-catch): HttpRespond has answered 500 as it went
  }
}

void Connection::answer(HttpResponse response) {
  if (phase_ == Phase::handling) begin_answer(std::move(response));
}

void Connection::refuse(HttpResponse problem) {
  late_ = false;
  give_body_bytes_back();
  keep_alive_ = false;
  only_head_ = false;
  begin_answer(std::move(problem));
}

void Connection::begin_answer(HttpResponse response) {
  phase_ = Phase::writing;
  set_deadline(options().write_timeout_us);
  keep_alive_ = keep_alive_ && !worker_.draining;
  output_head_.clear();
  append_head(output_head_, response,
              {.date = worker_.date, .keep_alive = keep_alive_, .http_1_0 = http_1_0_});
  output_body_ = std::move(response.body);
  if (only_head_ || !has_body(response.status)) output_body_.clear();
  written_ = 0;
  write();
}

void Connection::write() {
  const size_t of_head = std::min(written_, output_head_.size());
  start_write(
      {asio::buffer(output_head_) + of_head, asio::buffer(output_body_) + (written_ - of_head)});
}

void Connection::on_written(error_code error, size_t bytes) {
  if (phase_ == Phase::closed) return;
  if (error) return close();
  written_ += bytes;
  if (written_ < output_head_.size() + output_body_.size()) {
    set_deadline(options().write_timeout_us);
    return write();
  }
  if (phase_ == Phase::body) return read();  // that was "100 Continue"
  on_answer_written();
}

void Connection::on_answer_written() {
  output_body_ = {};
  if (keep_alive_) return next_request();
  phase_ = Phase::closing;
  set_deadline(limits::kHttpLingerUs);
  start_farewell();
}

// What the client still sends is read and dropped for a while: closing at once would reset the
// connection, and the client might lose the answer.
void Connection::on_farewell() {
  if (phase_ == Phase::closed) return;
  error_code ignored;
  socket().shutdown(Socket::shutdown_send, ignored);
  input_.clear();
  linger();
}

void Connection::linger() {
  socket().async_read_some(input_.prepare(static_cast<size_t>(limits::kHttpReadBytes)),
                           guarded([this](error_code error, size_t /*bytes*/) {
                             if (phase_ == Phase::closed) return;
                             if (error) return close();
                             linger();
                           }));
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  deadline_ = Clock::time_point::max();
  give_body_bytes_back();
  error_code ignored;
  socket().close(ignored);
  worker_.forget(shared_from_this());
}

void Connection::close_if_idle() {
  if (phase_ == Phase::handshake || phase_ == Phase::idle) close();
}

// A request that comes too slowly gets an answer; in any other phase there is nobody to read one.
// What a client does not read is dropped with a reset, for the system would keep it for long.
void Connection::end_late() {
  error_code ignored;
  if (phase_ == Phase::writing) {
    socket().set_option(asio::socket_base::linger(true, 0), ignored);
  }
  if (phase_ != Phase::head && phase_ != Phase::body) return close();
  late_ = true;
  deadline_ = Clock::time_point::max();
  socket().cancel(ignored);
}

namespace {

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type>;

Error config_error(std::string message, std::string fix) {
  return {ErrorCode::config, std::move(message), std::move(fix)};
}

Result<std::unique_ptr<asio::ssl::context>> make_tls(const HttpServerOptions& options) {
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* native = tls->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  error_code error;
  tls->use_certificate_chain_file(options.certificate, error);
  if (error) {
    return config_error(
        "the certificate " + options.certificate + " cannot be read: " + error.message(),
        "give a PEM file with the certificate of this server and, after it, those that signed it");
  }
  tls->use_private_key_file(options.key, asio::ssl::context::pem, error);
  if (error) {
    return config_error("the private key " + options.key + " cannot be read, or is not that of " +
                            options.certificate + ": " + error.message(),
                        "give the PEM file of the certificate's private key, without a password");
  }
  return tls;
}

Status check_options(const HttpServerOptions& options) {
  if (options.certificate.empty() != options.key.empty()) {
    return config_error("TLS takes a certificate and its private key, and one of them is missing",
                        "give both, or neither for plain HTTP");
  }
  if (options.port < 0 || options.port > 65'535) {
    return config_error("there is no port " + std::to_string(options.port), "give one to 65535");
  }
  if (options.threads < 1 || options.threads > limits::kThreadsMax) {
    return config_error(std::to_string(options.threads) + " threads cannot serve HTTP",
                        "give 1 to " + std::to_string(limits::kThreadsMax));
  }
  return {};
}

Error listen_error(const HttpServerOptions& options, const error_code& error) {
  const std::string where = options.address + ":" + std::to_string(options.port);
  if (error == asio::error::address_in_use) {
    return {ErrorCode::io, where + " is in use by another program",
            "choose another port, or end the program that listens there (ss -ltnp names it)"};
  }
  if (error == asio::error::access_denied) {
    return {ErrorCode::io, "this user may not listen on " + where,
            "choose a port from 1024 on, or grant the capability CAP_NET_BIND_SERVICE"};
  }
  return {ErrorCode::io, where + " cannot be listened on: " + error.message(),
          "give an address of this machine, 127.0.0.1 for itself only, 0.0.0.0 for all"};
}

Status listen(Acceptor& acceptor, const HttpServerOptions& options) {
  error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) {
    return config_error("'" + options.address + "' is not an IP address",
                        "give one in numbers, such as 127.0.0.1 or ::1");
  }
  const asio::ip::tcp::endpoint endpoint(address, static_cast<uint16_t>(options.port));
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return listen_error(options, error);
  return {};
}

}  // namespace

// Takes connections on the first worker's thread and deals them out to all.
class HttpServer::Threads {
 public:
  Threads(std::shared_ptr<Shared> shared, std::unique_ptr<asio::ssl::context> tls)
      : shared_(std::move(shared)), tls_(std::move(tls)) {
    for (int i = 0; i < shared_->options.threads; ++i) {
      workers_.push_back(std::make_shared<Worker>(shared_));
    }
    acceptor_.emplace(workers_.front()->io);
    pause_.emplace(workers_.front()->io);
  }
  ~Threads() { stop(); }  // NOLINT(bugprone-exception-escape): the same

  Status start() {
    ADWEAVE_TRY(listen(*acceptor_, shared_->options));
    port_ = acceptor_->local_endpoint().port();
    accept();
    for (const auto& worker : workers_) {
      threads_.emplace_back([worker] {
        name_thread("http");
        worker->run();
      });
    }
    return {};
  }

  int port() const { return port_; }

  void stop() {
    if (std::exchange(stopped_, true)) return;
    asio::post(workers_.front()->io, [this] {
      error_code ignored;
      acceptor_->close(ignored);
    });
    for (const auto& worker : workers_) asio::post(worker->io, [worker] { worker->drain(); });
    if (!threads_.empty()) {
      shared_->wait_until_none_open(std::chrono::microseconds(shared_->options.drain_timeout_us));
    }
    for (const auto& worker : workers_) worker->io.stop();
    for (std::thread& thread : threads_) thread.join();
    error_code ignored;
    acceptor_->close(ignored);
    for (const auto& worker : workers_) worker->finish();
    shared_->handler = nullptr;
  }

 private:
  void accept() {
    Worker& worker = *workers_[next_++ % workers_.size()];
    acceptor_->async_accept(worker.io, [this, &worker](error_code error, Socket socket) {
      if (error == asio::error::operation_aborted || !acceptor_->is_open()) return;
      if (error) return accept_later();
      hand_out(worker, std::move(socket));
      accept();
    });
  }

  // The system is out of file descriptors or memory: an immediate repeat would only burn time.
  void accept_later() {
    pause_->expires_after(std::chrono::microseconds(limits::kHttpAcceptPauseUs));
    pause_->async_wait([this](error_code error) {
      if (!error && acceptor_->is_open()) accept();
    });
  }

  void hand_out(Worker& worker, Socket socket) {
    error_code error;
    const auto endpoint = socket.remote_endpoint(error);
    if (error) return;  // gone already
    const int open = shared_->connection_opened();
    const int most = shared_->options.connections_max;
    if (open > most + limits::kHttpRefusedMax) return shared_->connection_closed();
    std::shared_ptr<Connection> connection =
        make_connection(worker, endpoint.address().to_string(), open > most, std::move(socket));
    asio::dispatch(worker.io, [&worker, connection] { worker.adopt(connection); });
  }

  std::shared_ptr<Connection> make_connection(Worker& worker, std::string peer, bool refused,
                                              Socket socket) {
    if (!tls_) {
      return std::make_shared<PlainConnection>(worker, std::move(peer), refused, std::move(socket));
    }
    return std::make_shared<TlsConnection>(worker, std::move(peer), refused, std::move(socket),
                                           *tls_);
  }

  std::shared_ptr<Shared> shared_;
  std::unique_ptr<asio::ssl::context> tls_;
  std::vector<std::shared_ptr<Worker>> workers_;
  std::optional<Acceptor> acceptor_;  // of the first worker, so it goes before it
  std::optional<asio::steady_timer> pause_;
  std::vector<std::thread> threads_;
  size_t next_ = 0;
  int port_ = 0;
  bool stopped_ = false;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options,
                                                      HttpHandler handler) {
  ADWEAVE_TRY(check_options(options));
  try {
    std::unique_ptr<asio::ssl::context> tls;
    if (!options.certificate.empty()) {
      ADWEAVE_ASSIGN(tls, make_tls(options));
    }
    auto shared = std::make_shared<Shared>();
    shared->options = std::move(options);
    shared->handler = std::move(handler);
    auto threads = std::make_unique<Threads>(std::move(shared), std::move(tls));
    ADWEAVE_TRY(threads->start());
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(threads)));
  } catch (const std::exception& error) {
    return Error{ErrorCode::internal, std::string("the HTTP server cannot start: ") + error.what()};
  }
}

HttpServer::HttpServer(std::unique_ptr<Threads> threads) : threads_(std::move(threads)) {}
HttpServer::~HttpServer() = default;
int HttpServer::port() const {
  return threads_->port();
}
void HttpServer::stop() {
  threads_->stop();
}

}  // namespace adweave::net
