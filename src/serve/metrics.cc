// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "base/limits.h"

namespace adweave::serve {

namespace {

constexpr double kSecond = limits::kSecondUs;

// A label's value with what the format asks to escape.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

class Text {
 public:
  Text& begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
    return *this;
  }
  template <class T>
  Text& put(T value, std::string_view label = "", std::string_view of = "") {
    return put_as(name_, value, label, of);
  }
  template <class T>
  Text& put_as(std::string_view name, T value, std::string_view label = "",
               std::string_view of = "") {
    out_ += label.empty() ? fmt::format("{} {}\n", name, value)
                          : fmt::format("{}{{{}={}}} {}\n", name, label, quoted(of), value);
    return *this;
  }
  template <class T>
  Text& put(T value, const source::KafkaPartition& of) {
    out_ += fmt::format("{}{{topic={},partition=\"{}\"}} {}\n", name_, quoted(of.topic),
                        of.partition, value);
    return *this;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string name_;
  std::string out_;
};

void put_lookups(Text& out, const std::optional<Gauges::Lookups>& lookups) {
  if (!lookups) return;
  out.begin("adweave_lookup_rows", "gauge", "Rows that look-ups by id find.");
  out.put(lookups->rows);
  out.begin("adweave_lookup_runs", "gauge", "Runs that these rows are in: a look-up asks each.");
  out.put(lookups->runs);
  out.begin("adweave_lookup_commit", "gauge", "The newest commit whose rows look-ups find.");
  out.put(lookups->commit);
}

void put_kafka(Text& out, const std::vector<source::KafkaPartition>& partitions) {
  if (partitions.empty()) return;
  out.begin("adweave_kafka_lag_records", "gauge", "Offsets of a partition not yet committed.");
  for (const source::KafkaPartition& each : partitions) {
    if (each.high >= 0) out.put(std::max<int64_t>(each.high - each.next, 0), each);
  }
  out.begin("adweave_kafka_stopped", "gauge",
            "1 when a partition is read no more; the log says why.");
  for (const source::KafkaPartition& each : partitions) out.put(each.is_stopped ? 1 : 0, each);
}

void put_produced(Text& out, const source::KafkaProduced& produced) {
  out.begin("adweave_kafka_produced_commit", "gauge", "All commits up to it are written to Kafka.")
      .put(produced.commit);
  out.begin("adweave_kafka_produce_lag_commits", "gauge", "Commits that are still to be written.")
      .put(produced.head - produced.commit);
  out.begin("adweave_kafka_produced_messages_total", "counter", "Messages written, by topic.");
  for (const auto& [topic, number] : produced.messages) out.put(number, "topic", topic);
  out.begin("adweave_kafka_produce_missing_rows_total", "counter",
            "Rows that retention took away before they were written.")
      .put(produced.missing);
  out.begin("adweave_kafka_not_retried_total", "counter",
            "Rejects that are too long to be sent to their retry topic.")
      .put(produced.not_retried);
  out.begin("adweave_kafka_produce_errors_total", "counter",
            "Failures after which writing began again; the log says why.")
      .put(produced.errors);
  out.begin("adweave_kafka_produce_stopped", "gauge",
            "1 when nothing is written any more; the log says why.")
      .put(produced.is_stopped ? 1 : 0);
}

void put_seal(Text& out, const ledger::SealProgress& seal) {
  out.begin("adweave_seal_waiting", "gauge", "Days that are to be sealed.").put(seal.waiting);
  out.begin("adweave_seals_total", "counter", "Days that the server sealed by itself.")
      .put(seal.sealed);
  out.begin("adweave_seal_failures_total", "counter", "Times that a day could not be sealed.")
      .put(seal.failures);
  out.begin("adweave_seal_duration_seconds", "gauge", "Time that the newest of them took.")
      .put(static_cast<double>(seal.duration_us) / kSecond);
}

void put_reconcile(Text& out, const ledger::ReconcileProgress& reconcile) {
  out.begin("adweave_reconcile_failures_total", "counter",
            "Times that the lake could not be counted again.")
      .put(reconcile.failures);
  if (reconcile.commit == 0) return;
  out.begin(
         "adweave_reconcile_difference", "gauge",
         "How far the lake is from what the commits claim: rows, sums, cells. 0, or data is lost.")
      .put(reconcile.difference);
  out.begin("adweave_reconcile_commit", "gauge", "As of which commit it was counted last.")
      .put(reconcile.commit);
  out.begin("adweave_reconcile_duration_seconds", "gauge", "Time that it took.")
      .put(static_cast<double>(reconcile.duration_us) / kSecond);
  if (reconcile.succeeded_at == 0) return;
  out.begin("adweave_reconcile_success_seconds", "gauge",
            "When it was counted last without a difference, seconds since 1970.")
      .put(static_cast<double>(reconcile.succeeded_at) / kSecond);
}

void put_tails(Text& out, const std::map<std::string, source::TailCounts>& tails) {
  if (tails.empty()) return;
  const auto put = [&](std::string_view name, std::string_view type, std::string_view help,
                       int64_t source::TailCounts::* count) {
    out.begin(name, type, help);
    for (const auto& [source, counts] : tails) out.put(counts.*count, "source", source);
  };
  put("adweave_tail_files", "gauge", "Files that a source follows.", &source::TailCounts::files);
  put("adweave_tail_behind_bytes", "gauge", "Bytes of them that are not yet read.",
      &source::TailCounts::bytes_behind);
  put("adweave_tail_begun_anew_total", "counter",
      "Files that were cut off or replaced in place, and were read from their begin.",
      &source::TailCounts::begun_anew);
  put("adweave_tail_lost_total", "counter",
      "Files that were gone before it was sure that they were read; the log names them.",
      &source::TailCounts::lost);
}

void put_gauges(Text& out, const Gauges& gauges) {
  out.begin("adweave_journal_bytes_behind", "gauge", "Bytes of the journal to be committed.")
      .put(gauges.journal_bytes_behind);
  out.begin("adweave_journal_archived_bytes", "gauge",
            "Bytes on disk of the journal's archived segments.")
      .put(gauges.journal_archived_bytes);
  out.begin("adweave_waiting_requests", "gauge", "Senders that wait for an answer.")
      .put(gauges.waiting);
  out.begin("adweave_ready", "gauge", "1 when events are processed.").put(gauges.is_ready ? 1 : 0);
  put_kafka(out, gauges.kafka.partitions);
  if (gauges.kafka.produced) put_produced(out, *gauges.kafka.produced);
  if (!gauges.paused.empty())
    out.begin("adweave_source_paused", "gauge", "1 when a source takes and reads nothing for now.");
  for (const auto& [source, is_paused] : gauges.paused)
    out.put(is_paused ? 1 : 0, "source", source);
  put_tails(out, gauges.tails);
  put_seal(out, gauges.seal);
  put_reconcile(out, gauges.reconcile);
  put_lookups(out, gauges.lookups);
}

}  // namespace

void Metrics::count_request(int status) {
  const std::lock_guard guard(mutex_);
  ++requests_[status];
}

void Metrics::count_delivery(const std::string& source, int64_t bytes) {
  const std::lock_guard guard(mutex_);
  auto& [number, total] = deliveries_[source];
  ++number;
  total += bytes;
}

void Metrics::take(const ledger::CommitOutcome& commit) {
  const std::lock_guard guard(mutex_);
  for (const ledger::Counts& counts : commit.counts) {
    counts_[counts.source].source = counts.source;
    counts_[counts.source].add(counts);
  }
  for (const auto& [reason, number] : commit.rejected) rejected_[reason] += number;
  for (size_t i = 0; i < kBounds.size(); ++i) {
    if (static_cast<double>(commit.duration_us) <= kBounds[i] * kSecond) ++commits_within_[i];
  }
  ++commits_;
  commit_us_ += commit.duration_us;
  newest_commit_ = commit.commit;
  latest_receipt_ = std::max(latest_receipt_, commit.latest_receipt);
}

void Metrics::watch_registry(const std::string& url, std::function<bool()> is_out_of_reach) {
  const std::lock_guard guard(mutex_);
  registries_[url] = std::move(is_out_of_reach);
}

JsonValue Metrics::status(const Gauges& gauges) const {
  const std::lock_guard guard(mutex_);
  JsonValue::Array sources;
  for (const auto& [source, counts] : counts_) {
    sources.push_back(JsonValue::Object{{"source", source},
                                        {"received", counts.received()},
                                        {"accepted", counts.accepted},
                                        {"duplicate", counts.duplicate},
                                        {"conflict", counts.conflict},
                                        {"rejected", counts.rejected}});
  }
  JsonValue::Array kafka;
  for (const source::KafkaPartition& each : gauges.kafka.partitions) {
    kafka.push_back(JsonValue::Object{{"topic", each.topic},
                                      {"partition", static_cast<int64_t>(each.partition)},
                                      {"next", each.next},
                                      {"high", each.high},
                                      {"stopped", each.is_stopped}});
  }
  JsonValue::Array paused;
  for (const auto& [source, is_paused] : gauges.paused) {
    if (is_paused) paused.emplace_back(source);
  }
  JsonValue::Array tails;
  for (const auto& [source, counts] : gauges.tails) {
    tails.push_back(JsonValue::Object{{"source", source},
                                      {"files", counts.files},
                                      {"bytes_behind", counts.bytes_behind},
                                      {"begun_anew", counts.begun_anew},
                                      {"lost", counts.lost}});
  }
  JsonValue::Object reconcile{{"commit", gauges.reconcile.commit},
                              {"difference", gauges.reconcile.difference},
                              {"first", gauges.reconcile.first},
                              {"succeeded_at", gauges.reconcile.succeeded_at},
                              {"failures", gauges.reconcile.failures}};
  int64_t requests = 0;
  for (const auto& [status, number] : requests_) requests += number;
  JsonValue::Object status{{"commit", newest_commit_},
                           {"commits", commits_},
                           {"commit_us", commit_us_},
                           {"latest_receipt", latest_receipt_},
                           {"requests", requests},
                           {"journal_bytes_behind", gauges.journal_bytes_behind},
                           {"waiting", gauges.waiting},
                           {"ready", gauges.is_ready},
                           {"sources", std::move(sources)},
                           {"kafka", std::move(kafka)},
                           {"paused", std::move(paused)},
                           {"tails", std::move(tails)},
                           {"reconcile", std::move(reconcile)}};
  if (const auto& produced = gauges.kafka.produced) {
    status.emplace_back("produced", JsonValue::Object{{"commit", produced->commit},
                                                      {"head", produced->head},
                                                      {"errors", produced->errors},
                                                      {"stopped", produced->is_stopped}});
  }
  return status;
}

std::string Metrics::text(const Gauges& gauges) const {
  const std::lock_guard guard(mutex_);
  Text out;
  out.begin("adweave_http_requests_total", "counter", "Answers given, by status.");
  for (const auto& [status, number] : requests_) out.put(number, "status", std::to_string(status));
  out.begin("adweave_deliveries_total", "counter", "Deliveries made durable, by source.");
  for (const auto& [source, sum] : deliveries_) out.put(sum.first, "source", source);
  out.begin("adweave_delivered_bytes_total", "counter", "Bytes of those, as they were sent.");
  for (const auto& [source, sum] : deliveries_) out.put(sum.second, "source", source);

  const auto put_counts = [&](std::string_view name, std::string_view help, auto member) {
    out.begin(fmt::format("adweave_{}_total", name), "counter", help);
    for (const auto& [source, counts] : counts_) out.put(member(counts), "source", source);
  };
  put_counts("received", "Events that were committed, however they ended.",
             [](const ledger::Counts& c) { return c.received(); });
  put_counts("accepted", "Events that entered.", [](const auto& c) { return c.accepted; });
  put_counts("duplicate", "Events that had come before.",
             [](const auto& c) { return c.duplicate; });
  put_counts("conflict", "Events whose id had come with other content.",
             [](const auto& c) { return c.conflict; });
  out.begin("adweave_rejected_total", "counter", "Records that were rejected, by reason.");
  int64_t rejected = 0;
  for (const auto& [reason, number] : rejected_) {
    out.put(number, "reason", reason);
    rejected += number;
  }

  int64_t by_source = 0;
  for (const auto& [source, counts] : counts_) by_source += counts.rejected;
  out.begin("adweave_conservation_difference", "gauge",
            "Rejects by source less rejects by reason: 0, or a bug.")
      .put(by_source - rejected);
  out.begin("adweave_commit_duration_seconds", "histogram", "Time that a commit took.");
  for (size_t i = 0; i < kBounds.size(); ++i) {
    out.put_as("adweave_commit_duration_seconds_bucket", commits_within_[i], "le",
               fmt::format("{}", kBounds[i]));
  }
  const double seconds = static_cast<double>(commit_us_) / kSecond;
  out.put_as("adweave_commit_duration_seconds_bucket", commits_, "le", "+Inf")
      .put_as("adweave_commit_duration_seconds_sum", seconds)
      .put_as("adweave_commit_duration_seconds_count", commits_);
  out.begin("adweave_commit", "gauge", "Number of the newest commit.").put(newest_commit_);
  if (latest_receipt_ > 0) {
    out.begin("adweave_newest_receipt_seconds", "gauge",
              "When the newest committed event was received, seconds since 1970.")
        .put(static_cast<double>(latest_receipt_) / kSecond);
  }
  put_gauges(out, gauges);
  if (!registries_.empty()) {
    out.begin("adweave_schema_registry_out_of_reach", "gauge",
              "1 when the last call to another schema registry has failed.");
    for (const auto& [url, is_out_of_reach] : registries_)
      out.put(is_out_of_reach() ? 1 : 0, "registry", url);
  }

  // The names of the case study's notebook.
  out.begin("data_processing_time", "summary", "Time spent processing data, in seconds.")
      .put_as("data_processing_time_sum", seconds)
      .put_as("data_processing_time_count", commits_);
  out.begin("data_processing_errors_total", "counter", "Records that could not be processed.")
      .put(rejected);
  return out.take();
}

}  // namespace adweave::serve
