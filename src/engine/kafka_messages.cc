// SPDX-License-Identifier: Apache-2.0
#include "engine/kafka_messages.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "base/time.h"
#include "event/row_json.h"
#include "lake/table_reader.h"
#include "source/kafka_mark.h"

namespace adweave::engine {

namespace {

// The id that groups an event's messages.
std::string_view key_of(const event::Batch& rows, int64_t row) {
  const bool is_of_auction =
      rows.kind == event::Kind::bid_request || rows.kind == event::Kind::auction_outcome;
  return is_of_auction ? rows.auction_id.value_or(row, rows.event_id[row])
                       : rows.user_id.value_or(row, rows.event_id[row]);
}
std::string_view key_of(const event::CreditRows& rows, int64_t row) {
  return rows.conversion_id[row];
}
std::string_view key_of(const event::FactRows& rows, int64_t row) {
  return rows.event_id[row];
}

class RowSender {
 public:
  RowSender(const FileSystem& fs, const std::string& dir, const source::KafkaProduce& produce,
            const CommitRun& run, const std::vector<KafkaOutput>& outputs,
            net::KafkaProducer& producer)
      : fs_(fs), dir_(dir), produce_(produce), run_(run), outputs_(outputs), producer_(producer) {}

  Status send_file(const event::DataFile& file) {
    if (event::find_table(file.table)->kind) {
      return lake::visit_events(fs_, dir_, file, {},
                                [&](const event::Batch& rows) { return send_results(rows); });
    }
    if (file.table == "credits_log") return send_results_of<event::CreditRows>(file);
    if (file.table == "facts") return send_results_of<event::FactRows>(file);
    return lake::visit_rows<event::RejectRows>(
        fs_, dir_, file, [&](const event::RejectRows& rows) { return send_rejects(rows); });
  }

  SentRows take() { return std::move(sent_); }

 private:
  bool is_in_run(int64_t commit) const { return commit >= run_.first && commit <= run_.last; }

  template <class Rows>
  Status send_results_of(const event::DataFile& file) {
    return lake::visit_rows<Rows>(fs_, dir_, file,
                                  [&](const Rows& rows) { return send_results(rows); });
  }

  template <class Rows>
  Status send_results(const Rows& rows) {
    const event::TableRows table = event::table_rows(rows);
    int64_t& found = sent_.rows[std::string(table.table->name)];
    for (int64_t row = 0; row < rows.rows; ++row) {
      if (!is_in_run(rows.commit[row])) continue;
      ++found;
      text_.clear();
      event::append_row_json(text_, table, row);
      for (const KafkaOutput& output : outputs_) {
        if (output.kind != KafkaOutput::Kind::results || output.next > rows.commit[row]) continue;
        ADWEAVE_TRY(send(output, {output.topic, key_of(rows, row), text_, {}}));
      }
    }
    return {};
  }

  Status send_rejects(const event::RejectRows& rows) {
    for (int64_t row = 0; row < rows.rows; ++row) {
      if (!is_in_run(rows.commit[row])) continue;
      ++sent_.rows["rejects"];
      ADWEAVE_TRY(send_reject(rows, row));
    }
    return {};
  }

  Status send_reject(const event::RejectRows& rows, int64_t row) {
    const std::string first_seen = format_time(rows.first_seen[row]);
    const std::string attempt = std::to_string(rows.attempt[row]);
    const std::string sign = std::to_string(rows.sign[row]);
    const std::string commit = std::to_string(rows.commit[row]);
    const std::string length = std::to_string(rows.raw_length[row]);
    net::KafkaMessageOut message;
    message.key = rows.source_position[row];  // what states it and what takes it back lie together
    message.value = rows.raw[row].substr(0, limits::kKafkaRejectBytesMax);
    message.headers = {{"outcome", rows.outcome[row]},
                       {"reason", rows.reason[row]},
                       {"rule", rows.rule.value_or(row, "")},
                       {"message", rows.message[row]},
                       {"source", rows.source[row]},
                       {"origin", rows.source_position[row]},
                       {"attempt", attempt},
                       {"first_seen", first_seen},
                       {"state", rows.state[row]},
                       {"sign", sign},
                       {"raw_length", length},
                       {"raw_hash", rows.raw_hash[row]},
                       {"commit", commit},
                       {"ledger_id", rows.ledger_id[row]}};
    for (const KafkaOutput& output : outputs_) {
      if (output.next > rows.commit[row]) continue;
      if (output.kind == KafkaOutput::Kind::rejects) {
        message.topic = output.topic;
        ADWEAVE_TRY(send(output, message));
      } else if (output.kind == KafkaOutput::Kind::retry) {
        ADWEAVE_TRY(send_again(output, rows, row, message));
      }
    }
    return {};
  }

  // Once: a replay that rejects it again does not send it again.
  Status send_again(const KafkaOutput& output, const event::RejectRows& rows, int64_t row,
                    net::KafkaMessageOut message) {
    const bool may_be_mended = rows.outcome[row] == "rejected" && rows.state[row] == "open" &&
                               rows.sign[row] > 0 && rows.attempt[row] == 1 &&
                               produce_.reasons.contains(std::string(rows.reason[row]));
    if (!may_be_mended) return {};
    const std::string_view position = rows.source_position[row];
    const auto origin = source::parse_kafka_position(position);
    // Of a record that holds several events, one cannot be sent alone.
    const bool is_whole = position.find('#') == std::string_view::npos;
    if (!origin || origin->topic != output.of || !is_whole) return {};
    if (static_cast<int64_t>(message.value.size()) != rows.raw_length[row]) {
      ++sent_.not_retried;
      return {};
    }
    ADWEAVE_ASSIGN(const auto key,
                   producer_.key_at(origin->topic, origin->partition, origin->offset));
    message.topic = output.topic;
    message.key = key;
    return send(output, message);
  }

  Status send(const KafkaOutput& output, const net::KafkaMessageOut& message) {
    ADWEAVE_TRY(producer_.send(message));
    ++sent_.messages[output.topic];
    return {};
  }

  const FileSystem& fs_;
  const std::string& dir_;
  const source::KafkaProduce& produce_;
  const CommitRun& run_;
  const std::vector<KafkaOutput>& outputs_;
  net::KafkaProducer& producer_;
  SentRows sent_;
  std::string text_;
};

bool is_sent(const source::KafkaProduce& produce, const std::string& table) {
  if (table == "rejects") return !produce.rejects.empty() || !produce.retry.empty();
  return !produce.results.empty() && produce.tables.contains(table);
}

}  // namespace

std::vector<KafkaOutput> kafka_outputs(const Job& job) {
  const source::KafkaProduce& produce = job.kafka_produce;
  std::vector<KafkaOutput> outputs;
  if (!produce.results.empty())
    outputs.push_back({KafkaOutput::Kind::results, produce.results, ""});
  if (!produce.rejects.empty())
    outputs.push_back({KafkaOutput::Kind::rejects, produce.rejects, ""});
  if (produce.retry.empty()) return outputs;
  for (const SourceJob& source : job.sources) {
    // What is rejected once more out of such a topic is not sent there again.
    if (!source.kafka || source.kafka->topic.ends_with(produce.retry)) continue;
    const std::string& topic = source.kafka->topic;
    outputs.push_back({KafkaOutput::Kind::retry, topic + produce.retry, topic});
  }
  return outputs;
}

Result<CommitRun> next_run(const ledger::Ledger& ledger, const source::KafkaProduce& produce,
                           int64_t first, int64_t through) {
  CommitRun run{first, first - 1, "", {}};
  int64_t rows = 0;
  bool is_full = false;
  const int64_t last = std::min(through, first + limits::kKafkaTransactionCommits - 1);
  ADWEAVE_TRY(ledger.visit_records(first, last, [&](const ledger::CommitRecord& record) {
    if (is_full) return Status();
    // Other kinds add files too: with rows of other commits.
    std::map<std::string, int64_t> added;
    if (record.kind == "data" || record.kind == "replay") {
      for (const event::DataFile& file : record.added) {
        if (is_sent(produce, file.table)) added[file.table] += file.rows;
      }
    }
    int64_t more = 0;
    for (const auto& [table, number] : added) more += number;
    is_full = run.last >= first && rows + more > limits::kKafkaTransactionRows;
    if (is_full) return Status();
    run.last = record.number;
    run.checksum = record.checksum;
    rows += more;
    for (const auto& [table, number] : added) run.rows[table] += number;
    return Status();
  }));
  return run;
}

Result<SentRows> send_rows(const FileSystem& fs, const std::string& dir,
                           const ledger::Ledger& ledger, const source::KafkaProduce& produce,
                           const CommitRun& run, const std::vector<KafkaOutput>& outputs,
                           net::KafkaProducer& producer) {
  RowSender sender(fs, dir, produce, run, outputs, producer);
  for (const event::DataFile& file : ledger.live_files("", ledger.head())) {
    if (file.first_commit > run.last || file.commit < run.first) continue;
    if (is_sent(produce, file.table)) ADWEAVE_TRY(sender.send_file(file));
  }
  return sender.take();
}

}  // namespace adweave::engine
