// SPDX-License-Identifier: Apache-2.0
// Threads that answer what takes time: comparing schemas, reading a disk or waiting for it. The
// threads of the HTTP server must do none of that.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "serve/metrics.h"
#include "serve/routes.h"

namespace adweave::serve {

class AnswerThreads {
 public:
  using Answer = std::function<net::HttpResponse(const net::HttpRequest&)>;

  // Who comes when `waiting_max` requests wait is answered with `busy`.
  AnswerThreads(Metrics& metrics, size_t threads, size_t waiting_max, net::HttpResponse busy);
  ~AnswerThreads();  // stops
  AnswerThreads(const AnswerThreads&) = delete;
  AnswerThreads& operator=(const AnswerThreads&) = delete;

  // A handler whose requests `answer` answers; by one thread, in order.
  Handler handler(Answer answer);

  // Answers those who wait; who comes later is answered with `busy`.
  void stop();

 private:
  struct Waiting {
    const Answer* answer;
    net::HttpRequest request;
    net::HttpRespond respond;
  };

  void run();
  void take(const Answer& answer, net::HttpRequest request, net::HttpRespond respond);

  Metrics& metrics_;
  size_t waiting_max_;
  net::HttpResponse busy_;
  std::deque<Answer> answers_;  // of all handlers; they stay where they are
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  bool is_stopped_ = false;
  std::vector<std::thread> threads_;  // the last member: they use the others
};

}  // namespace adweave::serve
