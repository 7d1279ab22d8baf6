// SPDX-License-Identifier: Apache-2.0
#include "serve/server.h"

#include <set>

#include "serve/access.h"
#include "serve/answers.h"
#include "serve/event_endpoints.h"
#include "serve/lookup_endpoints.h"
#include "serve/openapi.h"
#include "serve/registry_answers.h"
#include "serve/registry_endpoints.h"

namespace adweave::serve {

namespace {

net::HttpResponse plain_text(std::string text) {
  return {200, {{"Content-Type", "text/plain"}}, std::move(text)};
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(Options options, const Parts& parts,
                                              AskOthers others) {
  std::unique_ptr<Server> server(new Server(std::move(options), parts.journal, std::move(others)));
  server->through_ = parts.through;
  server->index_ = parts.index;
  ADWEAVE_ASSIGN(server->collector_,
                 Collector::open(parts.journal, parts.through, server->metrics_,
                                 server->options_.sources, parts.paused, parts.now_us));
  ADWEAVE_ASSIGN(server->lines_, LineIntake::start(server->options_.lines, *server->collector_));
  ADWEAVE_ASSIGN(server->tails_,
                 TailIntake::start(std::move(server->options_.tails),
                                   {parts.fs, parts.data, parts.journal, *server->collector_,
                                    parts.paused, parts.steady_us, parts.trouble}));
  server->registry_threads_ = std::make_unique<AnswerThreads>(
      server->metrics_, 1, limits::kRegistryWaitingMax,
      registry_problem_of(busy(503, "busy", "too much is asked of the registry at once")));
  if (parts.index != nullptr) {
    server->lookup_threads_ = std::make_unique<AnswerThreads>(
        server->metrics_, limits::kLookupThreads, limits::kLookupWaitingMax,
        busy(503, "busy", "too many look-ups are asked at once"));
    server->explainer_ = std::make_unique<Explainer>(*parts.index);
  }
  server->add_routes(parts.registry);
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
  lines_.reset();
  if (tails_) tails_->stop();
  if (collector_) collector_->stop();
  if (registry_threads_) registry_threads_->stop();
  if (lookup_threads_) lookup_threads_->stop();
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

void Server::add_routes(registry::Registry& registry) {
  const auto tell = [this](auto make_answer) {
    return [this, make_answer](const net::HttpRequest& /*request*/, net::HttpRespond respond) {
      give(metrics_, respond, make_answer());
    };
  };
  routes_.add({"POST", "/v1/events", Access::ingest,
               [this](net::HttpRequest request, net::HttpRespond respond) {
                 collector_->take(std::move(request), std::move(respond));
               },
               false, deliveries_text()});
  add_event_endpoints(options_, *collector_, metrics_, routes_);
  const auto add = [&](const char* path, Access access, auto make_answer, RouteText text) {
    routes_.add({"GET", path, access, tell(make_answer), true, std::move(text)});
  };
  add("/metrics", Access::read, [this] { return metrics(); },
      {.summary = "Tells Prometheus what was counted", .gives = "text/plain"});
  add("/livez", Access::anyone, [] { return plain_text("alive\n"); },
      {.summary = "Tells that the process is there", .gives = "text/plain"});
  add("/readyz", Access::anyone, [this] { return readiness(); },
      {.summary = "Tells whether events are processed", .gives = "text/plain", .problems = {503}});
  add("/openapi.json", Access::anyone, [this] { return json_answer(200, openapi_); },
      {.summary = "Describes this API", .gives = "application/json"});
  add_registry_endpoints(registry, *registry_threads_, routes_);
  if (index_ != nullptr) add_lookup_endpoints(*index_, *explainer_, *lookup_threads_, routes_);
  openapi_ = openapi_of(routes_, !options_.tokens.empty());
}

RouteText Server::deliveries_text() const {
  RouteText text{.summary = "Takes events of one source",
                 .parameters = {{.name = "source", .meaning = "Whose events"},
                                {.name = "wait",
                                 .meaning = "When to answer",
                                 .choices = {"durable", "committed", "queryable"}},
                                {.name = "Idempotency-Key",
                                 .in = "header",
                                 .meaning = "The delivery's name: it is kept once",
                                 .pattern = "^[!-}]([ -~]{0,254}[!-~])?$"}},
                 .takes = collector_->content_types(),
                 .gives = "application/json",
                 .schema = "Delivery",
                 .problems = {400, 413, 415, 422, 429, 503}};
  std::set<std::string> formats;
  for (const HttpSource& source : options_.sources) {
    text.parameters[0].choices.push_back(source.name);
    if (!formats.insert(source.format).second) text.parameters[0].is_required = true;
  }
  return text;
}

void Server::handle(net::HttpRequest request, net::HttpRespond respond) {
  auto found = routes_.find(request);
  if (auto* none = std::get_if<net::HttpResponse>(&found))
    return give(metrics_, respond, std::move(*none));
  auto& [route, values] = std::get<Routes::Found>(found);
  if (auto refusal = refuse(request, route->access, options_))
    return give(metrics_, respond, refusal_of(*route, *std::move(refusal)));
  request.path_values = std::move(values);
  route->handle(std::move(request), std::move(respond));
}

int64_t Server::bytes_behind() const {
  const source::JournalPosition end = journal_.end();
  const std::lock_guard guard(mutex_);
  return end.segment == through_.segment ? end.offset - through_.offset : journal_.held_bytes();
}

net::HttpResponse Server::readiness() const {
  if (is_ready_) return plain_text("ready\n");
  return busy(503, "not ready", "what was committed before is being read");
}

Gauges Server::gauges() const {
  Gauges gauges;
  gauges.journal_bytes_behind = bytes_behind();
  gauges.journal_archived_bytes = journal_.archived_bytes();
  gauges.waiting = collector_->waiting();
  gauges.is_ready = is_ready_;
  if (tails_) gauges.tails = tails_->counts();
  others_(gauges);
  if (index_ != nullptr) gauges.lookups = {index_->rows(), index_->runs(), index_->through()};
  return gauges;
}

net::HttpResponse Server::metrics() const {
  return {
      200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, metrics_.text(gauges())};
}

}  // namespace adweave::serve
