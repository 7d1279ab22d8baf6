// SPDX-License-Identifier: Apache-2.0
// A running server that reads Kafka, against brokers inside the test.
#include <atomic>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "engine/kafka_test_support.h"
#include "engine/live_test_support.h"
#include "net/http_server.h"
#include "registry/remote_schemas.h"

namespace adweave::engine {
namespace {

using tests::KafkaCluster;
using tests::KafkaTestMessage;

// The positions of the impressions by their ids.
std::map<std::string, std::string> positions_of(const SimulatedDisk& disk) {
  const Result<std::string> text = ledger_text(disk, "/data");
  CHECK(text);
  const std::string rows = lines_of(*text, "impressions:");
  const auto value = [&](std::string_view name, size_t from) {
    const size_t begin = rows.find(name, from) + name.size();
    return rows.substr(begin, rows.find_first_of(" \n", begin) - begin);
  };
  std::map<std::string, std::string> positions;
  for (size_t line = 0; line < rows.size(); line = rows.find('\n', line) + 1)
    positions[value(" event_id=", line)] = value(" source_position=", line);
  return positions;
}

void expect_all_once(const SimulatedDisk& disk, int count) {
  const std::multiset<std::string> ids = ids_of(disk, "impressions");
  EXPECT_EQ(ids.size(), static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) EXPECT_EQ(ids.count(fmt::format("i{}", i)), 1U) << i;
}

TEST(KafkaLiveTest, EveryMessageIsCommittedOnceWithItsOffset) {
  KafkaCluster cluster;
  cluster.create_topic(kTopic, 3);
  std::vector<KafkaTestMessage> messages = events(0, 2);
  messages.push_back({.value = event(2) + "\n" + event(3) + "\r\n"});  // two records in a message
  messages.push_back({.value = std::nullopt});
  messages.push_back({.value = ""});
  messages.push_back({.value = event(4) + "\r\n"});
  messages.push_back({.value = "{broken"});
  cluster.produce(kTopic, 1, messages);
  SimulatedDisk disk;
  {
    LiveServer server(disk, kafka_job(cluster));
    server.wait_for_events(6);
    cluster.produce(kTopic, 2, events(5, 3), "gzip");
    server.wait_for_events(9);
    ASSERT_TRUE(server.stop());
  }
  const std::string first = std::string("kafka:") + kTopic + ":1:";
  const std::map<std::string, std::string> expected = {
      {"i0", first + "0"},
      {"i1", first + "1"},
      {"i2", first + "2:0"},
      {"i3", first + fmt::format("2:{}", event(2).size() + 1)},
      {"i4", first + "5"},
      {"i5", std::string("kafka:") + kTopic + ":2:0"},
      {"i6", std::string("kafka:") + kTopic + ":2:1"},
      {"i7", std::string("kafka:") + kTopic + ":2:2"}};
  EXPECT_EQ(positions_of(disk), expected);
  {
    LiveServer again(disk, kafka_job(cluster));
    cluster.produce(kTopic, 0, events(8, 1));
    again.wait_for_events(1);
    ASSERT_TRUE(again.stop());
    EXPECT_EQ(again.commits().back().counts.front().received(), 1);
  }
  expect_all_once(disk, 9);
}

std::string number_of(int64_t value) {  // zig-zag, variable length
  auto rest = static_cast<uint64_t>(value << 1 ^ value >> 63);
  std::string bytes;
  for (; rest >= 0x80; rest >>= 7) bytes += static_cast<char>(rest | 0x80);
  return bytes + static_cast<char>(rest);
}

constexpr const char* kAvroSchema =
    R"({"type":"record","name":"E","fields":[{"name":"id","type":"string"},
    {"name":"t","type":"string"},{"name":"u","type":"string"},{"name":"c","type":"string"}]})";

std::string avro_event(int id, char schema = 7) {
  std::string bytes("\0\0\0\0", 4);
  bytes += schema;
  for (const std::string& text : {fmt::format("i{}", id), std::string(time_of(id % 900)),
                                  fmt::format("u{}", id % 3), std::string("k")})
    bytes += number_of(static_cast<int64_t>(text.size())) + text;
  return bytes;
}

// Single Avro messages that come together are a slice, and give what each gives by itself.
TEST(KafkaLiveTest, AvroMessagesOfASliceAreThoseOfASliceEach) {
  KafkaCluster cluster;
  cluster.create_topic(kTopic, 1);
  std::vector<KafkaTestMessage> messages;
  for (int i = 0; i < 50; ++i) messages.push_back({.value = avro_event(i)});
  messages.push_back({.value = avro_event(50, 8)});  // of an unknown schema
  messages.push_back({.value = avro_event(51) + avro_event(52)});
  messages.push_back({.value = avro_event(53).substr(0, 12)});
  messages.push_back({.value = avro_event(0)});  // a duplicate
  messages.push_back({.value = std::nullopt});
  messages.push_back({.value = avro_event(54)});
  cluster.produce(kTopic, 0, messages);
  Job job = kafka_job(cluster);
  decode::DecoderSpec& decoder = job.sources[0].decoder;
  decoder.format = decode::Format::avro;
  decoder.avro.framing = decode::AvroFraming::confluent;
  decoder.avro.schemas = {{7, kAvroSchema}};
  std::vector<std::string> rows;
  for (const int64_t slice_bytes : {int64_t{1}, int64_t{1} << 20}) {
    job.slice_bytes = slice_bytes;
    SimulatedDisk disk;
    LiveServer server(disk, job);
    server.wait_for_events(56);
    ASSERT_TRUE(server.stop());
    const Result<std::string> text = ledger_text(disk, "/data");
    ASSERT_TRUE(text);
    rows.push_back(lines_of(*text, "impressions:") + lines_of(*text, "rejects:") +
                   lines_of(*text, "duplicates:"));
    const std::string first = std::string("kafka:") + kTopic + ":0:";
    const std::map<std::string, std::string> positions = positions_of(disk);
    EXPECT_EQ(positions.size(), 53U);
    EXPECT_EQ(positions.at("i0"), first + "0#0");
    EXPECT_EQ(positions.at("i49"), first + "49#0");
    EXPECT_EQ(positions.at("i52"), first + fmt::format("51:{}#0", avro_event(51).size()));
    EXPECT_EQ(positions.at("i54"), first + "55#0");
    EXPECT_THAT(rows.back(), testing::HasSubstr("unknown_schema"));
    EXPECT_THAT(rows.back(), testing::HasSubstr(first + "50:0"));
  }
  EXPECT_EQ(rows[0], rows[1]);
}

// Its topic waits, and goes on where it stood; deliveries and other topics do not wait for it.
TEST(KafkaLiveTest, ARegistryThatCannotBeReachedHoldsUpItsTopicAlone) {
  constexpr const char* kOther = "ads.events.click.v1";
  std::atomic<bool> is_up = false;
  const auto registry = net::HttpServer::start({}, [&](const auto&, net::HttpRespond respond) {
    if (!is_up) return respond({503, {}, "not yet"});
    respond({200, {}, JsonValue(JsonValue::Object{{"schema", kAvroSchema}}).dump()});
  });
  ASSERT_TRUE(registry);
  KafkaCluster cluster;
  cluster.create_topic(kTopic, 2);
  cluster.create_topic(kOther, 1);
  SimulatedDisk disk;
  Job job = kafka_job(cluster);
  SourceJob& avro = job.sources[0];
  avro.decoder.format = decode::Format::avro;
  avro.decoder.avro.framing = decode::AvroFraming::confluent;
  avro.decoder.avro.schemas = {{6, kAvroSchema}};
  avro.registry = SchemaRegistry{fmt::format("http://127.0.0.1:{}", (*registry)->port())};
  auto schemas = registry::RemoteSchemas::open(disk, "/fetched", {.url = avro.registry->url});
  ASSERT_TRUE(schemas);
  avro.schemas = *schemas;
  avro.decoder.avro.book = *schemas;
  job.sources[1].kafka = source::KafkaTopic{kOther};
  job.sources[1].decoder.format = decode::Format::csv;
  LiveServer server(disk, job);
  for (int i = 0; i < 40; ++i) {
    const char schema = i < 10 ? 6 : 7;  // which the registry has
    cluster.produce(kTopic, i % 2, {{.value = avro_event(i, schema)}});
  }
  server.wait_for_trouble("503");
  server.deliver({"clicks", "b", kReceived, "id,t,u,c\nc1,2023-11-01T08:00:00Z,u1,camp\n"});
  server.settle();
  EXPECT_LE(ids_of(disk, "impressions").size(), 10U);
  EXPECT_EQ(ids_of(disk, "clicks").size(), 1U);
  is_up = true;
  server.wait_for_events(41);
  ASSERT_TRUE(server.stop());
  expect_all_once(disk, 40);
}

// Two messages that say the same and carry no id are two.
TEST(KafkaLiveTest, EqualMessagesWithoutIdsAreTwo) {
  KafkaCluster cluster;
  cluster.create_topic(kTopic, 1);
  const std::string same = "{\"t\":\"2023-11-01T08:00:00Z\",\"u\":\"a\",\"c\":\"k\"}";
  cluster.produce(kTopic, 0, {{.value = same}, {.value = same}, {.value = same + "\n" + same}});
  SimulatedDisk disk;
  LiveServer server(disk, kafka_job(cluster));
  server.wait_for_events(4);
  ASSERT_TRUE(server.stop());
  const std::multiset<std::string> ids = ids_of(disk, "impressions");
  EXPECT_EQ(ids.size(), 4U);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 4U);
}

TEST(KafkaLiveTest, TheGroupsOffsetsFollow) {
  KafkaCluster cluster;
  cluster.create_topic(kTopic, 1);
  cluster.produce(kTopic, 0, events(0, 7));
  SimulatedDisk disk;
  LiveServer server(disk, kafka_job(cluster));
  server.wait_for_events(7);
  for (int i = 0; i < 1000 && cluster.committed("adweave", kTopic, 0) != 7; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(cluster.committed("adweave", kTopic, 0), 7);
  const std::vector<source::KafkaPartition> partitions = server.live().kafka();
  ASSERT_EQ(partitions.size(), 1U);
  EXPECT_EQ(partitions[0].next, 7);
  EXPECT_EQ(partitions[0].high, 7);
  EXPECT_FALSE(partitions[0].is_stopped);
  ASSERT_TRUE(server.stop());
}

TEST(KafkaLiveTest, LedgersShareTheirPartitions) {
  KafkaCluster cluster;
  cluster.create_topic(kTopic, 4);
  for (int p = 0; p < 4; ++p) cluster.produce(kTopic, p, events(p * 10, 2));
  Job job = kafka_job(cluster);
  job.kafka.shares = 2;
  job.kafka.share = 1;
  SimulatedDisk disk;
  LiveServer server(disk, job);
  server.wait_for_events(4);
  ASSERT_TRUE(server.stop());
  EXPECT_EQ(ids_of(disk, "impressions"), (std::multiset<std::string>{"i10", "i11", "i30", "i31"}));
}

// Also when the server ends before the first record has come.
TEST(KafkaLiveTest, ANewTopicIsReadFromItsEndOn) {
  KafkaCluster cluster;
  cluster.create_topic(kTopic, 1);
  cluster.produce(kTopic, 0, events(100, 5));
  Job job = kafka_job(cluster);
  job.sources[0].kafka->from_end = true;
  SimulatedDisk disk;
  {
    LiveServer server(disk, job);
    server.wait_for_commits(1);
    ASSERT_TRUE(server.stop());
  }
  cluster.produce(kTopic, 0, events(0, 3));
  LiveServer server(disk, job);
  server.wait_for_events(3);
  ASSERT_TRUE(server.stop());
  expect_all_once(disk, 3);
}

TEST(KafkaLiveTest, BrokersMayComeLater) {
  KafkaCluster cluster;
  cluster.create_topic(kTopic, 1);
  cluster.produce(kTopic, 0, events(0, 3));
  cluster.take_down(1);
  SimulatedDisk disk;
  LiveServer server(disk, kafka_job(cluster));
  server.wait_for_trouble("");
  server.deliver({"clicks", "b", kReceived, "id,t,u,c\nc1,2023-11-01T08:00:00Z,u1,camp\n"});
  server.wait_for_events(1);  // the rest goes on
  cluster.bring_up(1);
  server.wait_for_events(4);
  ASSERT_TRUE(server.stop());
  expect_all_once(disk, 3);
}

struct Remade {
  const char* name;
  int first;
  int count;  // of the records that the topic has now
  const char* trouble;
};

class RemadeTopicTest : public ::testing::TestWithParam<Remade> {};

TEST_P(RemadeTopicTest, IsNamedAndNotRead) {
  SimulatedDisk disk;
  {
    KafkaCluster cluster;
    cluster.create_topic(kTopic, 1);
    cluster.produce(kTopic, 0, events(0, 5));
    LiveServer server(disk, kafka_job(cluster));
    server.wait_for_events(5);
    ASSERT_TRUE(server.stop());
  }
  KafkaCluster cluster;
  cluster.create_topic(kTopic, 1);
  cluster.produce(kTopic, 0, events(GetParam().first, GetParam().count));
  LiveServer server(disk, kafka_job(cluster));
  server.wait_for_trouble(GetParam().trouble);
  server.deliver({"clicks", "b", kReceived, "id,t,u,c\nc1,2023-11-01T08:00:00Z,u1,camp\n"});
  server.wait_for_events(1);  // the rest goes on
  EXPECT_TRUE(server.live().kafka().at(0).is_stopped);
  ASSERT_TRUE(server.stop());
  expect_all_once(disk, 5);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RemadeTopicTest,
    ::testing::Values(Remade{"shorter", 0, 3,
                             "kafka:ads.events.impression.v1:0: committed up to 5, and the "
                             "partition ends at 3: the topic was deleted and made again"},
                      Remade{"longer", 50, 9,
                             "kafka:ads.events.impression.v1:0: record 4 is not the one that was "
                             "committed: the topic was deleted and made again"}),
    [](const auto& test) { return std::string(test.param.name); });

// The brokers here keep 5 MB of a partition.
TEST(KafkaLiveTest, RecordsThatAreGoneAreNamed) {
  KafkaCluster cluster;
  cluster.create_topic(kTopic, 1);
  cluster.produce(kTopic, 0, events(0, 5));
  SimulatedDisk disk;
  Job job = kafka_job(cluster);
  {
    LiveServer server(disk, job);
    server.wait_for_events(5);
    ASSERT_TRUE(server.stop());
  }
  for (int i = 5; i < 15; ++i) {
    std::string big = event(i);
    big.insert(big.size() - 1, ",\"more\":\"" + std::string(900'000, 'x') + "\"");
    cluster.produce(kTopic, 0, {{.value = big}});
  }
  {
    LiveServer server(disk, job);
    server.wait_for_trouble("kafka:ads.events.impression.v1:0: the records 5 to ");
    ASSERT_TRUE(server.stop());
  }
  expect_all_once(disk, 5);
  job.sources[0].kafka->accept_loss = true;
  LiveServer server(disk, job);
  server.wait_for_trouble("kafka:ads.events.impression.v1:0: the records 5 to ");
  cluster.produce(kTopic, 0, events(15, 1));
  server.wait_for([&] {
    const std::vector<source::KafkaPartition> partitions = server.live().kafka();
    return !partitions.empty() && partitions[0].next == 16;
  });
  ASSERT_TRUE(server.stop());
  const std::multiset<std::string> ids = ids_of(disk, "impressions");
  EXPECT_EQ(ids.count("i15"), 1U);
  EXPECT_EQ(ids.count("i14"), 1U);
  EXPECT_EQ(ids.count("i5"), 0U);
}

}  // namespace
}  // namespace adweave::engine
