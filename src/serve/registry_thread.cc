// SPDX-License-Identifier: Apache-2.0
#include "serve/registry_thread.h"

#include "base/limits.h"
#include "serve/answers.h"
#include "serve/registry_answers.h"

namespace adweave::serve {

RegistryThread::RegistryThread(Metrics& metrics) : metrics_(metrics), thread_([this] { run(); }) {}

RegistryThread::~RegistryThread() {
  stop();
}

Handler RegistryThread::handler(Answer answer) {
  const Answer& kept = answers_.emplace_back(std::move(answer));
  return [this, &kept](net::HttpRequest request, net::HttpRespond respond) {
    take(kept, std::move(request), std::move(respond));
  };
}

void RegistryThread::take(const Answer& answer, net::HttpRequest request,
                          net::HttpRespond respond) {
  {
    const std::lock_guard guard(mutex_);
    if (!is_stopped_ && waiting_.size() < limits::kRegistryWaitingMax) {
      waiting_.push_back({&answer, std::move(request), std::move(respond)});
      changed_.notify_one();
      return;
    }
  }
  give(metrics_, respond,
       registry_problem_of(busy(503, "busy", "too much is asked of the registry at once")));
}

void RegistryThread::run() {
  std::unique_lock guard(mutex_);
  while (true) {
    changed_.wait(guard, [&] { return is_stopped_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    guard.unlock();
    give(metrics_, next.respond, (*next.answer)(next.request));
    guard.lock();
  }
}

void RegistryThread::stop() {
  {
    const std::lock_guard guard(mutex_);
    is_stopped_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

}  // namespace adweave::serve
