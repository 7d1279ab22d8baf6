// SPDX-License-Identifier: Apache-2.0
#include "serve/server.h"

#include "net/digest.h"
#include "serve/answers.h"

namespace adweave::serve {

Result<std::unique_ptr<Server>> Server::start(Options options, source::Journal& journal,
                                              source::JournalPosition through,
                                              std::function<int64_t()> now_us) {
  std::unique_ptr<Server> server(new Server(std::move(options), journal));
  server->through_ = through;
  ADWEAVE_ASSIGN(server->collector_, Collector::open(journal, through, server->metrics_,
                                                     server->options_.sources, std::move(now_us)));
  ADWEAVE_ASSIGN(server->events_, server->listen(server->options_.address));
  ADWEAVE_ASSIGN(server->scrapes_, server->listen(server->options_.metrics));
  return server;
}

Result<std::unique_ptr<net::HttpServer>> Server::listen(const Address& address) {
  net::HttpServerOptions options;
  options.address = address.host;
  options.port = address.port;
  options.certificate = options_.certificate;
  options.key = options_.key;
  options.body_bytes_max = limits::kDeliveryBytesMax;
  return net::HttpServer::start(std::move(options),
                                [this](net::HttpRequest request, net::HttpRespond respond) {
                                  handle(std::move(request), std::move(respond));
                                });
}

Server::~Server() {
  stop();
}

// The collector first: who waits for a commit would hold its connection open.
void Server::stop() {
  if (collector_) collector_->stop();
  if (events_) events_->stop();
  if (scrapes_) scrapes_->stop();
}

void Server::committed(const ledger::CommitOutcome& commit) {
  metrics_.take(commit);
  if (commit.segment > 0) {
    const std::lock_guard guard(mutex_);
    through_ = {commit.segment, commit.offset};
  }
  collector_->committed(commit);
}

// Why the request must not be answered; nothing when it may.
std::optional<net::HttpResponse> Server::refuse(const net::HttpRequest& request,
                                                Role needed) const {
  if (options_.tokens.empty()) return std::nullopt;
  constexpr std::string_view kBearer = "Bearer ";
  const std::string* given = request.header("Authorization");
  if (given == nullptr || !given->starts_with(kBearer)) {
    net::HttpResponse response =
        problem(401, "who are you", "the request has no bearer token",
                "send Authorization: Bearer and a token of the configuration");
    response.headers.push_back({"WWW-Authenticate", "Bearer"});
    return response;
  }
  const std::string sum = net::sha256_hex(std::string_view(*given).substr(kBearer.size()));
  for (const Token& token : options_.tokens) {
    if (!net::is_same_secret(token.sha256, sum)) continue;
    if (token.role == needed || token.role == Role::admin) return std::nullopt;
    return problem(403, "not allowed", "the token " + token.name + " has another role",
                   "ask for a token with the role that this needs");
  }
  net::HttpResponse response =
      problem(401, "who are you", "the token is not known", "ask for a token of this server");
  response.headers.push_back({"WWW-Authenticate", "Bearer error=\"invalid_token\""});
  return response;
}

void Server::handle(net::HttpRequest request, net::HttpRespond respond) {
  if (request.path == "/v1/events" && request.method == "POST") {
    if (auto refusal = refuse(request, Role::ingest)) {
      metrics_.count_request(refusal->status);
      return respond(*std::move(refusal));
    }
    return collector_->take(std::move(request), std::move(respond));
  }
  net::HttpResponse response = answer(request);
  metrics_.count_request(response.status);
  respond(std::move(response));
}

int64_t Server::bytes_behind() const {
  const source::JournalPosition end = journal_.end();
  const std::lock_guard guard(mutex_);
  return end.segment == through_.segment ? end.offset - through_.offset : journal_.held_bytes();
}

net::HttpResponse Server::answer(const net::HttpRequest& request) {
  const std::string& path = request.path;
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  if (path == "/v1/events" ||
      ((path == "/livez" || path == "/readyz" || path == "/metrics") && !is_get)) {
    const std::string allowed = path == "/v1/events" ? "POST" : "GET, HEAD";
    net::HttpResponse response = problem(
        405, "method not allowed", path + " does not take " + request.method, "use " + allowed);
    response.headers.push_back({"Allow", allowed});
    return response;
  }
  if (path == "/livez") return {200, {{"Content-Type", "text/plain"}}, "alive\n"};
  if (path == "/readyz") {
    if (is_ready_) return {200, {{"Content-Type", "text/plain"}}, "ready\n"};
    return busy(503, "not ready", "what was committed before is being read");
  }
  if (path == "/metrics") {
    if (auto refusal = refuse(request, Role::read)) return *std::move(refusal);
    const Gauges gauges{bytes_behind(), collector_->waiting(), is_ready_};
    return {
        200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, metrics_.text(gauges)};
  }
  return problem(404, "not found", "there is no " + path,
                 "try POST /v1/events, /metrics, /livez or /readyz");
}

}  // namespace adweave::serve
