// SPDX-License-Identifier: Apache-2.0
// The rows of some commits as messages of Kafka: events, credits and facts as JSON, rejects as the
// bytes that came.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/job.h"
#include "ledger/ledger.h"
#include "net/kafka_producer.h"

namespace adweave::engine {

// A topic that is written.
struct KafkaOutput {
  enum class Kind { results, rejects, retry };
  Kind kind = Kind::results;
  std::string topic;
  std::string of;    // of retry: the topic whose rejects it takes
  int64_t next = 0;  // the first commit that it has not got
};

// Those that the job asks for.
std::vector<KafkaOutput> kafka_outputs(const Job& job);

// Commits that follow one another.
struct CommitRun {
  int64_t first = 0;
  int64_t last = 0;
  std::string checksum;  // of the record `last`
  // Rows that they brought, by table, of those that become messages; what is missing of them by now
  // has been taken away by retention.
  std::map<std::string, int64_t> rows;
};

// The longest run from `first` to `through` at most that is not too much for one transaction, but
// at least a commit.
Result<CommitRun> next_run(const ledger::Ledger& ledger, const source::KafkaProduce& produce,
                           int64_t first, int64_t through);

struct SentRows {
  std::map<std::string, int64_t> rows;      // by table, of all that were found
  std::map<std::string, int64_t> messages;  // by topic
  int64_t not_retried = 0;                  // rejects that are too long, or were cut
};

// Sends the run's rows to each output that has not got their commit. Within a table, rows are in
// the order of its files. Fails as the producer does, or with corrupt or io: a file.
Result<SentRows> send_rows(const FileSystem& fs, const std::string& dir,
                           const ledger::Ledger& ledger, const source::KafkaProduce& produce,
                           const CommitRun& run, const std::vector<KafkaOutput>& outputs,
                           net::KafkaProducer& producer);

}  // namespace adweave::engine
