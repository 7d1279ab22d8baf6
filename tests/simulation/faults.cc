// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/faults.h"

#include <chrono>
#include <csignal>
#include <filesystem>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

namespace adweave::tests {

namespace {

constexpr int kChildSucceeded = 0;
constexpr int kChildFailed = 1;

// Runs the job in a process of its own; `at_step` happens before the k-th change of it (0: never).
pid_t start_child(const engine::Job& job, int64_t step, int signal, PlantedBugs bugs = {}) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child > 0) return child;
  const std::unique_ptr<FileSystem> posix = make_posix_file_system();
  FaultFileSystem fs(*posix, bugs);
  fs.before_change = [&](int64_t number, const std::string&) {
    if (number == step) kill(getpid(), signal);
    return Status();
  };
  _exit(work(fs, job) ? kChildSucceeded : kChildFailed);
}

// True when the child ended by itself.
bool wait_for(pid_t child) {
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  return WIFEXITED(status);
}

// What each change of an undisturbed run is.
std::vector<std::string> steps_of(const Trial& trial) {
  const std::unique_ptr<SimulatedDisk> disk = trial.disk();
  FaultFileSystem fs(*disk);
  std::vector<std::string> steps;
  fs.before_change = [&](int64_t, const std::string& change) {
    steps.push_back(change);
    return Status();
  };
  CHECK(work(fs, trial.job("/data", "first")));
  return steps;
}

void delete_state(const std::string& data) {
  std::error_code ignored;
  std::filesystem::remove_all(join_path(data, "state"), ignored);
}

}  // namespace

Tally kill_at_every_step(const Trial& trial, const std::string& folder, const Rounds& rounds) {
  Tally tally;
  tally.fault = "kill at every step";
  const std::unique_ptr<FileSystem> fs = make_posix_file_system();
  tally.steps = steps_of(trial);
  for (size_t step = 1; step <= tally.steps.size(); ++step) {
    if (!rounds.take(static_cast<int64_t>(step))) continue;
    const std::string data = fmt::format("{}/step{}", folder, step);
    const bool ended =
        wait_for(start_child(trial.job(data, "first"), static_cast<int64_t>(step), SIGKILL));
    if (ended) ++tally.altered;  // the step was not reached: the steps are not what they were
    if (step % 2 == 0) delete_state(data);
    if (!work(*fs, trial.job(data, "second"))) ++tally.altered;
    trial.compare(*fs, data, tally);
    std::filesystem::remove_all(data);
  }
  return tally;
}

Tally kill_at_random(const Trial& trial, const std::string& folder, int64_t rounds, uint64_t seed) {
  Tally tally;
  tally.fault = fmt::format("kill at random, seed {}", seed);
  std::mt19937_64 random(seed);
  const std::unique_ptr<FileSystem> fs = make_posix_file_system();
  const auto begin = std::chrono::steady_clock::now();
  CHECK(wait_for(start_child(trial.job(folder + "/timed", "timed"), 0, SIGKILL)));
  const auto calm = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - begin);
  for (int64_t round = 0; round < rounds; ++round) {
    const std::string data = fmt::format("{}/round{}", folder, round);
    for (int attempt = 0;; ++attempt) {
      const pid_t child =
          start_child(trial.job(data, fmt::format("writer {}", attempt)), 0, SIGKILL);
      if (attempt < 3) {
        usleep(static_cast<useconds_t>(random() % static_cast<uint64_t>(calm.count())));
        kill(child, SIGKILL);
      }
      if (wait_for(child)) break;
      if (random() % 2 == 0) delete_state(data);
    }
    trial.compare(*fs, data, tally);
    std::filesystem::remove_all(data);
  }
  return tally;
}

Tally fail_at_every_step(const Trial& trial, const Rounds& rounds) {
  Tally tally;
  tally.fault = "disk full at every step";
  tally.steps = steps_of(trial);
  for (size_t step = 1; step <= tally.steps.size(); ++step) {
    if (!rounds.take(static_cast<int64_t>(step))) continue;
    const std::unique_ptr<SimulatedDisk> disk = trial.disk();
    FaultFileSystem fs(*disk);
    fs.before_change = [&](int64_t number, const std::string& change) -> Status {
      if (number != static_cast<int64_t>(step)) return {};
      return Error{ErrorCode::io, change + ": No space left on device", "free space"};
    };
    if (work(fs, trial.job("/data", "first"))) ++tally.altered;  // a failure was swallowed
    if (!work(*disk, trial.job("/data", "second"))) ++tally.altered;
    trial.compare(*disk, "/data", tally);
  }
  return tally;
}

Tally cut_power_at_every_step(const Trial& trial, const Rounds& rounds, PlantedBugs bugs) {
  Tally tally;
  tally.fault = "power cut at every step";
  const std::unique_ptr<SimulatedDisk> disk = trial.disk();
  FaultFileSystem fs(*disk, bugs);
  std::mt19937_64 luck(1);
  std::vector<std::unique_ptr<SimulatedDisk>> cuts;
  fs.before_change = [&](int64_t step, const std::string& change) {
    tally.steps.push_back(change);
    if (!rounds.take(step)) return Status();
    cuts.push_back(disk->after_power_cut(nullptr));
    cuts.push_back(disk->after_power_cut(&luck));
    return Status();
  };
  CHECK(work(fs, trial.job("/data", "first")));
  for (const auto& cut : cuts) {
    if (!work(*cut, trial.job("/data", "second"))) ++tally.altered;
    trial.compare(*cut, "/data", tally);
    if (rounds.done(tally)) return tally;
  }
  trial.compare(*disk->after_power_cut(nullptr), "/data", tally);
  return tally;
}

Tally wake_late_at_every_step(const Trial& trial, const std::string& folder, const Rounds& rounds,
                              PlantedBugs bugs) {
  Tally tally;
  tally.fault = "late writer at every step";
  const std::unique_ptr<FileSystem> posix = make_posix_file_system();
  tally.steps = steps_of(trial);
  for (size_t step = 1; step <= tally.steps.size(); ++step) {
    if (!rounds.take(static_cast<int64_t>(step))) continue;
    const std::string data = fmt::format("{}/late{}", folder, step);
    const pid_t late =
        start_child(trial.job(data, "late"), static_cast<int64_t>(step), SIGSTOP, bugs);
    int status = 0;
    CHECK(waitpid(late, &status, WUNTRACED) == late);
    engine::Job next = trial.job(data, "next");
    next.take_over = true;
    FaultFileSystem fs(*posix, bugs);
    if (!work(fs, next)) ++tally.altered;
    if (WIFSTOPPED(status)) {
      kill(late, SIGCONT);
      wait_for(late);
    }
    trial.compare(*posix, data, tally);
    std::filesystem::remove_all(data);
    if (rounds.done(tally)) break;
  }
  return tally;
}

}  // namespace adweave::tests
