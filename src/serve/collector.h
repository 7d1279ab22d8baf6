// SPDX-License-Identifier: Apache-2.0
// Takes deliveries, makes them durable in the journal and tells their senders. Thread-safe; never
// blocks.
//
// A delivery with an Idempotency-Key is kept once, however often it is sent: the key is kept in the
// journal, and the newest limits::kBatchKeysMax of them are known, also after a restart.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "ledger/outcome.h"
#include "net/http_server.h"
#include "serve/metrics.h"
#include "serve/options.h"
#include "source/journal.h"
#include "source/paused_sources.h"

namespace adweave::serve {

// When a sender wants its answer: once the bytes are on disk, or once the events are committed,
// which is when SQL sees them.
enum class Wait : uint8_t { durable, committed };

class Collector {
 public:
  // `journal`, `metrics` and `paused` must outlive it, and all requests. Paused sources take
  // nothing. Reads the keys in the journal, of which all before `through` is committed.
  static Result<std::unique_ptr<Collector>> open(source::Journal& journal,
                                                 source::JournalPosition through, Metrics& metrics,
                                                 std::vector<HttpSource> sources,
                                                 const source::PausedSources& paused,
                                                 std::function<int64_t()> now_us);

  // The content types of deliveries that some source takes.
  std::vector<std::string> content_types() const;

  // POST /v1/events
  void take(net::HttpRequest request, net::HttpRespond respond);

  // Keeps an event, a line of JSON, of a source that takes it. Once it is durable its sender gets
  // `answer`.
  void take_event(const std::string& source, std::string line, net::HttpResponse answer,
                  net::HttpRespond respond);

  // Keeps lines of a source that came another way than by HTTP. `told` has what a request would be
  // answered, once they are durable or cannot be kept: 200, or one to try again after. `batch`
  // begins with ~, as no sender's id does; empty: one is made.
  using Told = std::function<void(const net::HttpResponse&)>;
  void take_lines(const std::string& source, std::string lines, Told told,
                  const std::string& batch = "");

  // Answers those who waited for it.
  void committed(const ledger::CommitOutcome& commit);
  // Nothing will be committed any more: who waits is told to come again.
  void stop();

  int64_t waiting() const;

 private:
  // Who waits for an answer.
  struct Sender {
    Wait wait = Wait::durable;
    std::optional<net::HttpRespond> respond;  // of a request
    std::optional<net::HttpResponse> answer;  // none: what became of the delivery, as JSON
    Told told;                                // of what is no request
  };

  // What was delivered under a key, or is waited for until it is committed.
  struct Batch {
    std::string id;
    int64_t bytes = 0;
    Hash128 content;  // hash of the body
    bool is_durable = false;
    bool is_committed = false;
    ledger::DeliveryOutcome outcome;  // commit 0: not yet known
    std::vector<Sender> waiting;
  };

  Collector(source::Journal& journal, Metrics& metrics, std::vector<HttpSource> sources,
            const source::PausedSources& paused, std::function<int64_t()> now_us);
  Status read_keys(const source::JournalPosition& through);
  // `given_id` may be empty.
  void keep(const std::string& source, const std::string& given_id, std::string body,
            Sender sender);
  // Without a key, and nobody waits for it longer than until it is durable: most are so.
  void keep_and_forget(const std::string& source, std::string body, Sender sender);
  void keep_batch(const std::string& source, const std::string& given_id, std::string body,
                  Sender sender);
  void reply(Sender& sender, net::HttpResponse response);
  void durable(Batch& batch, const Hash128& key, Result<source::JournalPosition> position);
  std::optional<ledger::DeliveryOutcome> told_before(source::JournalPosition position);
  void answer(Batch& batch);
  void turn_away(Batch& batch, const net::HttpResponse& response);
  void turn_away_for_good(Batch& batch);
  std::string made_id();
  void remember(const Hash128& key);

  source::Journal& journal_;
  Metrics& metrics_;
  std::vector<HttpSource> sources_;
  const source::PausedSources& paused_;
  std::function<int64_t()> now_us_;
  source::JournalPosition found_;  // what is in front of it came before this process

  mutable std::mutex mutex_;                                                  // of all below
  std::unordered_map<Hash128, std::shared_ptr<Batch>, Hash128Hash> batches_;  // by key
  std::deque<Hash128> keys_;  // of senders, the oldest first
  std::map<source::JournalPosition, std::shared_ptr<Batch>> uncommitted_;
  std::map<source::JournalPosition, ledger::DeliveryOutcome> early_;  // committed, not yet durable
  source::JournalPosition told_;  // the last of which the journal has told that it is durable
  Hash128 made_;                  // the last id
  int64_t waiting_ = 0;
  bool is_stopping_ = false;
};

}  // namespace adweave::serve
