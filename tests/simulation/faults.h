// SPDX-License-Identifier: Apache-2.0
// The faults. Each disturbs runs of the trial's job, recovers, and compares with the undisturbed
// run.
#pragma once

#include "tests/simulation/fault_file_system.h"
#include "tests/simulation/trial.h"

namespace adweave::tests {

// kill -9 just before every change of a run, each once; state/ is deleted in half of the rounds.
Tally kill_at_every_step(const Trial& trial, const std::string& folder);

// kill -9 at random moments, again and again until a run gets through.
Tally kill_at_random(const Trial& trial, const std::string& folder, int64_t rounds, uint64_t seed);

// Every change in turn fails as on a full or failing disk; the run must end with an error, the next
// one goes on.
Tally fail_at_every_step(const Trial& trial);

// The power fails before every change: what was not synced is gone, or in every second round a
// random part of it. And once more after a run has reported success: then nothing may be gone.
Tally cut_power_at_every_step(const Trial& trial, PlantedBugs bugs = {});

// A writer is stopped before every change, another takes over and does all the work, the first
// wakes up.
Tally wake_late_at_every_step(const Trial& trial, const std::string& folder, PlantedBugs bugs = {});

}  // namespace adweave::tests
