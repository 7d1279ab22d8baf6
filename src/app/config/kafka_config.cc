// SPDX-License-Identifier: Apache-2.0
#include "app/config/kafka_config.h"

#include <algorithm>
#include <set>

#include <fmt/ranges.h>

#include "base/limits.h"
#include "base/whole_number.h"
#include "event/reject.h"
#include "event/schema.h"

namespace adweave::app {

namespace {

// Names as the brokers take them.
bool is_topic(std::string_view name) {
  constexpr size_t kBytesMax = 249;
  const bool is_plain = name.find_first_not_of(
                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "0123456789._-") == std::string_view::npos;
  return is_plain && !name.empty() && name.size() <= kBytesMax && name != "." && name != "..";
}

constexpr const char* kTopicFix =
    "a topic's name has letters, digits, '.', '_' and '-', 249 at most";

// "3/8": the share 3 of the shares 0 to 7.
bool parse_share(std::string_view text, source::KafkaCluster& cluster) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  return parse_whole(text.substr(0, slash), cluster.share) &&
         parse_whole(text.substr(slash + 1), cluster.shares) && cluster.share >= 0 &&
         cluster.share < cluster.shares && cluster.shares <= limits::kKafkaSharesMax;
}

void read_properties(MapReader& map, std::map<std::string, std::string>& properties) {
  const auto node = map.take("properties");
  if (!node) return;
  if (!node->IsMap())
    return map.problems().add(*node, "properties must be a map, name -> value",
                              "write properties: {security.protocol: SSL}");
  for (const auto& property : *node) {
    const auto name = property.first.as<std::string>();
    properties[name] = map.scalar(property.second, name);
  }
}

// Tables whose rows are results.
std::vector<std::string> result_tables() {
  std::vector<std::string> tables;
  for (const event::TableInfo& table : event::all_tables()) {
    if (table.kind || table.name == "credits_log" || table.name == "facts")
      tables.emplace_back(table.name);
  }
  return tables;
}

// Where a topic begins that has not been written before.
void read_from(MapReader& map, source::KafkaProduce& produce) {
  const auto node = map.take("from");
  if (!node) return;
  const std::string text = map.scalar(*node, "from");
  int64_t commit = 0;
  if (text == "end") {
    produce.from_end = true;
  } else if (parse_whole(text, commit) && commit > 0) {
    produce.from = commit;
  } else if (text != "beginning") {
    map.problems().add(*node, "from says where a topic begins, not '" + text + "'",
                       "write beginning, end or the number of a commit");
  }
}

void read_retry(MapReader& map, source::KafkaProduce& produce) {
  const auto node = map.take("retry");
  const std::string suffix = node ? map.scalar(*node, "retry") : "";
  if (suffix != "false") produce.retry = suffix == "true" ? ".retry" : suffix;
  if (node && produce.retry.empty() && suffix != "false") {
    map.problems().add(*node, "retry has no end of a topic's name", "write retry: .retry");
  }
  produce.reasons = {"unknown_schema", "unknown_kind", "unread_value"};
  if (!map.node()["reasons"]) return;
  const YAML::Node place = map.node()["reasons"];
  produce.reasons.clear();
  for (const std::string& reason : map.texts("reasons")) {
    if (!event::parse_reason(reason)) {
      map.problems().add(place, "no reason of a reject: " + reason,
                         "docs/reference/rejects.md lists them");
    }
    produce.reasons.insert(reason);
  }
  if (produce.retry.empty())
    map.problems().add(place, "reasons are of rejects to be tried again", "write retry: .retry");
}

void read_tables(MapReader& map, source::KafkaProduce& produce) {
  const std::vector<std::string> all = result_tables();
  produce.tables = {all.begin(), all.end()};
  if (!map.node()["tables"]) return;
  const YAML::Node place = map.node()["tables"];
  produce.tables.clear();
  for (const std::string& table : map.texts("tables")) {
    if (std::find(all.begin(), all.end(), table) == all.end()) {
      map.problems().add(place, "no table of results: " + table,
                         fmt::format("there are {}", fmt::join(all, ", ")));
    }
    produce.tables.insert(table);
  }
  if (produce.results.empty())
    map.problems().add(place, "tables are of results", "write results: TOPIC");
}

// Topics that are written: each once, and none that is read but those of rejects to be tried again.
void check_outputs(const MapReader& map, const engine::Job& job, Problems& problems) {
  const source::KafkaProduce& produce = job.kafka_produce;
  std::set<std::string> read;
  for (const engine::SourceJob& source : job.sources) {
    if (source.kafka) read.insert(source.kafka->topic);
  }
  std::set<std::string> written;
  for (const std::string& topic : {produce.results, produce.rejects}) {
    if (topic.empty()) continue;
    if (!is_topic(topic))
      problems.add(map.node(), "no name of a topic: '" + topic + "'", kTopicFix);
    if (read.contains(topic)) {
      problems.add(map.node(), "a source reads the topic " + topic + ", and it is written",
                   "write another one: else what comes out goes in again");
    }
    if (!written.insert(topic).second)
      problems.add(map.node(), "results and rejects have one topic", "write two");
  }
  if (!produce.is_on())
    problems.add(map.node(), "produce has no topic", "write produce: {results: TOPIC}");
  if (!produce.retry.empty() && read.empty()) {
    problems.add(map.node(), "no source reads a topic whose rejects could be tried again",
                 "leave out retry");
  }
  for (const std::string& topic : read) {
    const std::string again = topic + produce.retry;
    if (produce.retry.empty() || is_topic(again)) continue;
    problems.add(map.node(), "no name of a topic: '" + again + "'", kTopicFix);
  }
  for (const std::string& topic : read) {
    if (produce.retry.empty() || !written.contains(topic + produce.retry)) continue;
    problems.add(map.node(), "the topic " + topic + produce.retry + " would be written twice",
                 "write another end: retry: .again");
  }
}

void read_produce(MapReader& kafka, engine::Job& job) {
  const auto node = kafka.take("produce");
  if (!node) return;
  MapReader map(*node, "produce", kafka.problems());
  if (!map.valid()) return;
  source::KafkaProduce& produce = job.kafka_produce;
  produce.results = map.text("results").value_or("");
  produce.rejects = map.text("rejects").value_or("");
  read_tables(map, produce);
  read_retry(map, produce);
  read_from(map, produce);
  read_properties(map, produce.properties);
  map.finish();
  check_outputs(map, job, kafka.problems());
}

}  // namespace

void read_topic(MapReader& source, engine::SourceJob& job) {
  const auto node = source.take("kafka");
  if (!node) return;
  source::KafkaTopic topic;
  if (node->IsScalar()) {
    topic.topic = source.scalar(*node, "kafka");
  } else {
    MapReader map(*node, "kafka", source.problems());
    if (!map.valid()) return;
    topic.topic = map.required_text("topic", "ads.events.click.v1");
    topic.from_end =
        map.choice<bool>("from", {{"beginning", false}, {"end", true}}).value_or(false);
    topic.accept_loss =
        map.choice<bool>("lost", {{"stop", false}, {"accept", true}}).value_or(false);
    map.finish();
  }
  if (!is_topic(topic.topic)) {
    source.problems().add(*node, "no name of a topic: '" + topic.topic + "'", kTopicFix);
  }
  job.kafka = std::move(topic);
}

void read_cluster(MapReader& root, engine::Job& job) {
  const auto node = root.take("kafka");
  const YAML::Node empty(YAML::NodeType::Map);
  MapReader map(node.value_or(empty), "kafka", root.problems());
  if (!map.valid()) return;
  const std::vector<std::string> brokers = map.texts("brokers");
  job.kafka.group = map.text("group").value_or("");
  read_properties(map, job.kafka.properties);
  if (!brokers.empty())
    job.kafka.properties["bootstrap.servers"] = fmt::format("{}", fmt::join(brokers, ","));
  if (const auto share = map.text("share"); share && !parse_share(*share, job.kafka)) {
    root.problems().add(map.node(), "no share: " + *share,
                        "write NUMBER/COUNT, the first of eight is 0/8");
  }
  read_produce(map, job);
  map.finish();
  std::set<std::string> topics;
  for (const engine::SourceJob& source : job.sources) {
    if (!source.kafka) continue;
    if (!topics.insert(source.kafka->topic).second) {
      root.problems().add(root.node(), "two sources read the topic " + source.kafka->topic,
                          "make them one source whose rows tell the kinds apart (when: ...)");
    }
  }
  const bool is_written = job.kafka_produce.is_on();
  if ((!topics.empty() || is_written) && brokers.empty()) {
    root.problems().add(map.node(),
                        topics.empty() ? "produce writes topics, and there are no brokers"
                                       : "sources read topics, and there are no brokers",
                        "write kafka: {brokers: \"kafka-1:9092\"}");
  }
}

}  // namespace adweave::app
