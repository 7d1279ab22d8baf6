// SPDX-License-Identifier: Apache-2.0
// How a server stands at a moment, and what it did between two.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "ledger/commit_record.h"
#include "query/sql_engine.h"
#include "source/kafka_produce.h"
#include "source/kafka_topic.h"
#include "source/tail.h"

namespace adweave::app {

struct ServerSample {
  int64_t at = 0;  // microseconds UTC
  int64_t commit = 0;
  int64_t commits = 0;    // since the server began, as all counts are
  int64_t commit_us = 0;  // that they took
  int64_t latest_receipt = 0;
  int64_t requests = 0;
  int64_t journal_bytes_behind = 0;
  int64_t waiting = 0;
  bool is_ready = false;
  std::vector<ledger::Counts> sources;
  std::vector<source::KafkaPartition> kafka;
  std::optional<source::KafkaProduced> produced;  // null: nothing is written to Kafka
  std::vector<std::string> paused;                // sources
  std::vector<std::pair<std::string, source::TailCounts>> tails;  // of sources that follow files
  int64_t difference = 0;        // of the lake from what the commits claim
  std::string first_difference;  // empty: there is none
};

// Of what serve::Server::status() tells. Fails with corrupt.
Result<ServerSample> sample_of(const JsonValue& status, int64_t at);

// Commits, requests, queues, what is written to Kafka: two or three lines for people.
std::string state_text(const ServerSample& before, const ServerSample& now);

// By source, events a second and in all.
query::QueryResult rates_of(const ServerSample& before, const ServerSample& now);

// By topic of Kafka: partitions, records behind, partitions that are read no more.
query::QueryResult lag_of(const ServerSample& now);

// By source that follows files: how many, bytes behind, files begun anew, files lost.
query::QueryResult tails_of(const ServerSample& now);

}  // namespace adweave::app
