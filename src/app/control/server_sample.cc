// SPDX-License-Identifier: Apache-2.0
#include "app/control/server_sample.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/limits.h"

namespace adweave::app {

namespace {

bool truth_at(const JsonValue& json, const char* name) {
  const JsonValue* value = json.find(name);
  return value != nullptr && value->as_bool() != nullptr && *value->as_bool();
}

Result<ledger::Counts> counts_of(const JsonValue& json) {
  ledger::Counts counts;
  ADWEAVE_ASSIGN(counts.source, json.string_at("source"));
  ADWEAVE_ASSIGN(counts.accepted, json.int_at("accepted"));
  ADWEAVE_ASSIGN(counts.duplicate, json.int_at("duplicate"));
  ADWEAVE_ASSIGN(counts.conflict, json.int_at("conflict"));
  ADWEAVE_ASSIGN(counts.rejected, json.int_at("rejected"));
  return counts;
}

Result<source::KafkaPartition> partition_of(const JsonValue& json) {
  source::KafkaPartition partition;
  ADWEAVE_ASSIGN(partition.topic, json.string_at("topic"));
  ADWEAVE_ASSIGN(const int64_t number, json.int_at("partition"));
  partition.partition = static_cast<int32_t>(number);
  ADWEAVE_ASSIGN(partition.next, json.int_at("next"));
  ADWEAVE_ASSIGN(partition.high, json.int_at("high"));
  partition.is_stopped = truth_at(json, "stopped");
  return partition;
}

Result<source::KafkaProduced> produced_of(const JsonValue& json) {
  source::KafkaProduced produced;
  ADWEAVE_ASSIGN(produced.commit, json.int_at("commit"));
  ADWEAVE_ASSIGN(produced.head, json.int_at("head"));
  ADWEAVE_ASSIGN(produced.errors, json.int_at("errors"));
  produced.is_stopped = truth_at(json, "stopped");
  return produced;
}

Result<source::TailCounts> tail_of(const JsonValue& json) {
  source::TailCounts counts;
  ADWEAVE_ASSIGN(counts.files, json.int_at("files"));
  ADWEAVE_ASSIGN(counts.bytes_behind, json.int_at("bytes_behind"));
  ADWEAVE_ASSIGN(counts.begun_anew, json.int_at("begun_anew"));
  ADWEAVE_ASSIGN(counts.lost, json.int_at("lost"));
  return counts;
}

double seconds_between(const ServerSample& before, const ServerSample& now) {
  return std::max(static_cast<double>(now.at - before.at) / limits::kSecondUs, 1e-3);
}

double per_second(int64_t before, int64_t now, double seconds) {
  const double rate = static_cast<double>(std::max<int64_t>(now - before, 0)) / seconds;
  return std::round(rate * 10) / 10;
}

}  // namespace

Result<ServerSample> sample_of(const JsonValue& status, int64_t at) {
  ServerSample sample;
  sample.at = at;
  for (const auto& [name, out] : {std::pair{"commit", &sample.commit},
                                  {"commits", &sample.commits},
                                  {"commit_us", &sample.commit_us},
                                  {"latest_receipt", &sample.latest_receipt},
                                  {"requests", &sample.requests},
                                  {"journal_bytes_behind", &sample.journal_bytes_behind},
                                  {"waiting", &sample.waiting}}) {
    ADWEAVE_ASSIGN(*out, status.int_at(name));
  }
  sample.is_ready = truth_at(status, "ready");
  ADWEAVE_ASSIGN(const JsonValue::Array* sources, status.array_at("sources"));
  for (const JsonValue& each : *sources) {
    ADWEAVE_ASSIGN(ledger::Counts counts, counts_of(each));
    sample.sources.push_back(std::move(counts));
  }
  ADWEAVE_ASSIGN(const JsonValue::Array* kafka, status.array_at("kafka"));
  for (const JsonValue& each : *kafka) {
    ADWEAVE_ASSIGN(source::KafkaPartition partition, partition_of(each));
    sample.kafka.push_back(std::move(partition));
  }
  ADWEAVE_ASSIGN(const JsonValue::Array* tails, status.array_at("tails"));
  for (const JsonValue& each : *tails) {
    ADWEAVE_ASSIGN(std::string source, each.string_at("source"));
    ADWEAVE_ASSIGN(const source::TailCounts counts, tail_of(each));
    sample.tails.emplace_back(std::move(source), counts);
  }
  if (const JsonValue* produced = status.find("produced")) {
    ADWEAVE_ASSIGN(sample.produced, produced_of(*produced));
  }
  if (status.find("paused") != nullptr) {
    ADWEAVE_ASSIGN(const JsonValue::Array* paused, status.array_at("paused"));
    for (const JsonValue& each : *paused) {
      if (each.as_string() != nullptr) sample.paused.push_back(*each.as_string());
    }
  }
  if (const JsonValue* reconcile = status.find("reconcile")) {
    ADWEAVE_ASSIGN(sample.difference, reconcile->int_at("difference"));
    ADWEAVE_ASSIGN(sample.first_difference, reconcile->string_at("first"));
  }
  return sample;
}

std::string state_text(const ServerSample& before, const ServerSample& now) {
  const double seconds = seconds_between(before, now);
  const int64_t commits = now.commits - before.commits;
  std::string text =
      fmt::format("{}  commit {}  {:.1f} commits/s", now.is_ready ? "ready" : "starting",
                  now.commit, per_second(before.commits, now.commits, seconds));
  if (commits > 0) {
    text += fmt::format(" of {:.0f} ms", static_cast<double>(now.commit_us - before.commit_us) /
                                             1000 / static_cast<double>(commits));
  }
  text += fmt::format("\nrequests/s {:.1f}  waiting {}  journal behind {:.1f} KB",
                      per_second(before.requests, now.requests, seconds), now.waiting,
                      static_cast<double>(now.journal_bytes_behind) / 1000);
  if (now.latest_receipt > 0) {
    text += fmt::format(
        "  newest event received {:.1f} s ago",
        static_cast<double>(std::max<int64_t>(now.at - now.latest_receipt, 0)) / limits::kSecondUs);
  }
  if (const auto& produced = now.produced) {
    text += fmt::format("\nKafka has commit {}  {} behind  {} errors{}", produced->commit,
                        produced->head - produced->commit, produced->errors,
                        produced->is_stopped ? "  stopped: see the log" : "");
  }
  if (!now.paused.empty()) text += fmt::format("\npaused: {}", fmt::join(now.paused, ", "));
  if (now.difference > 0) {
    text += fmt::format("\nthe lake is not what the commits claim, difference {}: {}",
                        now.difference, now.first_difference);
  }
  return text;
}

query::QueryResult rates_of(const ServerSample& before, const ServerSample& now) {
  const double seconds = seconds_between(before, now);
  query::QueryResult result;
  result.columns = {"source",     "received/s", "accepted/s", "duplicate/s",
                    "conflict/s", "rejected/s", "received"};
  for (const ledger::Counts& counts : now.sources) {
    const auto earlier =
        std::find_if(before.sources.begin(), before.sources.end(),
                     [&](const ledger::Counts& each) { return each.source == counts.source; });
    const ledger::Counts then = earlier == before.sources.end() ? ledger::Counts() : *earlier;
    result.rows.push_back({counts.source, per_second(then.received(), counts.received(), seconds),
                           per_second(then.accepted, counts.accepted, seconds),
                           per_second(then.duplicate, counts.duplicate, seconds),
                           per_second(then.conflict, counts.conflict, seconds),
                           per_second(then.rejected, counts.rejected, seconds), counts.received()});
  }
  return result;
}

query::QueryResult lag_of(const ServerSample& now) {
  struct Topic {
    int64_t partitions = 0;
    int64_t behind = 0;
    int64_t stopped = 0;
  };
  std::map<std::string, Topic> topics;
  for (const source::KafkaPartition& each : now.kafka) {
    Topic& topic = topics[each.topic];
    ++topic.partitions;
    topic.behind += std::max<int64_t>(each.high - each.next, 0);
    topic.stopped += each.is_stopped ? 1 : 0;
  }
  query::QueryResult result;
  result.columns = {"topic", "partitions", "records_behind", "stopped"};
  for (const auto& [name, topic] : topics)
    result.rows.push_back({name, topic.partitions, topic.behind, topic.stopped});
  return result;
}

query::QueryResult tails_of(const ServerSample& now) {
  query::QueryResult result;
  result.columns = {"source", "files", "bytes_behind", "begun_anew", "lost"};
  for (const auto& [source, counts] : now.tails) {
    result.rows.push_back(
        {source, counts.files, counts.bytes_behind, counts.begun_anew, counts.lost});
  }
  return result;
}

}  // namespace adweave::app
