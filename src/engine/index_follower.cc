// SPDX-License-Identifier: Apache-2.0
#include "engine/index_follower.h"

#include <chrono>

#include "base/limits.h"
#include "base/thread_name.h"

namespace adweave::engine {

Result<std::unique_ptr<IndexFollower>> IndexFollower::start(FileSystem& fs, const std::string& dir,
                                                            const ledger::Ledger& ledger,
                                                            int64_t days, Hooks hooks) {
  std::unique_ptr<IndexFollower> follower(new IndexFollower(std::move(hooks)));
  ADWEAVE_ASSIGN(follower->index_,
                 lookup::Index::open(fs, dir, ledger.ledger_id(), ledger.epoch(), days));
  follower->thread_ = std::thread([self = follower.get()] { self->run(); });
  follower->offer(ledger);
  return follower;
}

IndexFollower::~IndexFollower() {
  {
    const std::lock_guard guard(mutex_);
    is_stopped_ = true;
  }
  changed_.notify_one();
  if (!thread_.joinable()) return;  // start() failed
  thread_.join();
  if (const Status written = index_->flush(hooks_.now_us()); !written)
    hooks_.trouble(written.error());
}

void IndexFollower::offer(const ledger::Ledger& ledger) {
  const int64_t now = hooks_.now_us();
  if (index_->through() >= ledger.head() || now - offered_at_ < limits::kLookupEveryUs) return;
  {
    const std::lock_guard guard(mutex_);
    if (task_) return;
    task_ = Task{{ledger.ledger_id(), ledger.head(), ledger.live_files("", ledger.head())},
                 ledger.retention() ? ledger.retention()->from : INT64_MIN};
  }
  offered_at_ = now;
  changed_.notify_one();
}

bool IndexFollower::is_stopped() const {
  const std::lock_guard guard(mutex_);
  return is_stopped_;
}

// A task stays until it is done, so that no other is given meanwhile.
void IndexFollower::run() {
  name_thread("index");
  std::unique_lock guard(mutex_);
  while (true) {
    changed_.wait(guard, [&] { return is_stopped_ || task_; });
    if (is_stopped_) return;
    const Task& task = *task_;
    guard.unlock();
    const Status followed = index_->follow(task.files, task.retained_from, hooks_.now_us(),
                                           [this] { return is_stopped(); });
    if (!followed) hooks_.trouble(followed.error());
    guard.lock();
    if (!followed) {
      changed_.wait_for(guard, std::chrono::microseconds(limits::kLookupRetryUs),
                        [&] { return is_stopped_; });
    }
    task_.reset();
  }
}

}  // namespace adweave::engine
