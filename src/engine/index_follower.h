// SPDX-License-Identifier: Apache-2.0
// Keeps the index of ids (lookup/index.h) up with the commits, on a thread of its own: it holds
// nothing up, and a look-up sees a commit a moment later.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "ledger/ledger.h"
#include "lookup/index.h"

namespace adweave::engine {

class IndexFollower {
 public:
  struct Hooks {
    std::function<int64_t()> now_us;
    std::function<void(const Error&)> trouble;  // it tries again a while later
  };

  // `days` of events are kept. The file system must outlive it.
  static Result<std::unique_ptr<IndexFollower>> start(FileSystem& fs, const std::string& dir,
                                                      const ledger::Ledger& ledger, int64_t days,
                                                      Hooks hooks);
  ~IndexFollower();  // stops; what is in memory alone is written, if it can be
  IndexFollower(const IndexFollower&) = delete;
  IndexFollower& operator=(const IndexFollower&) = delete;

  // Has it follow the ledger, if that has something new and the last time was a while ago. Reads
  // the ledger before it comes back. By one thread.
  void offer(const ledger::Ledger& ledger);

  // Any thread.
  const lookup::Index& index() const { return *index_; }

 private:
  struct Task {
    lookup::LedgerFiles files;
    int64_t retained_from = 0;
  };

  explicit IndexFollower(Hooks hooks) : hooks_(std::move(hooks)) {}
  void run();
  bool is_stopped() const;

  Hooks hooks_;
  std::unique_ptr<lookup::Index> index_;
  int64_t offered_at_ = 0;  // microseconds UTC; of offer()

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Task> task_;
  bool is_stopped_ = false;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace adweave::engine
