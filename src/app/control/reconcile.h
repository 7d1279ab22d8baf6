// SPDX-License-Identifier: Apache-2.0
// The reconciler of a server: counts the lake again at an interval (query/reconcile.h), on a thread
// of low priority, and tells when it is not as the commits claim.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/background_thread.h"
#include "base/file_system.h"
#include "base/log.h"
#include "ledger/progress.h"
#include "query/reconcile.h"

namespace adweave::app {

// What to do about it.
std::string fix_of(const query::Difference& difference, const std::string& data);

class ReconcileThread {
 public:
  // All must outlive it.
  ReconcileThread(FileSystem& fs, std::string data, Log& log)
      : fs_(fs), data_(std::move(data)), log_(log) {}
  ~ReconcileThread() { stop(); }
  ReconcileThread(const ReconcileThread&) = delete;
  ReconcileThread& operator=(const ReconcileThread&) = delete;

  // Counts at once, and again `every_us` after each end, until stop().
  void begin(int64_t every_us);
  void stop();

  // Any thread.
  ledger::ReconcileProgress progress() const;

 private:
  void look();
  Result<query::Reconciliation> reconcile();
  void tell(const query::Reconciliation& result);

  FileSystem& fs_;
  std::string data_;
  Log& log_;
  std::atomic<bool> is_stopping_ = false;
  std::optional<query::Reconciler> reconciler_;  // of the thread
  mutable std::mutex mutex_;
  ledger::ReconcileProgress progress_;
  std::unique_ptr<BackgroundThread> thread_;
};

}  // namespace adweave::app
