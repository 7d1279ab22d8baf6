// SPDX-License-Identifier: Apache-2.0
// What every fault test has in common: the job, the answer of a run that nothing disturbed, and the
// comparison with it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/job.h"
#include "tests/support/simulated_disk.h"

namespace adweave::tests {

// Result of one fault over all its rounds; printed as one JSON object.
struct Tally {
  std::string fault;
  int64_t rounds = 0;
  int64_t events = 0;   // rows compared
  int64_t lost = 0;     // rows that are missing
  int64_t twice = 0;    // rows that are there again
  int64_t altered = 0;  // rows that no undisturbed run has, and runs that did not recover
  std::vector<std::string> steps;  // that were hit
  bool ok() const { return rounds > 0 && lost == 0 && twice == 0 && altered == 0; }
};

// The inputs in a folder of their own, and the answer.
class Trial {
 public:
  // Generates logs into `folder` and runs the job once, undisturbed.
  static Result<Trial> prepare(const std::string& folder);

  // Compares what a folder holds with the answer, and what other programs see of it.
  void compare(const FileSystem& fs, const std::string& data, Tally& tally) const;

  // The job on data folder `data`; `holder` differs for each writer.
  engine::Job job(const std::string& data, const std::string& holder) const;
  // A disk in memory with the inputs.
  std::unique_ptr<SimulatedDisk> disk() const;

 private:
  engine::Job job_;
  std::string folder_;
  std::vector<std::string> expected_;  // lines of ledger_text()
};

// Runs to the end of the inputs.
Result<engine::RunReport> run_job(FileSystem& fs, const engine::Job& job);

// All that a writer does: the run, then compact, seal of every day, and vacuum without grace.
Status work(FileSystem& fs, const engine::Job& job);

}  // namespace adweave::tests
