// SPDX-License-Identifier: Apache-2.0
#include "net/kafka_consumer.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "tests/support/kafka_cluster.h"

namespace adweave::net {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::KafkaCluster;
using tests::KafkaTestMessage;

constexpr auto kWait = std::chrono::seconds(20);  // for what must come

KafkaOptions options_for(const std::string& brokers) {
  return {.properties = {{"bootstrap.servers", brokers}, {"fetch.wait.max.ms", "10"}},
          .group = "",
          .answer_us = 20 * limits::kSecondUs,
          .queue_bytes = limits::kMiB,
          .message_bytes_max = limits::kMiB};
}

std::unique_ptr<KafkaConsumer> open(const KafkaOptions& options) {
  auto opened = KafkaConsumer::open(options);
  if (!opened) {
    ADD_FAILURE() << opened.error().message;
    return nullptr;
  }
  return *std::move(opened);
}

// A message, copied: "partition:offset key=value @microseconds".
std::string text_of(const KafkaMessage& message) {
  return fmt::format("{}:{} {}={} @{}", message.partition, message.offset, message.key,
                     message.has_value ? message.value : "(none)", message.timestamp_us);
}

// A consumer, and all that it has told so far.
class Reader {
 public:
  // Asks once, so that the client is connected: else it looks for a topic's partitions when a
  // second is over.
  explicit Reader(const KafkaOptions& options) : consumer(open(options)) {
    EXPECT_FALSE(consumer->partitions("missing"));
  }

  size_t poll(size_t most = 1000) {
    return consumer->poll(
        most, [&](const KafkaMessage& message) { messages.push_back(text_of(message)); },
        [&](const std::string& topic, int32_t partition, const Error& error) {
          ended.push_back(fmt::format("{}:{} {}", topic, partition, error.message));
          ended_as.push_back(error.code);
        },
        [&](const Error& error) { troubles.push_back(error.message); });
  }

  // Polls until it is so.
  void until(const std::function<bool()>& is_so) {
    const auto end = std::chrono::steady_clock::now() + kWait;
    while (!is_so()) {
      if (poll() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      if (std::chrono::steady_clock::now() < end) continue;
      FAIL() << "it did not come; " << messages.size() << " messages, "
             << testing::PrintToString(ended) << ", " << testing::PrintToString(troubles);
    }
  }
  void until_messages(size_t count) {
    until([&] { return messages.size() >= count; });
  }

  std::unique_ptr<KafkaConsumer> consumer;
  std::vector<std::string> messages, ended, troubles;
  std::vector<ErrorCode> ended_as;
};

std::vector<KafkaTestMessage> numbered(int from, int to) {
  std::vector<KafkaTestMessage> messages;
  for (int i = from; i < to; ++i)
    messages.push_back({.value = fmt::format("value {}", i), .key = "k"});
  return messages;
}

// "0:FROM k=value FROM ...", as Reader tells of numbered(from, to) at offset `from`.
std::vector<std::string> texts(int from, int to) {
  std::vector<std::string> all;
  for (int i = from; i < to; ++i) {
    all.push_back(fmt::format("0:{} k=value {} @1698850000000000", i, i));
  }
  return all;
}

// One cluster for all of them: to end one takes a second. Each test has a topic of its own.
struct KafkaConsumerTest : testing::Test {
  static void SetUpTestSuite() {
    shared = std::make_unique<KafkaCluster>();
    shared->hide_topic("missing");
  }
  static void TearDownTestSuite() { shared.reset(); }

  KafkaConsumerTest() : events(testing::UnitTest::GetInstance()->current_test_info()->name()) {
    cluster.create_topic(events, 2);
  }

  // "topic EVENTS, partition N"
  std::string place(int partition) const {
    return fmt::format("topic {}, partition {}", events, partition);
  }

  static std::unique_ptr<KafkaCluster> shared;
  KafkaCluster& cluster = *shared;
  const std::string events;
};

std::unique_ptr<KafkaCluster> KafkaConsumerTest::shared;

TEST_F(KafkaConsumerTest, PartitionsComeInOrderWithKeysAndTimes) {
  cluster.produce(events, 0,
                  {{.value = "a", .key = "x", .timestamp_ms = 1},
                   {.value = "", .key = "y", .timestamp_ms = 5}});
  cluster.produce(events, 1, {{.value = std::nullopt, .key = "z", .timestamp_ms = 7}});
  cluster.produce(events, 0, {{.value = "c", .key = "", .timestamp_ms = 1'698'850'000'001}});
  Reader reader(options_for(cluster.brokers()));
  ASSERT_TRUE(reader.consumer->start(events, 0, 0));
  reader.until_messages(3);
  ASSERT_TRUE(reader.consumer->start(events, 1, 0));
  reader.until_messages(4);
  EXPECT_THAT(reader.messages, ElementsAre("0:0 x=a @1000", "0:1 y= @5000",
                                           "0:2 =c @1698850000001000", "1:0 z=(none) @7000"));
  EXPECT_EQ(reader.consumer->high(events, 0), 3);
  EXPECT_EQ(reader.consumer->high(events, 7), -1);
  EXPECT_THAT(reader.ended, IsEmpty());
}

TEST_F(KafkaConsumerTest, EveryCodecIsRead) {
  int next = 0;
  for (const char* codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    cluster.produce(events, 0, numbered(next, next + 200), codec);
    next += 200;
  }
  Reader reader(options_for(cluster.brokers()));
  ASSERT_TRUE(reader.consumer->start(events, 0, 0));
  reader.until_messages(1000);
  EXPECT_EQ(reader.messages, texts(0, 1000));
}

TEST_F(KafkaConsumerTest, StartsAndStopsAnywhere) {
  cluster.produce(events, 0, numbered(0, 10));
  Reader reader(options_for(cluster.brokers()));
  ASSERT_TRUE(reader.consumer->start(events, 0, 7));
  reader.until_messages(3);
  EXPECT_EQ(reader.messages, texts(7, 10));
  ASSERT_TRUE(reader.consumer->stop(events, 0));
  ASSERT_TRUE(reader.consumer->stop(events, 0));  // does nothing
  cluster.produce(events, 0, numbered(10, 11));
  ASSERT_TRUE(reader.consumer->start(events, 0, 2));
  reader.until_messages(3 + 9);
  EXPECT_EQ(std::vector(reader.messages.begin() + 3, reader.messages.end()), texts(2, 11));
}

TEST_F(KafkaConsumerTest, GivesNoMoreThanIsAskedForAndNothingOfAStoppedPartition) {
  cluster.produce(events, 0, numbered(0, 10));
  Reader reader(options_for(cluster.brokers()));
  ASSERT_TRUE(reader.consumer->start(events, 0, 0));
  while (reader.poll(3) == 0) std::this_thread::yield();
  EXPECT_LE(reader.messages.size(), 3U);
  reader.until_messages(10);

  ASSERT_TRUE(reader.consumer->stop(events, 0));
  ASSERT_TRUE(reader.consumer->start(events, 0, 0));
  int taken = 0;
  const auto take = [&](const KafkaMessage&) {
    ++taken;
    EXPECT_TRUE(reader.consumer->stop(events, 0));
  };
  const auto ended = [](const std::string&, int32_t, const Error&) {};
  while (reader.consumer->poll(100, take, ended, [](const Error&) {}) == 0)
    std::this_thread::yield();
  EXPECT_EQ(taken, 1);
}

TEST_F(KafkaConsumerTest, AnOffsetOutOfRangeEndsThePartition) {
  cluster.produce(events, 0, numbered(0, 10));
  cluster.produce(events, 1, numbered(0, 1));
  Reader reader(options_for(cluster.brokers()));
  ASSERT_TRUE(reader.consumer->start(events, 0, 12));
  reader.until([&] { return !reader.ended.empty(); });
  EXPECT_THAT(reader.ended,
              ElementsAre(AllOf(HasSubstr(events + ":0 "),
                                HasSubstr(place(0) + ": offset 12 is out of range"))));
  EXPECT_THAT(reader.ended_as, ElementsAre(ErrorCode::not_found));
  ASSERT_TRUE(reader.consumer->start(events, 1, 0));  // the other goes on
  reader.until_messages(1);
  ASSERT_TRUE(reader.consumer->start(events, 0, 9));  // and it can be begun again
  reader.until_messages(2);
}

TEST_F(KafkaConsumerTest, AnOffsetThatIsNoLongerKeptEndsThePartition) {
  for (int i = 0; i < 8; ++i) {  // it keeps 5 MB
    cluster.produce(events, 0, {{.value = std::string(900'000, 'x'), .key = ""}});
  }
  Reader reader(options_for(cluster.brokers()));
  const auto offsets = reader.consumer->offsets(events, 0);
  ASSERT_TRUE(offsets) << offsets.error().message;
  EXPECT_GT(offsets->low, 0);
  EXPECT_EQ(offsets->high, 8);
  ASSERT_TRUE(reader.consumer->start(events, 0, 0));
  reader.until([&] { return !reader.ended.empty(); });
  EXPECT_THAT(reader.ended, ElementsAre(HasSubstr("offset 0 is out of range")));
  EXPECT_THAT(reader.messages, IsEmpty());
}

TEST_F(KafkaConsumerTest, AMessageThatIsTooLongEndsThePartition) {
  cluster.produce(
      events, 0,
      {{.value = std::string(10, 'x')}, {.value = std::string(200, 'x')}, {.value = "c"}});
  KafkaOptions options = options_for(cluster.brokers());
  options.message_bytes_max = 100;
  Reader reader(options);
  ASSERT_TRUE(reader.consumer->start(events, 0, 0));
  reader.until([&] { return !reader.ended.empty(); });
  EXPECT_THAT(reader.ended,
              ElementsAre(HasSubstr("the message at offset 1 has 200 bytes, more than 100")));
  EXPECT_EQ(reader.messages.size(), 1U);
}

TEST_F(KafkaConsumerTest, WhatIsForbiddenEndsThePartitionAndWhatPassesDoesNot) {
  cluster.produce(events, 0, numbered(0, 3));
  Reader reader(options_for(cluster.brokers()));
  cluster.fail_fetches({-1});
  ASSERT_TRUE(reader.consumer->start(events, 0, 0));
  reader.until_messages(3);
  EXPECT_THAT(reader.troubles, ElementsAre(HasSubstr(place(0))));
  EXPECT_THAT(reader.ended, IsEmpty());
  ASSERT_TRUE(reader.consumer->stop(events, 0));
  cluster.fail_fetches({29});
  ASSERT_TRUE(reader.consumer->start(events, 0, 0));
  reader.until([&] { return !reader.ended.empty(); });
  EXPECT_THAT(reader.ended, ElementsAre(HasSubstr(place(0) + ": not allowed")));
}

TEST_F(KafkaConsumerTest, ATopicThatGoesEndsItsPartitions) {
  cluster.produce(events, 0, numbered(0, 3));
  KafkaOptions options = options_for(cluster.brokers());
  options.properties["topic.metadata.refresh.interval.ms"] = "50";
  Reader reader(options);
  ASSERT_TRUE(reader.consumer->start(events, 0, 0));
  ASSERT_TRUE(reader.consumer->start(events, 1, 0));
  reader.until_messages(3);
  cluster.hide_topic(events);
  reader.until([&] { return reader.ended.size() == 2; });
  EXPECT_THAT(reader.ended, testing::UnorderedElementsAre(HasSubstr(place(0) + ": there is none"),
                                                          HasSubstr(place(1) + ": there is none")));
  EXPECT_THAT(reader.ended_as, ElementsAre(ErrorCode::not_found, ErrorCode::not_found));
}

TEST_F(KafkaConsumerTest, TellsOfTopicsAndTheirPartitions) {
  cluster.produce(events, 1, numbered(0, 4));
  const auto consumer = open(options_for(cluster.brokers()));
  const auto partitions = consumer->partitions(events);
  ASSERT_TRUE(partitions) << partitions.error().message;
  EXPECT_THAT(*partitions, ElementsAre(0, 1));
  const auto offsets = consumer->offsets(events, 1);
  ASSERT_TRUE(offsets) << offsets.error().message;
  EXPECT_EQ(offsets->low, 0);
  EXPECT_EQ(offsets->high, 4);
  const auto compacted = consumer->is_compacted(events);  // this cluster cannot tell
  ASSERT_TRUE(compacted) << compacted.error().message;
  EXPECT_FALSE(*compacted);
}

TEST_F(KafkaConsumerTest, AnUnknownTopicIsNotFound) {
  const auto consumer = open(options_for(cluster.brokers()));
  const auto partitions = consumer->partitions("missing");
  ASSERT_FALSE(partitions);
  EXPECT_EQ(partitions.error().code, ErrorCode::not_found);
  EXPECT_THAT(partitions.error().message, HasSubstr("topic missing"));
  const auto offsets = consumer->offsets(events, 9);
  ASSERT_FALSE(offsets);
  EXPECT_EQ(offsets.error().code, ErrorCode::not_found);
  EXPECT_THAT(offsets.error().message, HasSubstr(place(9)));
}

// An answer may take an hour: it is not what ends the wait.
TEST(KafkaConsumerOpenTest, NobodyThatListensIsToldEarly) {
  KafkaOptions options = options_for("127.0.0.1:1");
  options.answer_us = 3600 * limits::kSecondUs;
  const auto consumer = open(options);
  const auto check = [](const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::io);
    EXPECT_THAT(error.message, HasSubstr("Connection refused"));
    EXPECT_THAT(error.fix, HasSubstr("127.0.0.1:1"));
    EXPECT_EQ(error.recovery, Recovery::retry);
  };
  std::thread looking([&] { check(consumer->read_at("events", 0, 1).error()); });
  std::thread counting([&] { check(consumer->offsets("events", 0).error()); });
  check(consumer->partitions("events").error());
  looking.join();
  counting.join();
}

TEST_F(KafkaConsumerTest, ABrokerThatComesBackLosesNothing) {
  cluster.produce(events, 0, numbered(0, 100));
  Reader reader(options_for(cluster.brokers()));
  ASSERT_TRUE(reader.consumer->start(events, 0, 0));
  reader.until_messages(50);
  for (int round = 1; round < 4; ++round) {
    cluster.take_down(1);
    reader.until([&] { return reader.troubles.size() >= static_cast<size_t>(round); });
    cluster.bring_up(1);
    cluster.produce(events, 0, numbered(round * 100, round * 100 + 100));
    reader.until_messages(static_cast<size_t>(round) * 100 + 100);
    EXPECT_TRUE(reader.consumer->partitions(events));
  }
  EXPECT_EQ(reader.messages, texts(0, 400));
  EXPECT_THAT(reader.ended, IsEmpty());
}

TEST_F(KafkaConsumerTest, AQuestionEndsWhenItsBrokerHasGone) {
  const auto consumer = open(options_for(cluster.brokers()));
  EXPECT_TRUE(consumer->offsets(events, 0));
  cluster.take_down(1);
  const auto offsets = consumer->offsets(events, 0);
  ASSERT_FALSE(offsets);
  EXPECT_EQ(offsets.error().code, ErrorCode::io);
  cluster.bring_up(1);
  EXPECT_TRUE(consumer->offsets(events, 0));
}

TEST_F(KafkaConsumerTest, ARecordIsReadWhileOthersAreFetched) {
  cluster.produce(events, 0, numbered(0, 100), "zstd");
  Reader reader(options_for(cluster.brokers()));
  ASSERT_TRUE(reader.consumer->start(events, 0, 0));
  reader.until_messages(1);
  const auto found = reader.consumer->read_at(events, 0, 57);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->offset, 57);
  EXPECT_EQ((*found)->timestamp_us, 1'698'850'000'000'000);
  EXPECT_EQ((*found)->key, "k");
  EXPECT_EQ((*found)->value, "value 57");
  EXPECT_TRUE((*found)->has_value);
  for (const int64_t offset : {100, 101, -1}) {
    const auto none = reader.consumer->read_at(events, 0, offset);
    ASSERT_TRUE(none) << none.error().message;
    EXPECT_FALSE(none->has_value());
  }
  for (const auto& [topic, partition] :
       {std::pair(events, 5), std::pair(std::string("missing"), 0)}) {
    const auto missing = reader.consumer->read_at(topic, partition, 0);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::not_found) << missing.error().message;
  }
  reader.until_messages(100);
  EXPECT_EQ(reader.messages, texts(0, 100));
}

TEST_F(KafkaConsumerTest, HintsBecomeTheGroupsOffsets) {
  cluster.produce(events, 0, numbered(0, 5));
  KafkaOptions options = options_for(cluster.brokers());
  options.group = "adweave";
  {
    Reader reader(options);
    ASSERT_TRUE(reader.consumer->start(events, 0, 0));
    reader.until_messages(5);
    reader.consumer->hint(events, 0, 3);
    reader.consumer->hint(events, 1, 0);
    reader.until([&] { return cluster.committed("adweave", events, 0) == 3; });
    EXPECT_EQ(cluster.committed("adweave", events, 1), 0);
    reader.consumer->hint(events, 0, 4);
    reader.consumer->hint(events, 0, 5);
  }  // what is not sent yet is sent
  EXPECT_EQ(cluster.committed("adweave", events, 0), 5);
}

TEST_F(KafkaConsumerTest, AHintThatFailsIsTroubleOnce) {
  KafkaOptions options = options_for(cluster.brokers());
  options.group = "adweave";
  Reader reader(options);
  cluster.fail_commits({30});
  reader.consumer->hint(events, 0, 3);
  reader.until([&] { return !reader.troubles.empty(); });
  EXPECT_THAT(reader.troubles, ElementsAre(HasSubstr("group adweave: its offsets do not follow")));
  reader.until([&] { return cluster.committed("adweave", events, 0) == 3; });  // tried again
}

TEST_F(KafkaConsumerTest, WithoutAGroupHintsGoNowhere) {
  Reader reader(options_for(cluster.brokers()));
  reader.consumer->hint(events, 0, 3);
  reader.poll();
  EXPECT_THAT(reader.troubles, IsEmpty());
}

TEST_F(KafkaConsumerTest, OtherThreadsMayAskMeanwhile) {
  cluster.produce(events, 0, numbered(0, 500));
  cluster.produce(events, 1, numbered(0, 500));
  Reader reader(options_for(cluster.brokers()));
  ASSERT_TRUE(reader.consumer->start(events, 0, 0));
  std::atomic<bool> done = false;
  std::thread asking([&] {
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(reader.consumer->offsets(events, 0));
      EXPECT_TRUE(reader.consumer->read_at(events, 0, i));
      EXPECT_TRUE(reader.consumer->start(events, 1, 0));
      EXPECT_TRUE(reader.consumer->stop(events, 1));
    }
    EXPECT_TRUE(reader.consumer->start(events, 1, 0));
    done = true;
  });
  reader.until([&] { return done.load(); });
  asking.join();
  reader.until_messages(1000);
  std::vector<std::string> of_first;
  for (const std::string& message : reader.messages) {
    if (message.starts_with("0:")) of_first.push_back(message);
  }
  EXPECT_EQ(of_first, texts(0, 500));
}

std::string refused(const std::string& name, const std::string& value) {
  KafkaOptions options = options_for("127.0.0.1:1");
  options.properties[name] = value;
  const auto opened = KafkaConsumer::open(options);
  if (opened) return "";
  EXPECT_EQ(opened.error().code, ErrorCode::config);
  return opened.error().message;
}

TEST(KafkaConsumerOpenTest, AWrongPropertyIsNamed) {
  EXPECT_THAT(refused("no.such", "1"), HasSubstr("no.such"));
  EXPECT_THAT(refused("security.protocol", "TLS"), HasSubstr("security.protocol"));
  EXPECT_THAT(refused("fetch.min.bytes", "-1"), HasSubstr("fetch.min.bytes"));
  EXPECT_THAT(refused("security.protocol", "SASL_PLAINTEXT"), HasSubstr("sasl"));
  KafkaOptions options = options_for("127.0.0.1:1");
  options.properties["security.protocol"] = "SSL";
  options.properties["ssl.ca.location"] = "missing.pem";
  const auto opened = KafkaConsumer::open(options);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("ssl.ca.location"));
  options.properties.clear();
  EXPECT_THAT(KafkaConsumer::open(options).error().message, HasSubstr("bootstrap.servers"));
}

TEST(KafkaConsumerOpenTest, WhatMakesThePositionsOursCannotBeChanged) {
  EXPECT_THAT(refused("enable.auto.commit", "true"),
              HasSubstr("enable.auto.commit: is false here"));
  EXPECT_THAT(refused("auto.offset.reset", "latest"), HasSubstr("auto.offset.reset"));
  EXPECT_THAT(refused("isolation.level", "read_uncommitted"), HasSubstr("isolation.level"));
  EXPECT_THAT(refused("check.crcs", "false"), HasSubstr("check.crcs"));
  EXPECT_THAT(refused("group.id", "other"), HasSubstr("group.id"));
  EXPECT_EQ(refused("enable.auto.commit", "false"), "");
}

}  // namespace
}  // namespace adweave::net
