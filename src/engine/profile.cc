// SPDX-License-Identifier: Apache-2.0
#include "engine/profile.h"

#include <algorithm>
#include <charconv>
#include <ctime>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace adweave::engine {

namespace {

// From this share of the processors' time on a run is held up by them.
constexpr double kBusy = 0.85;

constexpr std::array<std::string_view, kStages> kNames = {
    "identify",  "recover", "read",   "decode", "prepare", "deduplicate",
    "attribute", "write",   "commit", "merge",  "publish", "keep state"};

int64_t clock_ns(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// Done by the sequencer alone, whatever the number of threads.
bool is_sequential(Stage stage) {
  return stage == Stage::deduplicate || stage == Stage::attribute;
}

bool uses_disk(Stage stage) {
  return stage == Stage::read || stage == Stage::write || stage == Stage::commit ||
         stage == Stage::merge || stage == Stage::identify;
}

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::string_view stage_name(Stage stage) {
  return kNames[static_cast<size_t>(stage)];
}

void Profile::add(Stage stage, const StageCost& cost) {
  const std::lock_guard guard(mutex_);
  StageCost& sum = costs_[static_cast<size_t>(stage)];
  sum.cpu += cost.cpu;
  sum.wall += cost.wall;
  sum.queue += cost.queue;
  sum.rows += cost.rows;
  sum.bytes += cost.bytes;
}

void Profile::finish(int64_t wall, int64_t cpu, int threads) {
  wall_ = wall;
  cpu_ = cpu;
  threads_ = threads;
}

StageCost Profile::of(Stage stage) const {
  const std::lock_guard guard(mutex_);
  return costs_[static_cast<size_t>(stage)];
}

std::string bottleneck(const Profile& profile, int processors) {
  const auto most = [&](auto&& figure) {
    Stage found = Stage::identify;
    for (int i = 0; i < kStages; ++i) {
      const auto stage = static_cast<Stage>(i);
      if (figure(stage) > figure(found)) found = stage;
    }
    return found;
  };
  int64_t busy = profile.cpu();
  for (int i = 0; i < kStages; ++i) busy += profile.of(static_cast<Stage>(i)).queue;
  const int usable = std::min(profile.threads(), processors);
  const bool saturated = share(busy, profile.wall() * usable) >= kBusy;

  const Stage disk = most([&](Stage s) { return uses_disk(s) ? profile.of(s).wait() : 0; });
  const int64_t wait = profile.of(disk).wait();
  if (!saturated && wait > std::max(profile.of(disk).cpu, profile.sequencer_idle())) {
    return fmt::format("{}: the disk; the run waits for it {:.0f} % of the time", stage_name(disk),
                       100 * std::min(1.0, share(wait, profile.wall())));
  }
  const Stage alone = most([&](Stage s) { return is_sequential(s) ? profile.of(s).wall : 0; });
  if (!saturated && share(profile.sequencer_idle(), profile.wall()) < 1 - kBusy) {
    return fmt::format("{}: one thread does it, {:.0f} % of the time; more threads do not help",
                       stage_name(alone), 100 * share(profile.of(alone).wall, profile.wall()));
  }
  const Stage busiest = most([&](Stage s) { return profile.of(s).cpu; });
  return fmt::format("{}: {:.0f} % of CPU{}", stage_name(busiest),
                     100 * share(profile.of(busiest).cpu, profile.cpu()),
                     profile.threads() < processors ? "; add threads"
                     : saturated                    ? "; all processors are in use"
                                                    : "");
}

int64_t wall_clock() {
  return clock_ns(CLOCK_MONOTONIC);
}
int64_t thread_cpu_clock() {
  return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

// proc_pid_schedstat: time on a processor, time in its queue, time slices.
int64_t thread_queue_clock() {
  const int file = ::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[64];
  const ssize_t size = ::read(file, text, sizeof text);
  ::close(file);
  const char* end = text + std::max<ssize_t>(size, 0);
  const char* queue = std::find(static_cast<const char*>(text), end, ' ');
  int64_t ns = 0;
  if (queue != end) std::from_chars(queue + 1, end, ns);
  return ns;
}

int64_t process_cpu_clock() {
  return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t rows_of(const event::DecodedSlice& slice) {
  int64_t rows = 0;
  for (const event::Batch& batch : slice.batches) rows += batch.rows;
  return rows;
}

StageTimer::StageTimer(Profile* profile, Stage stage) : profile_(profile), stage_(stage) {
  if (profile_ == nullptr) return;
  cost_.cpu = -thread_cpu_clock();
  cost_.queue = -thread_queue_clock();
  cost_.wall = -wall_clock();
}

StageTimer::~StageTimer() {
  if (profile_ == nullptr) return;
  cost_.cpu += thread_cpu_clock();
  cost_.wall += wall_clock();
  cost_.queue += thread_queue_clock();
  profile_->add(stage_, cost_);
}

void StageTimer::add(int64_t rows, int64_t bytes) {
  cost_.rows += rows;
  cost_.bytes += bytes;
}

}  // namespace adweave::engine
