// SPDX-License-Identifier: Apache-2.0
#include "app/terminal/profile.h"

#include <cmath>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace adweave::app {

namespace {

using engine::Profile;
using engine::StageCost;

double seconds(int64_t ns) {
  return std::round(static_cast<double>(ns) / 1e6) / 1e3;
}

// Every stage in its order, then what is of none: start, configuration, clean-up.
std::vector<std::pair<std::string_view, StageCost>> costs_of(const Profile& profile) {
  std::vector<std::pair<std::string_view, StageCost>> costs;
  int64_t known = 0;
  for (int i = 0; i < engine::kStages; ++i) {
    const auto stage = static_cast<engine::Stage>(i);
    const StageCost cost = profile.of(stage);
    known += cost.cpu;
    if (cost.wall > 0) costs.emplace_back(engine::stage_name(stage), cost);
  }
  costs.push_back({"other", {std::max<int64_t>(profile.cpu() - known, 0)}});
  return costs;
}

std::string bottleneck_of(const Profile& profile) {
  return engine::bottleneck(profile, static_cast<int>(std::thread::hardware_concurrency()));
}

JsonValue count_or_null(int64_t count) {
  return count > 0 ? JsonValue(count) : JsonValue();
}

}  // namespace

query::QueryResult profile_table(const Profile& profile) {
  query::QueryResult table;
  table.columns = {"stage", "cpu_s", "cpu_%", "queue_s", "wait_s", "rows", "mb", "rows_per_cpu_s"};
  for (const auto& [stage, cost] : costs_of(profile)) {
    const double cpu = static_cast<double>(cost.cpu) / 1e9;
    const double share = 100 * static_cast<double>(cost.cpu) / static_cast<double>(profile.cpu());
    table.rows.push_back(
        {stage, seconds(cost.cpu), std::round(share), seconds(cost.queue), seconds(cost.wait()),
         count_or_null(cost.rows),
         cost.bytes > 0 ? JsonValue(static_cast<double>(cost.bytes) / 1e6) : JsonValue(),
         cost.rows > 0 && cpu > 0
             ? JsonValue(static_cast<int64_t>(static_cast<double>(cost.rows) / cpu))
             : JsonValue()});
  }
  return table;
}

std::string profile_summary(const Profile& profile) {
  return fmt::format(
      "{:.2f} s, {:.2f} CPU-s, {} thread(s); the sequencer waited {:.2f} s for slices\n"
      "bottleneck: {}\n",
      seconds(profile.wall()), seconds(profile.cpu()), profile.threads(),
      seconds(profile.sequencer_idle()), bottleneck_of(profile));
}

JsonValue profile_json(const Profile& profile) {
  JsonValue stages{JsonValue::Array()};
  for (const auto& [stage, cost] : costs_of(profile)) {
    JsonValue row;
    row.set("stage", stage);
    row.set("cpu_s", seconds(cost.cpu));
    row.set("queue_s", seconds(cost.queue));
    row.set("wait_s", seconds(cost.wait()));
    row.set("rows", cost.rows);
    row.set("bytes", cost.bytes);
    stages.push(row);
  }
  JsonValue json;
  json.set("wall_s", seconds(profile.wall()));
  json.set("cpu_s", seconds(profile.cpu()));
  json.set("threads", profile.threads());
  json.set("sequencer_idle_s", seconds(profile.sequencer_idle()));
  json.set("bottleneck", bottleneck_of(profile));
  json.set("stages", stages);
  return json;
}

}  // namespace adweave::app
