// SPDX-License-Identifier: Apache-2.0
#include "app/config/config.h"

#include <gtest/gtest.h>

#include "tests/support/simulated_disk.h"

namespace adweave::app {
namespace {

using event::Field;

Config load(const std::string& text) {
  tests::SimulatedDisk disk;
  disk.put("/c/a.yaml", text, 0);
  Result<Config> config = load_config(disk, "/c/a.yaml");
  CHECK(config);
  return *std::move(config);
}

std::string first_problem(const std::string& text) {
  const Config config = load(text);
  return config.problems.empty() ? "" : problem_text("a.yaml", config.problems[0]);
}

constexpr const char* kSource =
    "sources:\n"
    "  - name: s\n"
    "    files: x\n"
    "    format: json\n"
    "    kind: click\n"
    "    fields:\n";

TEST(Config, FillsTheJob) {
  const Config config =
      load(std::string(kSource) +
           "      event_time: {from: [t, u], time: [epoch_ms, '%Y %m'], zone: Europe/Berlin}\n"
           "      event_id: {from: [a, b], join: '-'}\n"
           "      cost: {from: c, unit: micros, on_error: null}\n"
           "      campaign_id: cmp\n"
           "attribution: {click_window: 7d}\n"
           "limits: {slice_bytes: 64KiB, ids_memory_max: 2MiB}\n"
           "ledger_id: l9\n");
  ASSERT_TRUE(config.problems.empty()) << problem_text("", config.problems[0]);
  const auto& source = config.job.sources[0];
  const auto& fields = source.decoder.mapping.rows[0].fields;
  EXPECT_EQ(fields[0].from, (std::vector<std::string>{"t", "u"}));
  EXPECT_EQ(fields[0].times[0].kind, decode::TimeForm::Kind::epoch_ms);
  EXPECT_EQ(fields[0].times[1].pattern, "%Y %m");
  EXPECT_EQ(fields[0].zone, "Europe/Berlin");
  EXPECT_EQ(fields[1].join, "-");
  EXPECT_EQ(fields[2].unit, MoneyUnit::micros);
  EXPECT_EQ(fields[2].on_error, decode::OnError::null);
  EXPECT_EQ(fields[3].field, Field::campaign_id);
  EXPECT_EQ(config.job.attribution.policies[0].click_window_us, 7 * limits::kDayUs);
  EXPECT_EQ(config.job.slice_bytes, 64 * limits::kKiB);
  EXPECT_EQ(config.job.ids_memory_max, 2 * limits::kMiB);
  EXPECT_EQ(config.job.ledger_id, "l9");
  EXPECT_EQ(config.job.folder, "/c");
}

struct BadConfig {
  const char* name;
  std::string text;
  const char* problem;
};

class BadConfigs : public ::testing::TestWithParam<BadConfig> {};

TEST_P(BadConfigs, SayWhereAndWhatToDo) {
  EXPECT_EQ(first_problem(GetParam().text), GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadConfigs,
    ::testing::Values(
        BadConfig{"no_sources", "time_zone: UTC\n",
                  "a.yaml:1:1: there are no sources; write sources: and a list of them"},
        BadConfig{"not_yaml", "a: [1\n",
                  "a.yaml:2:1: not YAML: end of sequence flow not found; check the indentation"},
        BadConfig{"unknown_top_key",
                  std::string(kSource) + "      campaign_id: c\nattributon: {}\n",
                  "a.yaml:8:1: unknown key 'attributon' in the configuration; did you mean "
                  "'attribution'?"},
        BadConfig{"foreign_field", std::string(kSource) + "      bid_amount: c\n",
                  "a.yaml:2:5: source s: an event of kind click has no field bid_amount"},
        BadConfig{"enriched_field", std::string(kSource) + "      weekday: c\n",
                  "a.yaml:2:5: source s: field weekday is not filled by a mapping"},
        BadConfig{"bad_pattern", std::string(kSource) + "      event_time: {from: t, time: '%Q'}\n",
                  "a.yaml:2:5: source s: field event_time: time '%Q': '%Q' is no time field; there "
                  "are %Y %m %d %e "
                  "%b %H %M %S %f %z %%"},
        BadConfig{"window_too_long",
                  std::string(kSource) + "      campaign_id: c\nattribution: {click_window: 90d}\n",
                  "a.yaml:8:14: click_window is over the restatement horizon of 35 days; write 35d "
                  "or less"},
        BadConfig{
            "position_weights_over_100",
            std::string(kSource) +
                "      campaign_id: c\nattribution: {policies: [{name: p, model: position_based, "
                "first_weight: 60, last_weight: 50}]}\n",
            "a.yaml:8:26: first_weight and last_weight are over 100 percent together; write "
            "40 and 40, and 20 are left for the touches between"},
        BadConfig{"unknown_share",
                  std::string(kSource) +
                      "      campaign_id: c\nattribution: {policies: [{name: p, model: linear, "
                      "repeats: unknown}]}\n",
                  "a.yaml:8:60: repeats 'unknown' is not known; known: every, once"},
        BadConfig{"a_default_policy_that_shares",
                  std::string(kSource) + "      campaign_id: c\nattribution: {model: linear}\n",
                  "a.yaml:8:14: the default policy must give a conversion to one touch; write "
                  "model: last_touch or first_touch, and list the other in policies"},
        BadConfig{"two_policies_of_a_name",
                  std::string(kSource) +
                      "      campaign_id: c\nattribution: {policies: [{name: default}]}\n",
                  "a.yaml:8:26: there are two policies 'default'; give each its own name; "
                  "`default` is the first"},
        BadConfig{"a_policy_of_no_model",
                  std::string(kSource) + "      campaign_id: c\nattribution: {policies: [best]}\n",
                  "a.yaml:8:26: there is no model 'best'; write last_touch, first_touch, linear, "
                  "time_decay or position_based"},
        BadConfig{"counting_that_is_neither",
                  std::string(kSource) +
                      "      campaign_id: c\nattribution: {conversion_counting: {lead: two}}\n",
                  "a.yaml:8:43: lead 'two' is not known; known: every, one"},
        BadConfig{"an_endpoint_without_a_source",
                  std::string(kSource) + "      campaign_id: c\nserve: {pixel: {}}\n",
                  "a.yaml:8:16: pixel has no source; write source: impressions"},
        BadConfig{"an_endpoint_of_no_source",
                  std::string(kSource) + "      campaign_id: c\nserve: {pixel: {source: t}}\n",
                  "a.yaml:8:16: there is no source 't'; write the name of one in sources"},
        BadConfig{"an_endpoint_of_files",
                  std::string(kSource) + "      campaign_id: c\nserve: {pixel: {source: s}}\n",
                  "a.yaml:8:16: the source s takes no JSON over HTTP; write http: true and format: "
                  "json in it"},
        BadConfig{
            "a_click_without_a_key",
            "sources: [{name: s, http: true, format: json, kind: click, fields: {campaign_id: "
            "c}}]\nserve: {click: {source: s}}\n",
            "a.yaml:2:16: a click needs a key that signs its destination; write signing_keys: "
            "[{file: signing.key}]; openssl rand -hex 32 makes one"},
        BadConfig{
            "a_signature_without_a_key",
            "sources: [{name: s, http: true, format: json, kind: click, fields: {campaign_id: "
            "c}}]\nserve: {postback: {source: s, access: signature}}\n",
            "a.yaml:2:19: access: signature needs a key; write signing_keys: [{file: "
            "signing.key}]; openssl rand -hex 32 makes one"},
        BadConfig{"a_key_that_is_nowhere",
                  std::string(kSource) + "      campaign_id: c\nserve: {signing_keys: [{}]}\n",
                  "a.yaml:8:24: a signing key is in a file or in a variable of the environment; "
                  "write {file: signing.key} or {variable: ADWEAVE_SIGNING_KEY}"},
        BadConfig{"a_log_of_no_level",
                  std::string(kSource) + "      campaign_id: c\nserve: {log: {level: loud}}\n",
                  "a.yaml:8:22: level 'loud' is not known; known: debug, info, warning, error"},
        BadConfig{"bad_number",
                  std::string(kSource) + "      campaign_id: c\nlimits: {slice_bytes: many}\n",
                  "a.yaml:8:23: slice_bytes 'many' is no number; write a whole number above 0, or "
                  "one with a unit: "
                  "KiB MiB"},
        BadConfig{
            "a_topic_that_is_none",
            "sources: [{name: s, kafka: 'a b', format: json, kind: click, fields: {campaign_id: "
            "c}}]\nkafka: {brokers: a}\n",
            "a.yaml:1:28: no name of a topic: 'a b'; a topic's name has letters, digits, '.', "
            "'_' and '-', 249 at most"},
        BadConfig{
            "a_topic_without_brokers",
            "sources: [{name: s, kafka: t, format: json, kind: click, fields: {campaign_id: "
            "c}}]\nkafka: {group: g}\n",
            "a.yaml:2:8: sources read topics, and there are no brokers; write kafka: {brokers: "
            "\"kafka-1:9092\"}"},
        BadConfig{"two_sources_of_a_topic",
                  "sources: [{name: s, kafka: t, format: json, kind: click, fields: {campaign_id: "
                  "c}}, {name: r, kafka: t, format: json, kind: click, fields: {campaign_id: "
                  "c}}]\nkafka: {brokers: a}\n",
                  "a.yaml:1:1: two sources read the topic t; make them one source whose rows tell "
                  "the kinds apart (when: ...)"},
        BadConfig{"a_share_that_is_none",
                  "sources: [{name: s, kafka: t, format: json, kind: click, fields: {campaign_id: "
                  "c}}]\nkafka: {brokers: a, share: 8/8}\n",
                  "a.yaml:2:8: no share: 8/8; write NUMBER/COUNT, the first of eight is 0/8"},
        BadConfig{"results_that_go_in_again",
                  "sources: [{name: s, kafka: t, format: json, kind: click, fields: {campaign_id: "
                  "c}}]\nkafka: {brokers: a, produce: {results: t}}\n",
                  "a.yaml:2:30: a source reads the topic t, and it is written; write another one: "
                  "else what comes out goes in again"},
        BadConfig{"results_and_rejects_in_one_topic",
                  "sources: [{name: s, kafka: t, format: json, kind: click, fields: {campaign_id: "
                  "c}}]\nkafka: {brokers: a, produce: {results: r, rejects: r}}\n",
                  "a.yaml:2:30: results and rejects have one topic; write two"},
        BadConfig{"nothing_to_produce",
                  "sources: [{name: s, kafka: t, format: json, kind: click, fields: {campaign_id: "
                  "c}}]\nkafka: {brokers: a, produce: {from: end}}\n",
                  "a.yaml:2:30: produce has no topic; write produce: {results: TOPIC}"},
        BadConfig{"results_of_a_table_that_has_none",
                  "sources: [{name: s, kafka: t, format: json, kind: click, fields: {campaign_id: "
                  "c}}]\nkafka: {brokers: a, produce: {results: r, tables: [audit]}}\n",
                  "a.yaml:2:51: no table of results: audit; there are impressions, clicks, "
                  "conversions, bid_requests, engagements, auction_outcomes, credits_log, facts"},
        BadConfig{"a_reason_that_is_none",
                  "sources: [{name: s, kafka: t, format: json, kind: click, fields: {campaign_id: "
                  "c}}]\nkafka: {brokers: a, produce: {retry: true, reasons: [bad]}}\n",
                  "a.yaml:2:53: no reason of a reject: bad; docs/reference/rejects.md lists them"},
        BadConfig{"a_place_to_begin_that_is_none",
                  "sources: [{name: s, kafka: t, format: json, kind: click, fields: {campaign_id: "
                  "c}}]\nkafka: {brokers: a, produce: {results: r, from: 0}}\n",
                  "a.yaml:2:49: from says where a topic begins, not '0'; write beginning, end or "
                  "the number of a commit"},
        BadConfig{
            "retry_without_a_topic",
            "sources: [{name: s, http: true, format: json, kind: click, fields: {campaign_id: "
            "c}}]\nkafka: {brokers: a, produce: {retry: true}}\n",
            "a.yaml:2:30: no source reads a topic whose rejects could be tried again; leave "
            "out retry"},
        BadConfig{
            "produce_without_brokers",
            "sources: [{name: s, http: true, format: json, kind: click, fields: {campaign_id: "
            "c}}]\nkafka: {produce: {results: r}}\n",
            "a.yaml:2:8: produce writes topics, and there are no brokers; write kafka: "
            "{brokers: \"kafka-1:9092\"}"},
        BadConfig{"a_key_of_produce_that_is_none",
                  "sources: [{name: s, kafka: t, format: json, kind: click, fields: {campaign_id: "
                  "c}}]\nkafka: {brokers: a, produce: {results: r, reject: d}}\n",
                  "a.yaml:2:43: unknown key 'reject' in produce; did you mean 'rejects'?"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Config, TheMappingsHashFollowsTheMappingAlone) {
  const auto hash = [](const std::string& tail) {
    return load(std::string(kSource) + tail).job.sources[0].mapping;
  };
  EXPECT_EQ(hash("      campaign_id: c\n"),
            hash("      campaign_id: c   # a comment\ntime_zone: Asia/Tokyo\n"));
  EXPECT_NE(hash("      campaign_id: c\n"), hash("      campaign_id: d\n"));
}

constexpr const char* kKafkaRest = "format: json, kind: click, fields: {campaign_id: c}}";

TEST(Config, ATopicOfKafkaAndItsCluster) {
  const Config config =
      load(std::string("sources:\n  - {name: s, kafka: {topic: t, from: end, lost: accept}, ") +
           kKafkaRest +
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

TEST(Config, WhatIsProduced) {
  const auto produce = [](const std::string& text) {
    const Config config = load(std::string("sources:\n  - {name: s, kafka: t, ") + kKafkaRest +
                               "\nkafka: {brokers: a, produce: " + text + "}\n");
    EXPECT_TRUE(config.problems.empty()) << problem_text("", config.problems[0]);
    return config.job.kafka_produce;
  };
  const source::KafkaProduce all = produce(
      "{results: r, tables: clicks, rejects: d, retry: .again, reasons: unknown_schema, "
      "from: 7, properties: {compression.codec: zstd}}");
  EXPECT_EQ(all.results, "r");
  EXPECT_EQ(all.tables, std::set<std::string>{"clicks"});
  EXPECT_EQ(all.rejects, "d");
  EXPECT_EQ(all.retry, ".again");
  EXPECT_EQ(all.reasons, std::set<std::string>{"unknown_schema"});
  EXPECT_EQ(all.from, 7);
  EXPECT_EQ(all.properties.at("compression.codec"), "zstd");
  const source::KafkaProduce usual = produce("{results: r, retry: true, from: end}");
  EXPECT_EQ(usual.tables.size(), 8U);
  EXPECT_EQ(usual.retry, ".retry");
  EXPECT_EQ(usual.reasons.size(), 3U);
  EXPECT_TRUE(usual.from_end);
  EXPECT_FALSE(usual.from);
}

TEST(Config, TheTopicIsNoPartOfTheMapping) {
  const auto hash = [](const std::string& where) {
    return load("sources:\n  - {name: s, " + where + ", " + kKafkaRest + "\nkafka: {brokers: a}\n")
        .job.sources[0]
        .mapping;
  };
  EXPECT_EQ(hash("kafka: t"), hash("files: a.json"));
}

}  // namespace
}  // namespace adweave::app
