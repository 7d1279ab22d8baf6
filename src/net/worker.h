// SPDX-License-Identifier: Apache-2.0
// One thread of the server: its event loop and the connections it serves. A connection stays on
// its thread, so nothing in it needs a lock. Includes Boost: for http_server.cc only.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/connection.h"
#include "net/http_server.h"
#include "net/http_text.h"

namespace adweave::net {

class Worker : public std::enable_shared_from_this<Worker> {
 public:
  explicit Worker(std::shared_ptr<Shared> what_all_share)
      : shared(std::move(what_all_share)), date(http_date()), tick_timer_(io) {}

  // Until stop(). What a library throws past a connection costs nothing but that event.
  void run() {
    tick();
    const auto work = boost::asio::make_work_guard(io);
    for (;;) {
      try {
        io.run();
        return;
      } catch (...) {  // NOLINT(bugprone-empty-catch): the loop goes on
      }
    }
  }

  // From here on the functions run on the worker's thread, or after it has ended.

  void adopt(const std::shared_ptr<Connection>& connection) {
    connections_.insert(connection);
    if (draining) return connection->close();
    connection->begin();
  }

  void forget(const std::shared_ptr<Connection>& connection) {
    if (connections_.erase(connection) > 0) shared->connection_closed();
  }

  // Every connection ends with the request that it has under way.
  void drain() {
    draining = true;
    for (const auto& connection : all()) connection->close_if_idle();
  }

  // After the thread has ended: closes everything, also connections that wait to be adopted.
  void finish() {
    draining = true;
    for (const auto& connection : all()) connection->close();
    io.restart();
    try {
      io.poll();
    } catch (...) {  // NOLINT(bugprone-empty-catch): what is left goes with the loop
    }
  }

  boost::asio::io_context io{1};  // 1: one thread runs it
  std::shared_ptr<Shared> shared;
  std::string date;  // of the answers
  bool draining = false;

 private:
  // A copy, because closing takes a connection out of the set.
  std::vector<std::shared_ptr<Connection>> all() const {
    return {connections_.begin(), connections_.end()};
  }

  // Looks at all time limits at once: a timer for each request would cost more than the request.
  void tick() {
    date = http_date();
    const Clock::time_point now = Clock::now();
    std::vector<std::shared_ptr<Connection>> late;
    for (const auto& connection : connections_) {
      if (connection->is_late(now)) late.push_back(connection);
    }
    for (const auto& connection : late) connection->end_late();
    tick_timer_.expires_after(std::chrono::microseconds(limits::kHttpTickUs));
    tick_timer_.async_wait([this](error_code error) {
      if (!error) tick();
    });
  }

  std::unordered_set<std::shared_ptr<Connection>> connections_;
  boost::asio::steady_timer tick_timer_;
};

}  // namespace adweave::net
