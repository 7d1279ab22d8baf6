// SPDX-License-Identifier: Apache-2.0
// Reads slices one after the other, decodes and prepares them on several threads, and hands them
// out in the order in which they were read. At most kSlicesInFlightPerThread slices a thread are
// held; then reading waits.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.h"
#include "event/slice.h"
#include "process/prepare.h"

namespace adweave::engine {

// A slice with the number of the planned file it is of.
struct ReadSlice {
  size_t work = 0;
  event::Slice slice;
};

struct DoneSlice {
  size_t work = 0;
  process::PreparedSlice prepared;
};

class SlicePipeline {
 public:
  using Read = std::function<Result<std::optional<ReadSlice>>()>;  // called by one thread at a time
  using Prepare = std::function<process::PreparedSlice(ReadSlice&&)>;  // called by several

  SlicePipeline(int threads, Read read, Prepare prepare);
  ~SlicePipeline();
  SlicePipeline(const SlicePipeline&) = delete;
  SlicePipeline& operator=(const SlicePipeline&) = delete;

  // The next slice in order; null at the end. A failure to read comes after all slices read before
  // it.
  Result<std::optional<DoneSlice>> next();

 private:
  void work();
  // Reads the next slice and gives it its number; null when there is nothing more or the pipeline
  // ends.
  std::optional<std::pair<int64_t, ReadSlice>> take();

  Read read_;
  Prepare prepare_;
  int64_t in_flight_max_;

  std::mutex read_mutex_;  // held while reading, before mutex_
  std::mutex mutex_;       // of all below
  std::condition_variable changed_;
  std::map<int64_t, DoneSlice> done_;
  int64_t read_count_ = 0;
  int64_t handed_out_ = 0;
  bool finished_ = false;
  bool stopping_ = false;
  std::optional<Error> failure_;
  std::vector<std::thread> threads_;
};

}  // namespace adweave::engine
