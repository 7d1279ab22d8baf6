// SPDX-License-Identifier: Apache-2.0
// The endpoints: who may ask for what, and who answers.
//
//   POST /v1/events     deliver events (serve/collector.h)
//   GET  /metrics       for Prometheus
//   GET  /livez         the process is there
//   GET  /readyz        events are processed
//   GET  /openapi.json  what there is (serve/openapi.h)
//
// and those of serve/event_endpoints.h, serve/registry_endpoints.h and serve/lookup_endpoints.h.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "base/json.h"
#include "net/http_server.h"
#include "registry/registry.h"
#include "serve/answer_threads.h"
#include "serve/collector.h"
#include "serve/explainer.h"
#include "serve/line_intake.h"
#include "serve/metrics.h"
#include "serve/options.h"
#include "serve/routes.h"
#include "serve/tail_intake.h"

namespace adweave::serve {

class Server {
 public:
  // What it stands on, and what must outlive it.
  struct Parts {
    FileSystem& fs;
    std::string data;  // the data folder
    source::Journal& journal;
    source::JournalPosition through;  // all before it is committed
    registry::Registry& registry;
    const source::PausedSources& paused;
    const lookup::Index* index = nullptr;  // null: there are no look-ups
    std::function<int64_t()> now_us;
    std::function<int64_t()> steady_us;         // of a clock that nobody sets
    std::function<void(const Error&)> trouble;  // with files that are followed; any thread
  };
  // Fills in what others know of how it stands.
  using AskOthers = std::function<void(Gauges& gauges)>;

  // Listens at once; events are taken before it is ready(). `others` is asked until stop().
  static Result<std::unique_ptr<Server>> start(Options options, const Parts& parts,
                                               AskOthers others);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const { return events_->port(); }
  int metrics_port() const { return scrapes_->port(); }
  // Of the sources whose lines come over TCP, in their order.
  std::vector<int> line_ports() const { return lines_->ports(); }

  // How it stands (Metrics::status()).
  JsonValue status() const { return metrics_.status(gauges()); }

  void ready() { is_ready_ = true; }
  void committed(const ledger::CommitOutcome& commit);
  // Shown in the metrics (Metrics::watch_registry()).
  void watch_registry(const std::string& url, std::function<bool()> is_out_of_reach) {
    metrics_.watch_registry(url, std::move(is_out_of_reach));
  }

  // Takes nothing more and answers all who wait. The destructor does it too.
  void stop();

 private:
  Server(Options options, source::Journal& journal, AskOthers others)
      : options_(std::move(options)), journal_(journal), others_(std::move(others)) {}

  Result<std::unique_ptr<net::HttpServer>> listen(const Address& address);
  void handle(net::HttpRequest request, net::HttpRespond respond);
  void add_routes(registry::Registry& registry);
  RouteText deliveries_text() const;
  net::HttpResponse readiness() const;
  net::HttpResponse metrics() const;
  Gauges gauges() const;
  // Durable, but not committed.
  int64_t bytes_behind() const;

  Options options_;
  source::Journal& journal_;
  AskOthers others_;
  Metrics metrics_;
  std::atomic<bool> is_ready_ = false;
  mutable std::mutex mutex_;
  source::JournalPosition through_;  // all before it is committed
  std::unique_ptr<Collector> collector_;
  std::unique_ptr<LineIntake> lines_;
  std::unique_ptr<TailIntake> tails_;
  std::unique_ptr<AnswerThreads> registry_threads_;
  const lookup::Index* index_ = nullptr;
  std::unique_ptr<Explainer> explainer_;  // these two null without an index
  std::unique_ptr<AnswerThreads> lookup_threads_;
  Routes routes_;
  JsonValue openapi_;
  std::unique_ptr<net::HttpServer> events_;
  std::unique_ptr<net::HttpServer> scrapes_;
};

}  // namespace adweave::serve
