// SPDX-License-Identifier: Apache-2.0
// Where the time of a run goes: by stage CPU time, waiting time, and what went through it. Measured
// a slice or a file at a time, so that it costs next to nothing.
//
//   Profile profile;                                  // or none: then nothing is measured
//   { StageTimer timer(&profile, Stage::decode); ...; timer.add(rows, bytes); }
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "event/slice.h"

namespace adweave::engine {

enum class Stage : uint8_t {
  identify,  // files, by the hash of their content
  recover,   // the state, from its snapshot and the rows after it
  read,      // and undo compression
  decode,
  prepare,  // fingerprint, enrich, validate
  deduplicate,
  attribute,
  write,       // Parquet files, with their fsync
  commit,      // the record, with its fsync
  merge,       // small files
  publish,     // Delta logs
  keep_state,  // its snapshot, and ids that move to files
};
inline constexpr int kStages = 12;
std::string_view stage_name(Stage stage);

// Nanoseconds, summed over the threads that did it.
struct StageCost {
  int64_t cpu = 0;
  int64_t wall = 0;
  int64_t queue = 0;  // ready, but without a processor
  int64_t rows = 0;
  int64_t bytes = 0;

  // For the disk or a lock.
  int64_t wait() const { return std::max<int64_t>(wall - cpu - queue, 0); }
};

// Filled by any number of threads.
class Profile {
 public:
  void add(Stage stage, const StageCost& cost);
  void add_idle(int64_t sequencer) { idle_ += sequencer; }  // by the sequencer alone
  // At the run's end: from its begin, and of the whole process.
  void finish(int64_t wall, int64_t cpu, int threads);

  StageCost of(Stage stage) const;
  int64_t wall() const { return wall_; }
  int64_t cpu() const { return cpu_; }
  int threads() const { return threads_; }
  // The sequencer's wait for slices that were not decoded yet.
  int64_t sequencer_idle() const { return idle_; }

 private:
  mutable std::mutex mutex_;  // of costs_
  std::array<StageCost, kStages> costs_;
  int64_t idle_ = 0;
  int64_t wall_ = 0;
  int64_t cpu_ = 0;
  int threads_ = 1;
};

// What holds the run up, and what helps, in a sentence. `processors` are those of the machine.
std::string bottleneck(const Profile& profile, int processors);

// Nanoseconds, from any begin.
int64_t wall_clock();
int64_t thread_cpu_clock();    // of the calling thread
int64_t thread_queue_clock();  // that it was ready without a processor; 0 where nobody knows
int64_t process_cpu_clock();   // of all threads, since the process began

int64_t rows_of(const event::DecodedSlice& slice);

// Measures the calling thread as long as it lives; nothing without a profile.
class StageTimer {
 public:
  StageTimer(Profile* profile, Stage stage);
  ~StageTimer();
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

  // What went through the stage.
  void add(int64_t rows, int64_t bytes);

 private:
  Profile* profile_;
  Stage stage_;
  StageCost cost_;
};

}  // namespace adweave::engine
