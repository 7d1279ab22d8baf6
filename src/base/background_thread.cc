// SPDX-License-Identifier: Apache-2.0
#include "base/background_thread.h"

#include <chrono>
#include <utility>

#include <sys/resource.h>

#include "base/thread_name.h"

namespace adweave {

namespace {

constexpr int kNice = 10;

}  // namespace

BackgroundThread::BackgroundThread(int64_t every_us, std::function<void()> work)
    : thread_([this, every_us, work = std::move(work)] { run(every_us, work); }) {}

BackgroundThread::~BackgroundThread() {
  {
    const std::lock_guard guard(mutex_);
    is_stopping_ = true;
  }
  stopped_.notify_all();
  thread_.join();
}

void BackgroundThread::run(int64_t every_us, const std::function<void()>& work) {
  name_thread("background");
  // Of this thread alone on Linux; where it fails, the work is done all the same.
  static_cast<void>(setpriority(PRIO_PROCESS, 0, kNice));
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    lock.unlock();
    work();
    lock.lock();
    stopped_.wait_for(lock, std::chrono::microseconds(every_us), [&] { return is_stopping_; });
  }
}

}  // namespace adweave
