// SPDX-License-Identifier: Apache-2.0
// The main job without an end: what is delivered and what appears in the watched folders is
// committed some times a second, until it is told to stop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/job.h"
#include "ledger/outcome.h"
#include "ledger/writer.h"
#include "lookup/index.h"
#include "source/journal.h"
#include "source/kafka_produce.h"
#include "source/kafka_topic.h"
#include "source/paused_sources.h"

namespace adweave::engine {

struct LiveHooks {
  std::function<int64_t()> now_us;
  std::function<int64_t()> steady_us;  // of a clock that nobody sets: how long something has rested
  std::function<bool()> stop;          // asked some times a second
  std::function<void(const ledger::CommitOutcome&)> committed;  // on the thread of run()
  std::function<void(const Error&)> trouble;  // with a file, which stops no other; may be empty
  std::function<void()> ready;                // the state is there: it processes
};

// Begins a new epoch on the data folder and opens its journal.
class Live {
 public:
  // Fails as run() of job.h does before its first commit.
  static Result<std::unique_ptr<Live>> open(FileSystem& fs, Job job, LiveHooks hooks);
  virtual ~Live() = default;

  // Takes deliveries from the start, before run() has the state.
  virtual source::Journal& journal() = 0;

  // Fails once another process has taken the data folder over. Any thread.
  virtual Status check_lock() const = 0;

  // Sources of which nothing is read, for now; it may be changed at any time.
  virtual source::PausedSources& paused() = 0;

  // All of the journal before it was committed when it was opened.
  virtual source::JournalPosition committed_through() const = 0;

  // Has work done with the ledger's writer, between two commits, and waits for it; deliveries are
  // taken meanwhile. The work must leave the state as it is; its Error, after which the writer must
  // not be used, ends the server. Any thread. Fails with io when the server ends first.
  using Work = std::function<Status(ledger::LedgerWriter&)>;
  virtual Status ask(Work work) = 0;
  // The same for work that is short and only reads the ledger or commits one record: what goes on
  // beside the commits goes on.
  virtual Status step(Work work) = 0;

  // The partitions of Kafka that it reads, at the moment. Any thread.
  virtual std::vector<source::KafkaPartition> kafka() const = 0;

  // How what it writes to Kafka stands; null: it writes nothing. Any thread.
  virtual std::optional<source::KafkaProduced> produced() const = 0;
  // The rows by the ids that they name; null when the job does not keep them. As long as this
  // lives.
  virtual const lookup::Index* index() const = 0;

  // Until it is stopped; then all that was read is committed. Fails as run() of job.h does.
  virtual Status run() = 0;
};

}  // namespace adweave::engine
