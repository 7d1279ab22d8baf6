// SPDX-License-Identifier: Apache-2.0
#include "app/config/kafka_config.h"

#include <charconv>
#include <set>

#include <fmt/ranges.h>

#include "base/limits.h"

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

// "3/8": the share 3 of the shares 0 to 7.
bool parse_share(std::string_view text, source::KafkaCluster& cluster) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const auto parse = [](std::string_view digits, int& out) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  return parse(text.substr(0, slash), cluster.share) &&
         parse(text.substr(slash + 1), cluster.shares) && cluster.share >= 0 &&
         cluster.share < cluster.shares && cluster.shares <= limits::kKafkaSharesMax;
}

void read_properties(MapReader& map, source::KafkaCluster& cluster) {
  const auto node = map.take("properties");
  if (!node) return;
  if (!node->IsMap())
    return map.problems().add(*node, "properties must be a map, name -> value",
                              "write properties: {security.protocol: SSL}");
  for (const auto& property : *node) {
    const auto name = property.first.as<std::string>();
    cluster.properties[name] = map.scalar(property.second, name);
  }
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
    source.problems().add(*node, "no name of a topic: '" + topic.topic + "'",
                          "a topic's name has letters, digits, '.', '_' and '-', 249 at most");
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
  read_properties(map, job.kafka);
  if (!brokers.empty())
    job.kafka.properties["bootstrap.servers"] = fmt::format("{}", fmt::join(brokers, ","));
  if (const auto share = map.text("share"); share && !parse_share(*share, job.kafka)) {
    root.problems().add(map.node(), "no share: " + *share,
                        "write NUMBER/COUNT, the first of eight is 0/8");
  }
  map.finish();
  std::set<std::string> topics;
  for (const engine::SourceJob& source : job.sources) {
    if (!source.kafka) continue;
    if (!topics.insert(source.kafka->topic).second) {
      root.problems().add(root.node(), "two sources read the topic " + source.kafka->topic,
                          "make them one source whose rows tell the kinds apart (when: ...)");
    }
  }
  if (!topics.empty() && brokers.empty()) {
    root.problems().add(map.node(), "sources read topics, and there are no brokers",
                        "write kafka: {brokers: \"kafka-1:9092\"}");
  }
}

}  // namespace adweave::app
