// SPDX-License-Identifier: Apache-2.0
// The faults. Each disturbs runs of the trial's job, recovers, and compares with the undisturbed
// run.
#pragma once

#include "tests/simulation/trial.h"
#include "tests/support/fault_file_system.h"

namespace adweave::tests {

// Which rounds to do. With `every` 20 it is every twentieth step, from `from` on.
struct Rounds {
  int64_t every = 1;
  int64_t from = 0;
  bool until_found = false;  // stop once something is lost, twice or altered

  bool take(int64_t step) const { return step % every == from % every; }
  bool done(const Tally& tally) const { return until_found && tally.rounds > 0 && !tally.ok(); }
};

// kill -9 just before every change of a writer's work, each once; state/ is deleted in half of the
// rounds.
Tally kill_at_every_step(const Trial& trial, const std::string& folder, const Rounds& rounds);

// kill -9 at random moments, again and again until the work gets through.
Tally kill_at_random(const Trial& trial, const std::string& folder, int64_t rounds, uint64_t seed);

// Every change in turn fails as on a full or failing disk; the work must end with an error, the
// next one goes on.
Tally fail_at_every_step(const Trial& trial, const Rounds& rounds);

// The power fails before every change: what was not synced is gone, or in every second round a
// random part of it. And once more after the work has reported success: then nothing may be gone.
Tally cut_power_at_every_step(const Trial& trial, const Rounds& rounds, PlantedBugs bugs = {});

// A writer is stopped before every change, another takes over and does all the work, the first
// wakes up.
Tally wake_late_at_every_step(const Trial& trial, const std::string& folder, const Rounds& rounds,
                              PlantedBugs bugs = {});

}  // namespace adweave::tests
