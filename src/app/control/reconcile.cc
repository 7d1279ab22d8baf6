// SPDX-License-Identifier: Apache-2.0
#include "app/control/reconcile.h"

#include <chrono>

#include <fmt/format.h>

#include "app/terminal/terminal.h"
#include "base/limits.h"

namespace adweave::app {

std::string fix_of(const query::Difference& difference, const std::string& data) {
  if (difference.what == "cells") return "adweave rebuild warehouse --data " + data;
  if (!difference.file.empty())
    return "adweave verify --data " + data + " names what is damaged; restore it from a backup";
  return "adweave verify --data " + data + "; if it finds nothing this is a bug: keep the folder";
}

void ReconcileThread::begin(int64_t every_us) {
  thread_ = std::make_unique<BackgroundThread>(every_us, [this] { look(); });
}

void ReconcileThread::stop() {
  is_stopping_ = true;
  thread_.reset();
}

ledger::ReconcileProgress ReconcileThread::progress() const {
  const std::lock_guard guard(mutex_);
  return progress_;
}

Result<query::Reconciliation> ReconcileThread::reconcile() {
  if (!reconciler_) {
    ADWEAVE_ASSIGN(query::Reconciler opened, query::Reconciler::open(fs_, data_));
    reconciler_.emplace(std::move(opened));
  }
  return reconciler_->reconcile(limits::kReconcileCellsUs, is_stopping_);
}

void ReconcileThread::look() {
  const auto begin = std::chrono::steady_clock::now();
  const Result<query::Reconciliation> result = reconcile();
  if (is_stopping_) return;
  const auto passed = std::chrono::steady_clock::now() - begin;
  {
    const std::lock_guard guard(mutex_);
    progress_.duration_us = std::chrono::duration_cast<std::chrono::microseconds>(passed).count();
    if (!result) {
      ++progress_.failures;
    } else {
      progress_.commit = result->commit;
      progress_.difference = result->difference();
      progress_.first = result->differences.empty() ? "" : result->differences[0].text();
      if (progress_.difference == 0) progress_.succeeded_at = now_us();
    }
  }
  if (result) return tell(*result);
  reconciler_.reset();  // it begins afresh the next time
  log_.say("reconcile", result.error());
}

void ReconcileThread::tell(const query::Reconciliation& result) {
  if (result.differences.empty()) {
    log_.say(LogLevel::debug, "reconcile", "the lake is what the commits claim",
             {{"commit", result.commit}, {"files", result.files}, {"counted", result.counted}});
    return;
  }
  const query::Difference& first = result.differences.front();
  const size_t more = result.differences.size() - 1;
  log_.say(LogLevel::error, "reconcile",
           first.text() + (more == 0 ? "" : fmt::format(", and {} more", more)),
           {{"table", first.table},
            {"day", first.day},
            {"source", first.source},
            {"file", first.file},
            {"expected", first.expected},
            {"found", first.found},
            {"difference", result.difference()},
            {"fix", fix_of(first, data_)}});
}

}  // namespace adweave::app
