// SPDX-License-Identifier: Apache-2.0
#include "app/config/config.h"

#include <set>

#include "app/config/mapping_config.h"
#include "app/config/yaml_reader.h"
#include "base/hash.h"
#include "decode/decoder.h"
#include "state/dimensions.h"

namespace adweave::app {

namespace {

const std::map<std::string, int64_t> kDurations = {{"s", limits::kSecondUs},
                                                   {"m", 60 * limits::kSecondUs},
                                                   {"h", 3600 * limits::kSecondUs},
                                                   {"d", limits::kDayUs}};
const std::map<std::string, int64_t> kSizes = {{"KiB", limits::kKiB}, {"MiB", limits::kMiB}};

void read_sources(MapReader& root, const ReadFile& read, engine::Job& job) {
  const auto node = root.take("sources");
  if (!node || !node->IsSequence() || node->size() == 0) {
    root.problems().add(node.value_or(root.node()), "there are no sources",
                        "write sources: and a list of them");
    return;
  }
  std::set<std::string> names;
  for (const YAML::Node& item : *node) {
    job.sources.push_back(read_source(item, read, root.problems()));
    const engine::SourceJob& source = job.sources.back();
    if (!names.insert(source.decoder.source).second) {
      root.problems().add(item, "there are two sources '" + source.decoder.source + "'",
                          "give each its own name");
    }
    const auto decoder = decode::make_decoder(source.decoder);
    if (!decoder) root.problems().add(item, decoder.error().message, decoder.error().fix);
  }
}

void read_dimensions(MapReader& root, engine::Job& job) {
  const auto node = root.take("dimensions");
  if (!node) return;
  MapReader map(*node, "dimensions", root.problems());
  for (const std::string_view name : state::dimension_names()) {
    if (const auto file = map.text(std::string(name))) job.dimensions.emplace(name, *file);
  }
  map.finish();
}

void read_attribution(MapReader& root, process::AttributionPolicy& policy) {
  const auto node = root.take("attribution");
  if (!node) return;
  MapReader map(*node, "attribution", root.problems());
  policy.model =
      map.choice<std::string>("model", {{"last_touch", "last_touch"}}).value_or(policy.model);
  policy.click_window_us = map.number("click_window", kDurations).value_or(policy.click_window_us);
  policy.view_window_us = map.number("view_window", kDurations).value_or(policy.view_window_us);
  for (const auto& [key, window] : {std::pair{"click_window", policy.click_window_us},
                                    {"view_window", policy.view_window_us}}) {
    if (window > limits::kRestatementHorizonUs) {
      root.problems().add(*node, std::string(key) + " is over the restatement horizon of 35 days",
                          "write 35d or less");
    }
  }
  map.finish();
}

void read_limits(MapReader& root, engine::Job& job) {
  const auto node = root.take("limits");
  if (!node) return;
  MapReader map(*node, "limits", root.problems());
  job.slice_bytes = map.number("slice_bytes", kSizes).value_or(job.slice_bytes);
  job.commit_bytes = map.number("commit_bytes", kSizes).value_or(job.commit_bytes);
  const auto event_bytes = map.number("event_bytes_max", kSizes);
  const auto expansion = map.number("expansion_max", {});
  for (engine::SourceJob& source : job.sources) {
    if (expansion) source.decoder.expansion_max = *expansion;
    if (event_bytes) source.decoder.event_bytes_max = *event_bytes;
  }
  map.finish();
}

engine::Job read_job(const YAML::Node& node, const ReadFile& read, Problems& problems) {
  engine::Job job;
  MapReader root(node, "the configuration", problems);
  if (!root.valid()) return job;
  job.ledger_id = root.text("ledger_id").value_or(job.ledger_id);
  if (const auto zone = root.text("time_zone")) {
    const Result<TimeZone> found = TimeZone::find(*zone);
    if (found) job.zone = *found;
    if (!found) problems.add(node["time_zone"], found.error().message, found.error().fix);
  }
  read_sources(root, read, job);
  read_dimensions(root, job);
  read_attribution(root, job.attribution);
  read_limits(root, job);
  root.finish();
  return job;
}

}  // namespace

Result<Config> load_config(const FileSystem& fs, const std::string& path) {
  Result<std::string> text = read_file(fs, path, limits::kConfigBytesMax);
  if (!text) return std::move(text).error();
  Config config;
  try {
    Problems problems;
    const ReadFile read = [&](const std::string& name) {
      return read_file(fs, name.starts_with('/') ? name : join_path(parent_path(path), name),
                       limits::kConfigBytesMax);
    };
    config.job = read_job(YAML::Load(*text), read, problems);
    config.problems = problems.take();
  } catch (const YAML::Exception& e) {
    config.problems.push_back(
        {e.mark.line + 1, e.mark.column + 1, "not YAML: " + e.msg, "check the indentation"});
  }
  config.job.folder = parent_path(path);
  config.job.configuration = to_hex(hash128(*text));
  return config;
}

std::string problem_text(const std::string& path, const ConfigProblem& problem) {
  std::string text = path + ":" + std::to_string(problem.line) + ":" +
                     std::to_string(problem.column) + ": " + problem.what;
  if (!problem.fix.empty()) text += "; " + problem.fix;
  return text;
}

}  // namespace adweave::app
