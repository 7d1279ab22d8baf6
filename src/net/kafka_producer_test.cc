// SPDX-License-Identifier: Apache-2.0
// Against brokers inside the test. They know no aborted transactions and do not keep a
// transaction's offsets: those are tested with a real cluster
// (tests/integration/peers/test_kafka.py).
#include "net/kafka_producer.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "tests/support/kafka_cluster.h"

namespace adweave::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::KafkaCluster;

KafkaOptions producer_options(const KafkaCluster& cluster, const std::string& name) {
  return {.properties = {{"bootstrap.servers", cluster.brokers()}, {"fetch.wait.max.ms", "10"}},
          .answer_us = 20 * limits::kSecondUs,
          .queue_bytes = limits::kMiB,
          .message_bytes_max = limits::kMiB,
          .transactional_id = name};
}

std::unique_ptr<KafkaProducer> must_open(const KafkaOptions& options) {
  auto opened = KafkaProducer::open(options, [] { return false; });
  if (!opened) ADD_FAILURE() << opened.error().message;
  return opened ? *std::move(opened) : nullptr;
}

// "key=value" of all messages, of all partitions.
std::vector<std::string> messages_of(const KafkaCluster& cluster, const std::string& topic,
                                     size_t count) {
  const auto consumer = *KafkaConsumer::open(producer_options(cluster, ""));
  std::vector<std::string> messages;
  const Result<std::vector<int32_t>> partitions = consumer->partitions(topic);
  for (const int32_t partition : *partitions) EXPECT_TRUE(consumer->start(topic, partition, 0));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (messages.size() < count && std::chrono::steady_clock::now() < end) {
    consumer->poll(
        1000,
        [&](const KafkaMessage& message) {
          messages.push_back(fmt::format("{}={}", message.key, message.value));
        },
        [](const std::string&, int32_t, const Error& error) { ADD_FAILURE() << error.message; },
        [](const Error&) {});
  }
  std::sort(messages.begin(), messages.end());
  return messages;
}

struct KafkaProducerTest : testing::Test {
  static void SetUpTestSuite() {
    shared = std::make_unique<KafkaCluster>();
    shared->hide_topic("missing");
  }
  static void TearDownTestSuite() { shared.reset(); }
  static std::unique_ptr<KafkaCluster> shared;
  KafkaCluster& cluster = *shared;
};
std::unique_ptr<KafkaCluster> KafkaProducerTest::shared;

TEST_F(KafkaProducerTest, WhatIsSentIsThereAfterTheCommit) {
  cluster.create_topic("p1", 2);
  cluster.create_topic("p2", 1);
  {
    const auto producer = must_open(producer_options(cluster, "one"));
    const auto begun = producer->begin({"p1", "p2"});
    ASSERT_TRUE(begun) << begun.error().message;
    EXPECT_FALSE((*begun)[0] || (*begun)[1]);
    for (int i = 0; i < 3; ++i) {
      const std::string key = fmt::format("k{}", i);
      ASSERT_TRUE(producer->send({"p1", key, "v", {{"reason", "bad_time"}}}));
    }
    ASSERT_TRUE(producer->send({"p2", std::nullopt, "w", {}}));
    const Status committed = producer->commit({{"p1", 8, "mark one"}, {"p2", 5, ""}});
    ASSERT_TRUE(committed) << committed.error().message;
    ASSERT_TRUE(producer->commit({{"p1", 9, "mark two"}}));  // no messages
  }
  EXPECT_THAT(messages_of(cluster, "p1", 3), ElementsAre("k0=v", "k1=v", "k2=v"));
  EXPECT_THAT(messages_of(cluster, "p2", 1), ElementsAre("=w"));
  const auto other = must_open(producer_options(cluster, "two"));
  const auto nothing = other->begin({"p1"});
  ASSERT_TRUE(nothing) << nothing.error().message;
  EXPECT_FALSE((*nothing)[0]);
}

TEST_F(KafkaProducerTest, ATopicIsNotMade) {
  const auto producer = must_open(producer_options(cluster, "no topic"));
  const auto begun = producer->begin({"missing"});
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, ErrorCode::not_found);
}

TEST_F(KafkaProducerTest, TheKeyOfARecord) {
  cluster.create_topic("keys", 1);
  cluster.produce("keys", 0, {{.value = "a", .key = "k"}, {.value = "b"}});
  const auto producer = must_open(producer_options(cluster, "keys"));
  EXPECT_EQ(*producer->key_at("keys", 0, 0), "k");
  EXPECT_EQ(*producer->key_at("keys", 0, 1), std::nullopt);
  cluster.create_topic("others", 2);
  cluster.produce("others", 1, {{.value = "a", .key = "k0"}, {.value = "b", .key = "k1"}});
  cluster.produce("others", 1, {{.value = "c", .key = "k2"}});
  for (const int64_t offset : {1, 2, 0, 1}) {
    EXPECT_EQ(*producer->key_at("others", 1, offset), fmt::format("k{}", offset));
    EXPECT_EQ(*producer->key_at("others", 0, offset), std::nullopt);
  }
  EXPECT_EQ(*producer->key_at("keys", 0, 7), std::nullopt);
  EXPECT_EQ(*producer->key_at("missing", 0, 0), std::nullopt);
}

TEST_F(KafkaProducerTest, AMessageThatIsTooLongIsAnError) {
  cluster.create_topic("long", 1);
  const auto producer = must_open(producer_options(cluster, "long"));
  ASSERT_TRUE(producer->begin({"long"}));
  const Status sent = producer->send({"long", std::nullopt, std::string(2'000'000, 'x'), {}});
  ASSERT_FALSE(sent);
  EXPECT_THAT(sent.error().message, HasSubstr("2000000 bytes is too long"));
}

TEST_F(KafkaProducerTest, WhatMakesItExactIsNotChanged) {
  for (const auto& [name, value] :
       std::map<std::string, std::string>{{"transactional.id", "mine"},
                                          {"enable.idempotence", "false"},
                                          {"no.such.property", "1"}}) {
    KafkaOptions options = producer_options(cluster, "fixed");
    options.properties[name] = value;
    const auto opened = KafkaProducer::open(options, [] { return false; });
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().code, ErrorCode::config);
    EXPECT_THAT(opened.error().message, HasSubstr(name));
  }
}

// A coordinator that is found when it has been asked for in vain once.
TEST(KafkaProducer, ASlowClusterIsWaitedFor) {
  KafkaCluster cluster;
  cluster.create_topic("t", 1);
  cluster.slow_down(1, std::chrono::milliseconds(150));
  const auto producer = must_open(producer_options(cluster, "slow"));
  const auto begun = producer->begin({"t"});
  EXPECT_TRUE(begun) << begun.error().message;
}

TEST(KafkaProducer, WithoutABrokerItGivesUpSoon) {
  KafkaCluster cluster;
  cluster.create_topic("t", 1);
  const auto producer = must_open(producer_options(cluster, "away"));
  ASSERT_TRUE(producer->begin({"t"}));
  cluster.take_down(1);
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(producer->send({"t", std::nullopt, "v", {}}));
  const Status committed = producer->commit({{"t", 1, ""}});
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, ErrorCode::io);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(15));
}

TEST(KafkaProducer, ItGivesUpWhenItIsToldTo) {
  KafkaCluster cluster;
  cluster.create_topic("t", 1);
  std::atomic<bool> is_ending = false;
  auto opened =
      KafkaProducer::open(producer_options(cluster, "told"), [&] { return is_ending.load(); });
  ASSERT_TRUE(opened);
  ASSERT_TRUE((*opened)->begin({"t"}));
  cluster.take_down(1);
  is_ending = true;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE((*opened)->commit({{"t", 1, ""}}));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

}  // namespace
}  // namespace adweave::net
