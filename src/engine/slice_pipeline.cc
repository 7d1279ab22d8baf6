// SPDX-License-Identifier: Apache-2.0
#include "engine/slice_pipeline.h"

#include "base/limits.h"
#include "base/thread_name.h"

namespace adweave::engine {

SlicePipeline::SlicePipeline(int threads, Read read, Prepare prepare)
    : read_(std::move(read)),
      prepare_(std::move(prepare)),
      in_flight_max_(int64_t{threads} * limits::kSlicesInFlightPerThread) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

SlicePipeline::~SlicePipeline() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  room_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void SlicePipeline::work() {
  name_thread("decode");
  while (auto taken = take()) {
    DoneSlice done = prepare_(std::move(taken->second));
    const std::lock_guard guard(mutex_);
    done_.emplace(taken->first, std::move(done));
    if (is_settled()) settled_.notify_one();
  }
}

std::optional<std::pair<int64_t, ReadSlice>> SlicePipeline::take() {
  const std::lock_guard reading(read_mutex_);
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] {
      return stopping_ || finished_ || read_count_ - handed_out_ < in_flight_max_;
    });
    if (stopping_ || finished_) return std::nullopt;
  }
  Result<std::optional<ReadSlice>> slice = read_();
  const std::lock_guard guard(mutex_);
  if (slice && *slice) return std::pair(read_count_++, **std::move(slice));
  if (!slice) failure_ = std::move(slice).error();
  finished_ = true;
  settled_.notify_one();
  return std::nullopt;
}

bool SlicePipeline::is_settled() const {
  return done_.contains(handed_out_) || (finished_ && handed_out_ == read_count_);
}

Result<std::optional<DoneSlice>> SlicePipeline::hand_out() {
  const auto it = done_.find(handed_out_);
  if (it == done_.end()) {
    if (failure_) return *failure_;
    return std::optional<DoneSlice>();
  }
  std::optional<DoneSlice> slice(std::move(it->second));
  done_.erase(it);
  ++handed_out_;
  room_.notify_one();  // one alone reads at a time
  return slice;
}

Result<std::optional<DoneSlice>> SlicePipeline::next() {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [this] { return is_settled(); });
  return hand_out();
}

Result<SlicePipeline::Waited> SlicePipeline::next(std::chrono::microseconds patience) {
  std::unique_lock lock(mutex_);
  if (!settled_.wait_for(lock, patience, [this] { return is_settled(); })) return Waited{};
  ADWEAVE_ASSIGN(std::optional<DoneSlice> slice, hand_out());
  const bool ended = !slice;
  return Waited{std::move(slice), ended};
}

}  // namespace adweave::engine
