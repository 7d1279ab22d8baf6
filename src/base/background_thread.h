// SPDX-License-Identifier: Apache-2.0
// Work that is done again and again beside what matters more: on a thread of its own, of low
// priority (nice 10 where the system has priorities of threads).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace adweave {

class BackgroundThread {
 public:
  // Calls `work` at once, and again `every_us` after it has ended.
  BackgroundThread(int64_t every_us, std::function<void()> work);
  // Waits for the work to end; who wants that soon tells it before.
  ~BackgroundThread();
  BackgroundThread(const BackgroundThread&) = delete;
  BackgroundThread& operator=(const BackgroundThread&) = delete;

 private:
  void run(int64_t every_us, const std::function<void()>& work);

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool is_stopping_ = false;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace adweave
