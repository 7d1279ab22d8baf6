// SPDX-License-Identifier: Apache-2.0
// Writes to Kafka what the commits bring. A projection of the ledger: it comes after a commit,
// holds none up, and is done again where it was cut off. Each run of commits is one transaction,
// which also says how far it goes; so who reads committed messages has those of a commit once,
// whatever ends the process or a broker.
//
// A thread of its own does it. When something goes wrong, it begins again a while later
// (base/retry.h) with a new producer, at what the cluster says is written.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file_system.h"
#include "base/retry.h"
#include "engine/job.h"
#include "engine/kafka_messages.h"
#include "ledger/ledger.h"
#include "net/kafka_producer.h"

namespace adweave::engine {

class KafkaPublisher {
 public:
  using Stop = std::function<bool()>;
  using Open = std::function<Result<std::unique_ptr<net::KafkaProducer>>(Stop)>;
  using Report = std::function<void(const Error&)>;

  // Fails with config when a property is wrong. Job and file system must outlive it; all of the
  // ledger must be durable. `report` is told what goes wrong, from the thread.
  static Result<std::unique_ptr<KafkaPublisher>> start(FileSystem& fs, const Job& job,
                                                       ledger::Ledger ledger, Report report);

  // The same with producers of the caller's.
  KafkaPublisher(FileSystem& fs, const Job& job, ledger::Ledger ledger, Open open, Report report);
  // What is not committed by then is left to the next start.
  ~KafkaPublisher();
  KafkaPublisher(const KafkaPublisher&) = delete;
  KafkaPublisher& operator=(const KafkaPublisher&) = delete;

  // All commits up to this one are durable. Any thread.
  void committed(int64_t commit);

  // Any thread.
  source::KafkaProduced status() const;

 private:
  using Clock = std::chrono::steady_clock;

  void work();
  Status produce();
  Status find_positions(net::KafkaProducer& producer);
  Result<int64_t> next_of(const std::string& topic,
                          const std::optional<net::KafkaPosition>& position) const;
  Result<bool> is_of_this_ledger(const net::KafkaPosition& position) const;
  bool wait_for_commits();
  Status produce_run(net::KafkaProducer& producer);
  Status commit(net::KafkaProducer& producer, const CommitRun& run);
  Result<int64_t> count_missing(const CommitRun& run, const SentRows& sent) const;
  std::string note_path(const std::string& topic) const;
  Status note(const std::string& topic);
  void failed(const Error& error);
  bool is_ending() const;
  int64_t first() const;

  FileSystem& fs_;
  const Job& job_;
  Open open_;
  Report report_;

  // Of thread_.
  ledger::Ledger ledger_;
  std::vector<KafkaOutput> outputs_;
  bool is_told_ = false;    // the cluster knows where every output stands
  Clock::time_point told_;  // when that was last
  Backoff backoff_;

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable wake_;
  bool ending_ = false;
  source::KafkaProduced status_;
  std::thread thread_;
};

}  // namespace adweave::engine
