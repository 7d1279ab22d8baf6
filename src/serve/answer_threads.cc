// SPDX-License-Identifier: Apache-2.0
#include "serve/answer_threads.h"

#include "base/thread_name.h"
#include "serve/answers.h"

namespace adweave::serve {

AnswerThreads::AnswerThreads(Metrics& metrics, size_t threads, size_t waiting_max,
                             net::HttpResponse busy)
    : metrics_(metrics), waiting_max_(waiting_max), busy_(std::move(busy)) {
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

AnswerThreads::~AnswerThreads() {
  stop();
}

Handler AnswerThreads::handler(Answer answer) {
  const Answer& kept = answers_.emplace_back(std::move(answer));
  return [this, &kept](net::HttpRequest request, net::HttpRespond respond) {
    take(kept, std::move(request), std::move(respond));
  };
}

void AnswerThreads::take(const Answer& answer, net::HttpRequest request, net::HttpRespond respond) {
  {
    const std::lock_guard guard(mutex_);
    if (!is_stopped_ && waiting_.size() < waiting_max_) {
      waiting_.push_back({&answer, std::move(request), std::move(respond)});
      changed_.notify_one();
      return;
    }
  }
  give(metrics_, respond, busy_);
}

void AnswerThreads::run() {
  name_thread("answer");
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

void AnswerThreads::stop() {
  {
    const std::lock_guard guard(mutex_);
    is_stopped_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace adweave::serve
