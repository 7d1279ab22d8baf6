// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "app/config/config.h"
#include "tests/support/simulated_disk.h"

namespace adweave::app {
namespace {

constexpr const char* kRest = "format: json, kind: click, fields: {campaign_id: c}}";

Config load_kafka(const std::string& text) {
  tests::SimulatedDisk disk;
  disk.put("a.yaml", text, 0);
  Result<Config> config = load_config(disk, "a.yaml");
  EXPECT_TRUE(config);
  return *std::move(config);
}

TEST(KafkaConfig, ATopicAndItsCluster) {
  const Config config = load_kafka(
      std::string("sources:\n  - {name: s, kafka: {topic: t, from: end, lost: accept}, ") + kRest +
      "\nkafka: {brokers: [a:1, b:2], group: g, share: 3/8, properties: "
      "{ssl.ca.location: ca.pem, fetch.min.bytes: 7}}\n");
  ASSERT_TRUE(config.problems.empty()) << problem_text("", config.problems[0]);
  const source::KafkaTopic& topic = *config.job.sources[0].kafka;
  EXPECT_EQ(topic.topic, "t");
  EXPECT_TRUE(topic.from_end);
  EXPECT_TRUE(topic.accept_loss);
  const source::KafkaCluster& cluster = config.job.kafka;
  EXPECT_EQ(cluster.group, "g");
  EXPECT_EQ(cluster.share, 3);
  EXPECT_EQ(cluster.shares, 8);
  const std::map<std::string, std::string> properties = {
      {"bootstrap.servers", "a:1,b:2"}, {"ssl.ca.location", "ca.pem"}, {"fetch.min.bytes", "7"}};
  EXPECT_EQ(cluster.properties, properties);
}

TEST(KafkaConfig, TheTopicIsNoPartOfTheMapping) {
  const auto hash = [](const std::string& where) {
    return load_kafka("sources:\n  - {name: s, " + where + ", " + kRest + "\nkafka: {brokers: a}\n")
        .job.sources[0]
        .mapping;
  };
  EXPECT_EQ(hash("kafka: t"), hash("files: a.json"));
}

struct Mistake {
  const char* name;
  const char* text;
  const char* problem;
};

class KafkaMistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(KafkaMistakes, SayWhereAndWhatToDo) {
  const Config config = load_kafka(GetParam().text);
  ASSERT_FALSE(config.problems.empty());
  EXPECT_EQ(problem_text("a.yaml", config.problems[0]), GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, KafkaMistakes,
    ::testing::Values(
        Mistake{
            "no_topic",
            "sources: [{name: s, kafka: 'a b', format: json, kind: click, fields: {campaign_id: "
            "c}}]\nkafka: {brokers: a}\n",
            "a.yaml:1:28: no name of a topic: 'a b'; a topic's name has letters, digits, '.', "
            "'_' and '-', 249 at most"},
        Mistake{"no_brokers",
                "sources: [{name: s, kafka: t, format: json, kind: click, fields: {campaign_id: "
                "c}}]\nkafka: {group: g}\n",
                "a.yaml:2:8: sources read topics, and there are no brokers; write kafka: {brokers: "
                "\"kafka-1:9092\"}"},
        Mistake{"two_sources_of_a_topic",
                "sources: [{name: s, kafka: t, format: json, kind: click, fields: {campaign_id: "
                "c}}, {name: r, kafka: t, format: json, kind: click, fields: {campaign_id: "
                "c}}]\nkafka: {brokers: a}\n",
                "a.yaml:1:1: two sources read the topic t; make them one source whose rows tell "
                "the kinds apart (when: ...)"},
        Mistake{"no_share",
                "sources: [{name: s, kafka: t, format: json, kind: click, fields: {campaign_id: "
                "c}}]\nkafka: {brokers: a, share: 8/8}\n",
                "a.yaml:2:8: no share: 8/8; write NUMBER/COUNT, the first of eight is 0/8"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace adweave::app
