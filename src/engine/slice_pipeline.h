// SPDX-License-Identifier: Apache-2.0
// Reads slices one after the other, decodes and prepares them on several threads, and hands them
// out in the order in which they were read. At most kSlicesInFlightPerThread slices a thread are
// held; then reading waits.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.h"
#include "engine/feed.h"
#include "process/prepare.h"

namespace adweave::engine {

struct DoneSlice {
  std::shared_ptr<const WorkFile> work;
  PositionStep step;
  std::vector<source::JournalPosition> deliveries;
  // Null: the work was ended before it was decoded. By pointer: it passes through many hands, and
  // has hundreds of columns to move.
  std::unique_ptr<process::PreparedSlice> prepared;
};

class SlicePipeline {
 public:
  using Read =
      std::function<Result<std::optional<ReadSlice>>()>;  // called by one thread at a time;
                                                          // the destructor waits for it
  using Prepare = std::function<DoneSlice(ReadSlice&&)>;  // called by several

  SlicePipeline(int threads, Read read, Prepare prepare);
  ~SlicePipeline();
  SlicePipeline(const SlicePipeline&) = delete;
  SlicePipeline& operator=(const SlicePipeline&) = delete;

  // The next slice in order; null at the end. A failure to read comes after all slices read before
  // it.
  Result<std::optional<DoneSlice>> next();
  // The same, but waits no longer than that for it.
  struct Waited {
    std::optional<DoneSlice> slice;
    bool ended = false;  // no slice will come any more
  };
  Result<Waited> next(std::chrono::microseconds patience);

 private:
  void work();
  // Reads the next slice and gives it its number; null when there is nothing more or the pipeline
  // ends.
  std::optional<std::pair<int64_t, ReadSlice>> take();
  bool is_settled() const;  // whether there is a next slice, or none will come
  Result<std::optional<DoneSlice>> hand_out();

  Read read_;
  Prepare prepare_;
  int64_t in_flight_max_;

  std::mutex read_mutex_;  // held while reading, before mutex_
  std::mutex mutex_;       // of all below
  // Apart, so that a small slice wakes nobody who can do nothing.
  std::condition_variable settled_;  // for who takes: is_settled()
  std::condition_variable room_;     // for who reads
  std::map<int64_t, DoneSlice> done_;
  int64_t read_count_ = 0;
  int64_t handed_out_ = 0;
  bool finished_ = false;
  bool stopping_ = false;
  std::optional<Error> failure_;
  std::vector<std::thread> threads_;
};

}  // namespace adweave::engine
