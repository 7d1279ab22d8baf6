// SPDX-License-Identifier: Apache-2.0
#include "app/config/config.h"

#include <set>

#include "app/config/kafka_config.h"
#include "app/config/mapping_config.h"
#include "app/config/serve_config.h"
#include "app/config/yaml_reader.h"
#include "base/hash.h"
#include "decode/decoder.h"
#include "state/dimensions.h"

namespace adweave::app {

namespace {

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
  for (const std::string_view name : state::reference_names()) {
    if (const auto file = map.text(std::string(name))) job.dimensions.emplace(name, *file);
  }
  map.finish();
}

void read_windows(MapReader& map, int64_t& click_us, int64_t& view_us) {
  for (const auto& [key, window] :
       {std::pair{"click_window", &click_us}, {"view_window", &view_us}}) {
    *window = map.number(key, duration_units()).value_or(*window);
    if (*window > limits::kRestatementHorizonUs) {
      map.problems().add(map.node(),
                         std::string(key) + " is over the restatement horizon of 35 days",
                         "write 35d or less");
    }
  }
}

void read_window_rules(MapReader& map, process::AttributionPolicy& policy) {
  const auto node = map.take("windows");
  if (!node) return;
  if (!node->IsSequence()) return map.problems().add(*node, "windows must be a list of rules");
  for (const YAML::Node& item : *node) {
    MapReader reader(item, "window rule", map.problems());
    process::WindowRule rule;
    rule.conversion_type = reader.text("conversion_type").value_or("");
    rule.placement = reader.text("placement_id").value_or("");
    rule.click_window_us = policy.click_window_us;
    rule.view_window_us = policy.view_window_us;
    if (reader.valid()) read_windows(reader, rule.click_window_us, rule.view_window_us);
    reader.finish();
    policy.windows.push_back(std::move(rule));
  }
}

void read_weights(MapReader& map, process::AttributionPolicy& policy) {
  policy.first_weight = static_cast<int>(
      std::min<int64_t>(map.number("first_weight").value_or(policy.first_weight), INT32_MAX));
  policy.last_weight = static_cast<int>(
      std::min<int64_t>(map.number("last_weight").value_or(policy.last_weight), INT32_MAX));
  const int64_t sum = static_cast<int64_t>(policy.first_weight) + policy.last_weight;
  if (policy.first_weight < 0 || policy.last_weight < 0 || sum > 100) {
    map.problems().add(map.node(), "first_weight and last_weight are over 100 percent together",
                       "write 40 and 40, and 20 are left for the touches between");
  }
}

void read_counting(MapReader& map, process::AttributionPolicy& policy) {
  const auto node = map.take("conversion_counting");
  if (!node) return;
  if (!node->IsMap()) {
    return map.problems().add(*node, "conversion_counting must be a map of conversion types",
                              "write conversion_counting: {signup: one, purchase: every}");
  }
  MapReader reader(*node, "conversion_counting", map.problems());
  for (const auto& item : *node) {
    const auto type = item.first.as<std::string>();
    const auto counting = reader.choice<process::Counting>(
        type, {{"every", process::Counting::every}, {"one", process::Counting::one}});
    if (counting) policy.counting[type] = *counting;
  }
  reader.finish();
}

void read_policy(MapReader& map, process::AttributionPolicy& policy) {
  std::vector<std::pair<std::string, process::AttributionModel>> models;
  for (const process::AttributionModel model : process::all_models())
    models.emplace_back(process::model_name(model), model);
  policy.model = map.choice(std::string("model"), models).value_or(policy.model);
  read_windows(map, policy.click_window_us, policy.view_window_us);
  read_window_rules(map, policy);
  policy.repeats = map.choice<process::Repeats>("repeats", {{"every", process::Repeats::every},
                                                            {"once", process::Repeats::once}})
                       .value_or(policy.repeats);
  policy.half_life_us = map.number("half_life", duration_units()).value_or(policy.half_life_us);
  if (policy.half_life_us <= 0)
    map.problems().add(map.node(), "half_life must be above 0", "write half_life: 7d");
  read_weights(map, policy);
  read_counting(map, policy);
}

// The default policy's windows under another model, named after it.
process::AttributionPolicy rule_based(const process::AttributionPolicy& policy,
                                      process::AttributionModel model) {
  process::AttributionPolicy other = policy;
  other.model = model;
  other.name = process::model_name(model);
  return other;
}

// A policy beside the default: a map, or the name of a model.
std::optional<process::AttributionPolicy> read_other_policy(
    const YAML::Node& item, MapReader& map, const process::AttributionPolicy& first) {
  if (item.IsScalar()) {
    const auto word = item.as<std::string>();
    for (const process::AttributionModel model : process::all_models()) {
      if (process::model_name(model) == word) return rule_based(first, model);
    }
    map.problems().add(item, "there is no model '" + word + "'",
                       "write last_touch, first_touch, linear, time_decay or position_based");
    return std::nullopt;
  }
  MapReader reader(item, "policy", map.problems());
  if (!reader.valid()) return std::nullopt;
  process::AttributionPolicy policy;
  policy.counting = first.counting;
  policy.name = reader.required_text("name", "linear");
  read_policy(reader, policy);
  reader.finish();
  return policy;
}

// `policies`; without it, every rule-based model.
void read_other_policies(MapReader& map, std::vector<process::AttributionPolicy>& policies) {
  const auto others = map.take("policies");
  if (!others) {
    for (const process::AttributionModel model : process::all_models()) {
      if (model != policies[0].model) policies.push_back(rule_based(policies[0], model));
    }
    return;
  }
  if (!others->IsSequence())
    return map.problems().add(*others, "policies must be a list of policies");
  for (const YAML::Node& item : *others) {
    auto policy = read_other_policy(item, map, policies[0]);
    if (!policy) continue;
    if (item.IsScalar() && policy->model == policies[0].model) continue;  // it is the default
    const bool known = std::any_of(policies.begin(), policies.end(),
                                   [&](const auto& other) { return other.name == policy->name; });
    if (known)
      map.problems().add(item, "there are two policies '" + policy->name + "'",
                         "give each its own name; `default` is the first");
    policies.push_back(*std::move(policy));
  }
}

// The default policy, what holds for all of them, and those beside it.
void read_attribution(MapReader& root, process::AttributionRules& rules) {
  const auto node = root.take("attribution");
  const YAML::Node empty(YAML::NodeType::Map);
  MapReader map(node.value_or(empty), "attribution", root.problems());
  if (!map.valid()) return;
  process::AttributionPolicy& first = rules.policies[0];
  read_policy(map, first);
  if (!has_one_winner(first.model)) {
    root.problems().add(map.node(), "the default policy must give a conversion to one touch",
                        "write model: last_touch or first_touch, and list the other in policies");
  }
  rules.double_click_us =
      map.number("double_click", duration_units()).value_or(rules.double_click_us);
  rules.click_join_window_us =
      map.number("click_join_window", duration_units()).value_or(rules.click_join_window_us);
  read_other_policies(map, rules.policies);
  map.finish();
}

void read_limits(MapReader& root, engine::Job& job) {
  const auto node = root.take("limits");
  if (!node) return;
  MapReader map(*node, "limits", root.problems());
  job.slice_bytes = map.number("slice_bytes", kSizes).value_or(job.slice_bytes);
  job.commit_bytes = map.number("commit_bytes", kSizes).value_or(job.commit_bytes);
  job.ids_memory_max = map.number("ids_memory_max", kSizes).value_or(job.ids_memory_max);
  const auto event_bytes = map.number("event_bytes_max", kSizes);
  const auto expansion = map.number("expansion_max", {});
  for (engine::SourceJob& source : job.sources) {
    if (expansion) source.decoder.expansion_max = *expansion;
    if (event_bytes) source.decoder.event_bytes_max = *event_bytes;
  }
  map.finish();
}

engine::Job read_job(const YAML::Node& node, const ReadFile& read, Problems& problems,
                     serve::Options& serve) {
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
  read_cluster(root, job);
  serve = read_serve(root, job);
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
    config.job = read_job(YAML::Load(*text), read, problems, config.serve);
    config.problems = problems.take();
  } catch (const YAML::Exception& e) {
    config.problems.push_back(
        {e.mark.line + 1, e.mark.column + 1, "not YAML: " + e.msg, "check the indentation"});
  }
  config.job.folder = parent_path(path);
  std::vector<std::string*> files = {&config.serve.certificate, &config.serve.key};
  for (serve::SigningKey& key : config.serve.signing_keys) files.push_back(&key.file);
  for (engine::SourceJob& source : config.job.sources) {
    if (!source.registry) continue;
    files.push_back(&source.registry->secret_file);
    files.push_back(&source.registry->ca_file);
  }
  for (std::string* file : files) {
    if (!file->empty() && !file->starts_with('/')) *file = join_path(config.job.folder, *file);
  }
  config.job.configuration = to_hex(hash128(*text));
  return config;
}

const std::map<std::string, int64_t>& duration_units() {
  static const std::map<std::string, int64_t> kUnits = {{"s", limits::kSecondUs},
                                                        {"m", 60 * limits::kSecondUs},
                                                        {"h", 3600 * limits::kSecondUs},
                                                        {"d", limits::kDayUs}};
  return kUnits;
}

std::string problem_text(const std::string& path, const ConfigProblem& problem) {
  std::string text = path + ":" + std::to_string(problem.line) + ":" +
                     std::to_string(problem.column) + ": " + problem.what;
  if (!problem.fix.empty()) text += "; " + problem.fix;
  return text;
}

}  // namespace adweave::app
