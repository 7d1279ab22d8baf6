// SPDX-License-Identifier: Apache-2.0
// The thread that answers what is asked of the schema registry: comparing schemas takes time, and
// keeping one waits for the disk, so the threads of the HTTP server must not do it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "serve/metrics.h"
#include "serve/routes.h"

namespace adweave::serve {

class RegistryThread {
 public:
  using Answer = std::function<net::HttpResponse(const net::HttpRequest&)>;

  explicit RegistryThread(Metrics& metrics);
  ~RegistryThread();  // stops
  RegistryThread(const RegistryThread&) = delete;
  RegistryThread& operator=(const RegistryThread&) = delete;

  // A handler whose requests `answer` answers, one at a time and in order. Beyond
  // limits::kRegistryWaitingMax of them they get 503.
  Handler handler(Answer answer);

  // Answers those who wait; who comes later gets 503.
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
  std::deque<Answer> answers_;  // of all handlers; they stay where they are
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  bool is_stopped_ = false;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace adweave::serve
