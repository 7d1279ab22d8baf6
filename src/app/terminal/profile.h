// SPDX-License-Identifier: Apache-2.0
// The profile of a run, for people and for programs.
#pragma once

#include <string>

#include "base/json.h"
#include "engine/profile.h"
#include "query/sql_engine.h"

namespace adweave::app {

// A row for each stage that took time, and one for what no stage was.
query::QueryResult profile_table(const engine::Profile& profile);

// Lines: the run as a whole, and its bottleneck.
std::string profile_summary(const engine::Profile& profile);

// {"wall_s", "cpu_s", "threads", "sequencer_idle_s", "bottleneck", "stages": [{"stage", "cpu_s",
// "queue_s", "wait_s", "rows", "bytes"}]}
JsonValue profile_json(const engine::Profile& profile);

}  // namespace adweave::app
