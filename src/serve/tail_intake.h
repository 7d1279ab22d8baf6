// SPDX-License-Identifier: Apache-2.0
// What is written to the files that sources follow (source/tail.h) is kept in the journal, as what
// comes over TCP is. How far that goes is durable before more of a file is kept.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "serve/collector.h"
#include "source/tail.h"

namespace adweave::serve {

class TailIntake {
 public:
  // What it stands on, and what must outlive it.
  struct Parts {
    FileSystem& fs;
    std::string data;  // the data folder
    source::Journal& journal;
    Collector& collector;
    const source::PausedSources& paused;
    std::function<int64_t()> steady_us;         // of a clock that nobody sets
    std::function<void(const Error&)> trouble;  // any thread
  };

  // Fails as source::TailPositions::open() does. Without sources it only keeps in mind how far
  // those were read that were followed before.
  static Result<std::unique_ptr<TailIntake>> start(std::vector<source::TailSource> sources,
                                                   Parts parts);
  ~TailIntake() { stop(); }
  TailIntake(const TailIntake&) = delete;
  TailIntake& operator=(const TailIntake&) = delete;

  // Keeps what it has begun to, if the journal takes it, and nothing more.
  void stop();

  // By source, as of the last look. Any thread.
  std::map<std::string, source::TailCounts> counts() const;

 private:
  TailIntake(source::TailPositions positions, Parts parts)
      : parts_(std::move(parts)), positions_(std::move(positions)) {}

  void run();
  bool keep_some();
  bool keep(source::Tail& tail, const std::vector<source::TailDelivery>& deliveries);
  bool note_positions();
  bool rest();

  Parts parts_;
  source::TailPositions positions_;
  std::vector<source::Tail> tails_;
  std::vector<source::TailPosition> others_;  // of sources that are not followed now

  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  std::map<std::string, source::TailCounts> counts_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace adweave::serve
