// SPDX-License-Identifier: Apache-2.0
// A running server, for the tests of the engine.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.h"
#include "engine/engine_test_support.h"
#include "engine/live.h"

namespace adweave::engine {

// A clock that goes on by a second whenever it is read.
inline std::function<int64_t()> quick_clock() {
  return [now = int64_t{0}]() mutable { return now += limits::kSecondUs; };
}

// A server and what it has told.
class LiveServer {
 public:
  LiveServer(FileSystem& disk, Job job) {
    LiveHooks hooks;
    hooks.now_us = [] { return kReceived; };
    hooks.steady_us = [] { return 0; };
    hooks.stop = [this] { return is_stopping_.load(); };
    hooks.committed = [this](const ledger::CommitOutcome& commit) {
      const std::lock_guard guard(mutex_);
      commits_.push_back(commit);
      changed_.notify_all();
    };
    hooks.trouble = [this](const Error& error) {
      const std::lock_guard guard(mutex_);
      troubles_.push_back(error.message);
      changed_.notify_all();
    };
    Result<std::unique_ptr<Live>> live = Live::open(disk, std::move(job), std::move(hooks));
    if (!live) ADD_FAILURE() << live.error().message;
    CHECK(live);
    live_ = *std::move(live);
    runner_ = std::thread([this] { status_ = live_->run(); });
  }
  ~LiveServer() {
    if (!runner_.joinable()) return;
    const Status stopped = stop();
    if (!stopped) ADD_FAILURE() << stopped.error().message;
  }
  LiveServer(const LiveServer&) = delete;
  LiveServer& operator=(const LiveServer&) = delete;

  // Waits until it is durable.
  source::JournalPosition deliver(source::Delivery delivery) {
    std::mutex mutex;
    std::condition_variable told;
    std::optional<Result<source::JournalPosition>> kept;
    live_->journal().append(std::move(delivery), [&](Result<source::JournalPosition> position) {
      const std::lock_guard guard(mutex);
      kept = std::move(position);
      told.notify_all();
    });
    std::unique_lock lock(mutex);
    told.wait(lock, [&] { return kept.has_value(); });
    CHECK(*kept);
    return **kept;
  }

  // Waits until all of the journal is committed.
  void settle() {
    const source::JournalPosition end = live_->journal().end();
    if (live_->journal().first() == end || live_->committed_through() >= end) return;
    std::unique_lock lock(mutex_);
    const bool settled = changed_.wait_for(lock, kPatience, [&] {
      return !commits_.empty() &&
             source::JournalPosition{commits_.back().segment, commits_.back().offset} >= end;
    });
    ASSERT_TRUE(settled) << "the journal is not committed";
  }

  // Waits for so many events in all, however they ended.
  void wait_for_events(int64_t count) {
    wait_for([&] {
      int64_t received = 0;
      for (const ledger::CommitOutcome& commit : commits()) {
        for (const ledger::Counts& counts : commit.counts) received += counts.received();
      }
      return received >= count;
    });
  }
  void wait_for_commits(size_t count) {
    wait_for([&] { return commits().size() >= count; });
  }

  void wait_for(const std::function<bool()>& is_so) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!is_so()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "it does not come";
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  // Waits until a trouble with that text was told.
  void wait_for_trouble(const std::string& text) {
    std::unique_lock lock(mutex_);
    const bool told = changed_.wait_for(lock, kPatience, [&] {
      return std::any_of(troubles_.begin(), troubles_.end(), [&](const std::string& trouble) {
        return trouble.find(text) != std::string::npos;
      });
    });
    ASSERT_TRUE(told) << text << " in: " << ::testing::PrintToString(troubles_);
  }

  Live& live() { return *live_; }

  // Until it ends by itself.
  Status wait() {
    runner_.join();
    return status_;
  }

  Status stop() {
    is_stopping_ = true;
    runner_.join();
    live_.reset();
    return status_;
  }

  std::vector<ledger::CommitOutcome> commits() const {
    const std::lock_guard guard(mutex_);
    return commits_;
  }

 private:
  static constexpr std::chrono::seconds kPatience{60};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ledger::CommitOutcome> commits_;
  std::vector<std::string> troubles_;
  std::atomic<bool> is_stopping_ = false;
  std::unique_ptr<Live> live_;
  std::thread runner_;
  Status status_;
};

inline ledger::Ledger ledger_of(const SimulatedDisk& disk) {
  Result<ledger::Ledger> ledger = ledger::Ledger::open(disk, "/data");
  CHECK(ledger);
  return *std::move(ledger);
}

// The ids of a table's rows, each as often as it is there.
inline std::multiset<std::string> ids_of(const SimulatedDisk& disk, std::string_view table) {
  const Result<std::string> text = ledger_text(disk, "/data");
  CHECK(text);
  std::multiset<std::string> ids;
  const std::string rows = lines_of(*text, std::string(table) + ":");
  constexpr std::string_view kId = " event_id=";
  for (size_t at = rows.find(kId); at != std::string::npos; at = rows.find(kId, at + 1)) {
    const size_t begin = at + kId.size();
    ids.insert(rows.substr(begin, rows.find_first_of(" \n", begin) - begin));
  }
  return ids;
}

// The sources take deliveries alone, and impressions have ids.
inline Job live_job() {
  Job job = job_of();
  for (SourceJob& source : job.sources) source.files.clear();
  job.sources[0].decoder.mapping.rows[0].fields.push_back(field(Field::event_id, "id"));
  return job;
}

inline source::Delivery impressions(int first, int count) {
  std::string body;
  for (int i = first; i < first + count; ++i) {
    body += fmt::format("{{\"id\":\"i{}\",\"t\":\"{}\",\"u\":\"u{}\",\"c\":\"k\"}}\n", i,
                        time_of(i), i % 3);
  }
  return {"impressions", fmt::format("b{}", first), kReceived, body};
}

inline source::Delivery clicks(int first, int count) {
  std::string body = "id,t,u,c\n";
  for (int i = first; i < first + count; ++i)
    body += fmt::format("c{},{},u{},camp\n", i, time_of(i), i % 3);
  return {"clicks", fmt::format("b{}", first), kReceived, body};
}

}  // namespace adweave::engine
