// SPDX-License-Identifier: Apache-2.0
// What is written to Kafka of a ledger's commits, and how that stands, as plain data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace adweave::source {

struct KafkaProduce {
  std::string results;            // topic of the rows; empty: they are not produced
  std::set<std::string> tables;   // whose rows are results
  std::string rejects;            // topic of the rejects
  std::string retry;              // rejects that may be tried again go to their topic's name + this
  std::set<std::string> reasons;  // of those
  std::map<std::string, std::string> properties;  // as librdkafka takes them, beside the cluster's
  // Where a topic begins of which the cluster does not know how far it is written.
  bool from_end = false;        // with the next commit
  std::optional<int64_t> from;  // with this commit

  bool is_on() const { return !results.empty() || !rejects.empty() || !retry.empty(); }
};

// How it stands.
struct KafkaProduced {
  int64_t commit = 0;                       // all up to it are produced
  int64_t head = 0;                         // the newest that is to be
  std::map<std::string, int64_t> messages;  // by topic, since the start
  int64_t missing = 0;                      // rows that retention took away before
  int64_t not_retried = 0;                  // rejects that are too long for it
  int64_t errors = 0;                       // after which it began again
  bool is_stopped = false;                  // for good: an Error was reported
};

}  // namespace adweave::source
