// SPDX-License-Identifier: Apache-2.0
// What the server counts, in Prometheus' text format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "ledger/outcome.h"
#include "ledger/progress.h"
#include "source/kafka_produce.h"
#include "source/kafka_topic.h"
#include "source/tail.h"

namespace adweave::serve {

// How what is read from Kafka and written to it stands.
struct KafkaGauges {
  std::vector<source::KafkaPartition> partitions;
  std::optional<source::KafkaProduced> produced;  // null: nothing is written
};

// What is asked of others when somebody looks.
struct Gauges {
  int64_t journal_bytes_behind = 0;    // durable, but not committed
  int64_t journal_archived_bytes = 0;  // of its archives, on disk
  int64_t waiting = 0;                 // senders
  bool is_ready = false;
  KafkaGauges kafka;
  std::map<std::string, bool> paused;               // by source
  std::map<std::string, source::TailCounts> tails;  // by source that follows files
  ledger::SealProgress seal;
  ledger::ReconcileProgress reconcile;
  struct Lookups {
    int64_t rows = 0;
    int64_t runs = 0;     // they are in
    int64_t commit = -1;  // the newest whose rows are found; -1: none
  };
  std::optional<Lookups> lookups;  // none: look-ups are not answered
};

class Metrics {
 public:
  void count_request(int status);
  void count_delivery(const std::string& source, int64_t bytes);
  void take(const ledger::CommitOutcome& commit);
  // Another schema registry, and whether it is out of reach: asked on any thread, until the end.
  void watch_registry(const std::string& url, std::function<bool()> is_out_of_reach);

  std::string text(const Gauges& gauges) const;

  // The same for `top`, of counts since the start: {commit, commits, commit_us, latest_receipt
  // (us), requests, journal_bytes_behind, waiting, ready, sources: [{source, received, accepted,
  // duplicate, conflict, rejected}], kafka: [{topic, partition, next, high, stopped}],
  // paused: [source], tails: [{source, files, bytes_behind, begun_anew, lost}], reconcile: {commit,
  // difference, first, succeeded_at (us), failures}, produced: {commit, head, errors, stopped}, if
  // anything is written to Kafka}.
  JsonValue status(const Gauges& gauges) const;

 private:
  // Seconds that commits took, by upper bounds.
  static constexpr std::array<double, 9> kBounds = {0.005, 0.01, 0.025, 0.05, 0.1,
                                                    0.25,  0.5,  1,     2.5};

  mutable std::mutex mutex_;
  std::map<int, int64_t> requests_;                                // by status
  std::map<std::string, std::pair<int64_t, int64_t>> deliveries_;  // by source: number, bytes
  std::map<std::string, ledger::Counts> counts_;                   // by source
  std::map<std::string, int64_t> rejected_;                        // by reason
  std::map<std::string, std::function<bool()>> registries_;        // by address
  std::array<int64_t, kBounds.size()> commits_within_{};
  int64_t commits_ = 0;
  int64_t commit_us_ = 0;
  int64_t newest_commit_ = 0;
  int64_t latest_receipt_ = 0;
};

}  // namespace adweave::serve
