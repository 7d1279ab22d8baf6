// SPDX-License-Identifier: Apache-2.0
#include "engine/kafka_publisher.h"

#include <algorithm>
#include <atomic>
#include <set>

#include <gmock/gmock.h>

#include "engine/live_test_support.h"
#include "engine/replay.h"
#include "engine/retention.h"
#include "tests/support/kafka_cluster.h"

namespace adweave::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Message {
  std::string topic;
  std::string key;
  std::string value;
  std::map<std::string, std::string> headers;
  auto operator<=>(const Message&) const = default;
};

// What brokers keep, and how they fail: at a step of a producer, just before it or just after.
struct Brokers {
  std::mutex mutex;
  std::multiset<Message> messages;  // of committed transactions
  std::map<std::string, net::KafkaPosition> positions;
  int producers = 0;
  int transactions = 0;
  int steps = 0;
  int fail_at = 0;  // 0: never
};

class FakeProducer : public net::KafkaProducer {
 public:
  explicit FakeProducer(Brokers& brokers) : brokers_(brokers) {}

  Result<std::vector<std::optional<net::KafkaPosition>>> begin(
      const std::vector<std::string>& topics) override {
    const std::lock_guard guard(brokers_.mutex);
    ADWEAVE_TRY(step());
    number_ = ++brokers_.producers;
    std::vector<std::optional<net::KafkaPosition>> positions;
    for (const std::string& topic : topics) {
      const auto known = brokers_.positions.find(topic);
      positions.push_back(known == brokers_.positions.end() ? std::nullopt
                                                            : std::optional(known->second));
    }
    ADWEAVE_TRY(step());
    return positions;
  }

  Status send(const net::KafkaMessageOut& message) override {
    const std::lock_guard guard(brokers_.mutex);
    ADWEAVE_TRY(step());
    Message& sent = sent_.emplace_back();
    sent.topic = message.topic;
    sent.key = message.key.value_or("(none)");
    sent.value = message.value;
    for (const auto& [name, value] : message.headers) sent.headers.emplace(name, value);
    return {};
  }

  Status commit(const std::vector<net::KafkaPosition>& positions) override {
    const std::lock_guard guard(brokers_.mutex);
    ADWEAVE_TRY(step());
    if (number_ != brokers_.producers) return Error{ErrorCode::fenced, "another is there", ""};
    brokers_.messages.insert(sent_.begin(), sent_.end());
    sent_.clear();
    for (const net::KafkaPosition& position : positions)
      brokers_.positions[position.topic] = position;
    ++brokers_.transactions;
    return step();
  }

  Result<std::optional<std::string>> key_at(const std::string& topic, int32_t partition,
                                            int64_t offset) override {
    return std::optional(fmt::format("{} {} {}", topic, partition, offset));
  }

 private:
  Status step() {
    if (++brokers_.steps == brokers_.fail_at) return Error{ErrorCode::io, "it fails", ""};
    return {};
  }

  Brokers& brokers_;
  int number_ = 0;
  std::vector<Message> sent_;
};

Job produce_job() {
  Job job = job_of();
  job.kafka_produce.results = "results";
  job.kafka_produce.rejects = "rejects";
  job.kafka_produce.tables = {"impressions", "clicks", "conversions", "credits_log", "facts"};
  return job;
}

// A publisher of a ledger at rest.
class Publisher {
 public:
  Publisher(SimulatedDisk& disk, const Job& job, Brokers& brokers)
      : job_(job),
        publisher_(
            disk, job_, ledger_of(disk),
            [&](const KafkaPublisher::Stop&) -> Result<std::unique_ptr<net::KafkaProducer>> {
              return std::unique_ptr<net::KafkaProducer>(new FakeProducer(brokers));
            },
            [&](const Error& error) {
              const std::lock_guard guard(mutex_);
              told_.push_back(error.message);
            }) {}

  KafkaPublisher& operator*() { return publisher_; }

  // Until all is produced or something was told, and where it stands has been told to the cluster.
  void settle(Brokers& brokers, int transactions = 1) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (true) {
      const source::KafkaProduced status = publisher_.status();
      bool is_told = false;
      {
        const std::lock_guard guard(brokers.mutex);
        is_told = brokers.transactions >= transactions;
      }
      if ((status.commit == status.head && is_told) || !told().empty()) return;
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "it does not come";
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  std::vector<std::string> told() const {
    const std::lock_guard guard(mutex_);
    return told_;
  }

 private:
  Job job_;
  mutable std::mutex mutex_;
  std::vector<std::string> told_;
  KafkaPublisher publisher_;
};

std::multiset<Message> must_produce(SimulatedDisk& disk, const Job& job, Brokers& brokers) {
  Publisher publisher(disk, job, brokers);
  publisher.settle(brokers);
  EXPECT_THAT(publisher.told(), IsEmpty());
  return brokers.messages;
}

int64_t count(const std::multiset<Message>& messages, const std::string& topic,
              const std::string& text) {
  return std::count_if(messages.begin(), messages.end(), [&](const Message& message) {
    return message.topic == topic && message.value.find(text) != std::string::npos;
  });
}

int64_t rows_of(const SimulatedDisk& disk, const std::string& table) {
  int64_t rows = 0;
  const ledger::Ledger ledger = ledger_of(disk);
  for (const event::DataFile& file : ledger.live_files(table, ledger.head())) rows += file.rows;
  return rows;
}

class KafkaPublisherTest : public EngineTest {};

TEST_F(KafkaPublisherTest, EveryRowIsAMessage) {
  SimulatedDisk disk;
  put_feeds(disk, 40);
  must_run(disk);
  Brokers brokers;
  const std::multiset<Message> messages = must_produce(disk, produce_job(), brokers);
  int64_t all = 0;
  for (const std::string& table : produce_job().kafka_produce.tables) {
    const int64_t rows = rows_of(disk, table);
    EXPECT_EQ(count(messages, "results", "{\"table\":\"" + table + "\""), rows) << table;
    all += rows;
  }
  EXPECT_GT(rows_of(disk, "credits_log"), 0);
  EXPECT_GT(rows_of(disk, "rejects"), 0);
  EXPECT_EQ(count(messages, "rejects", ""), rows_of(disk, "rejects"));
  EXPECT_EQ(static_cast<int64_t>(messages.size()), all + rows_of(disk, "rejects"));
}

TEST_F(KafkaPublisherTest, ARowIsJsonAndARejectItsBytes) {
  SimulatedDisk disk;
  disk.put("/in/conversions.csv",
           "id,t,u,type,value,cur\nv1,2023-11-01T08:00:00Z,u1,buy,2.5,EUR\nv2,never,u1,buy,1,EUR\n",
           kReceived);
  must_run(disk);
  Brokers brokers;
  const std::multiset<Message> messages = must_produce(disk, produce_job(), brokers);
  const auto first = [&](const std::string& topic, const std::string& text) {
    const auto found = std::find_if(messages.begin(), messages.end(), [&](const Message& message) {
      return message.topic == topic && message.value.find(text) != std::string::npos;
    });
    return found == messages.end() ? Message() : *found;
  };
  const Message row = first("results", "{\"table\":\"conversions\"");
  EXPECT_EQ(row.key, "u1");
  for (const char* member :
       {"\"event_id\":\"v1\"", "\"event_time\":\"2023-11-01T08:00:00", "\"value\":\"2.5",
        "\"currency\":\"EUR\"", "\"source\":\"conversions\"", "\"ledger_id\":\"local\""})
    EXPECT_THAT(row.value, HasSubstr(member));
  EXPECT_THAT(row.value, Not(HasSubstr("click_id")));  // null
  EXPECT_EQ(first("results", "{\"table\":\"credits_log\"").key, "v1");
  const Message reject = first("rejects", "");
  EXPECT_EQ(reject.value, "v2,never,u1,buy,1,EUR");
  for (const auto& [name, value] : std::map<std::string, std::string>{{"reason", "bad_time"},
                                                                      {"outcome", "rejected"},
                                                                      {"rule", "event_time"},
                                                                      {"source", "conversions"},
                                                                      {"attempt", "1"},
                                                                      {"sign", "1"},
                                                                      {"state", "open"}})
    EXPECT_EQ(reject.headers.at(name), value) << name;
  EXPECT_THAT(reject.headers.at("origin"), HasSubstr("conversions.csv:"));
  EXPECT_EQ(reject.key, reject.headers.at("origin"));
  EXPECT_THAT(reject.headers.at("first_seen"), HasSubstr("2023-11-01T"));
}

// A failure of the cluster or the end of the process at any step, then a new producer.
TEST_F(KafkaPublisherTest, EveryRowIsAMessageOnceWhateverFails) {
  SimulatedDisk disk;
  put_feeds(disk, 12);
  must_run(disk);
  Brokers calm;
  const std::multiset<Message> expected = must_produce(*disk.after_kill(), produce_job(), calm);
  ASSERT_GT(calm.steps, 20);
  for (int step = 1; step <= calm.steps; ++step) {
    Brokers brokers;
    brokers.fail_at = step;
    const std::unique_ptr<SimulatedDisk> before = disk.after_kill();
    {
      Publisher publisher(*before, produce_job(), brokers);
      publisher.settle(brokers);
      EXPECT_EQ(publisher.told(), std::vector<std::string>{"it fails"}) << step;
    }
    const std::unique_ptr<SimulatedDisk> after = before->after_kill();
    Publisher again(*after, produce_job(), brokers);
    again.settle(brokers);
    EXPECT_THAT(again.told(), IsEmpty()) << step;
    EXPECT_TRUE(brokers.messages == expected) << step;
  }
}

TEST_F(KafkaPublisherTest, CommitsThatComeLaterAreProducedOnce) {
  SimulatedDisk disk;
  put_feeds(disk, 40);
  must_run(disk);
  Brokers brokers;
  const size_t before = must_produce(disk, produce_job(), brokers).size();
  disk.put("/in/impressions2.ndjson", "{\"t\":\"2023-11-01T09:00:00Z\",\"u\":\"z\",\"c\":\"k\"}\n",
           kReceived);
  Job job = job_of();
  job.holder = "second";
  must_run(disk, job);
  Publisher publisher(disk, produce_job(), brokers);
  publisher.settle(brokers, 2);
  EXPECT_EQ(brokers.messages.size(), before + 1);
  EXPECT_EQ(publisher.told(), std::vector<std::string>());
}

TEST_F(KafkaPublisherTest, OnlyWhatIsDurableIsProduced) {
  SimulatedDisk disk;
  put_feeds(disk, 12);
  must_run(disk);
  Brokers brokers;
  Publisher publisher(disk, produce_job(), brokers);
  publisher.settle(brokers);
  const size_t before = brokers.messages.size();
  disk.put("/in/impressions2.ndjson", "{\"t\":\"2023-11-01T09:00:00Z\",\"u\":\"z\",\"c\":\"k\"}\n",
           kReceived);
  Job job = job_of();
  job.holder = "second";
  must_run(disk, job);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ((*publisher).status().commit, (*publisher).status().head);
  (*publisher).committed(ledger_of(disk).head());
  publisher.settle(brokers, 2);
  EXPECT_EQ(brokers.messages.size(), before + 1);
}

TEST_F(KafkaPublisherTest, ATopicThatIsAddedLaterGetsAllThereIs) {
  SimulatedDisk disk;
  put_feeds(disk, 40);
  must_run(disk);
  Job job = produce_job();
  job.kafka_produce.rejects = "";
  Brokers brokers;
  const size_t results = must_produce(disk, job, brokers).size();
  Publisher publisher(disk, produce_job(), brokers);
  publisher.settle(brokers, 2);
  EXPECT_EQ(count(brokers.messages, "results", ""), static_cast<int64_t>(results));
  EXPECT_EQ(count(brokers.messages, "rejects", ""), rows_of(disk, "rejects"));
}

TEST_F(KafkaPublisherTest, FromTheEndOnlyWhatComesLater) {
  SimulatedDisk disk;
  put_feeds(disk, 40);
  must_run(disk);
  Job job = produce_job();
  job.kafka_produce.from_end = true;
  Brokers brokers;
  EXPECT_THAT(must_produce(disk, job, brokers), IsEmpty());
  EXPECT_EQ(brokers.positions.at("results").next, ledger_of(disk).head() + 1);
  job.kafka_produce.from_end = false;  // it is known where it stands
  Publisher publisher(disk, job, brokers);
  publisher.settle(brokers, 2);
  EXPECT_THAT(brokers.messages, IsEmpty());
}

// Brokers forget the offsets of a group that nobody has used for a week.
TEST_F(KafkaPublisherTest, WhatTheClusterHasForgottenIsNotProducedTwice) {
  SimulatedDisk disk;
  put_feeds(disk, 40);
  must_run(disk);
  Brokers brokers;
  const std::multiset<Message> expected = must_produce(disk, produce_job(), brokers);
  brokers.positions.clear();
  {
    Publisher publisher(disk, produce_job(), brokers);
    publisher.settle(brokers, 100);
    ASSERT_EQ(publisher.told().size(), 1U);
    EXPECT_THAT(publisher.told()[0], HasSubstr("topic results has been written by this ledger"));
    EXPECT_TRUE((*publisher).status().is_stopped);
  }
  Job job = produce_job();
  job.kafka_produce.from = ledger_of(disk).head() + 1;
  Publisher publisher(disk, job, brokers);
  publisher.settle(brokers, 2);
  EXPECT_TRUE(brokers.messages == expected);
}

TEST_F(KafkaPublisherTest, ALedgerThatIsOlderThanItsTopicIsNotProduced) {
  SimulatedDisk disk;
  put_feeds(disk, 12);
  must_run(disk);
  Brokers brokers;
  const size_t before = must_produce(disk, produce_job(), brokers).size();
  for (auto& [topic, position] : brokers.positions) position.mark = "of another";
  Publisher publisher(disk, produce_job(), brokers);
  publisher.settle(brokers, 100);
  ASSERT_EQ(publisher.told().size(), 1U);
  EXPECT_THAT(publisher.told()[0], HasSubstr("it is older, or another"));
  EXPECT_EQ(brokers.messages.size(), before);
}

TEST_F(KafkaPublisherTest, AnotherProducerEndsIt) {
  SimulatedDisk disk;
  put_feeds(disk, 12);
  must_run(disk);
  Brokers brokers;
  Publisher publisher(disk, produce_job(), brokers);
  publisher.settle(brokers);
  {
    const std::lock_guard guard(brokers.mutex);
    ++brokers.producers;
  }
  disk.put("/in/impressions2.ndjson", "{\"t\":\"2023-11-01T09:00:00Z\",\"u\":\"z\",\"c\":\"k\"}\n",
           kReceived);
  Job job = job_of();
  job.holder = "second";
  must_run(disk, job);
  (*publisher).committed(ledger_of(disk).head());
  publisher.settle(brokers, 100);
  EXPECT_EQ(publisher.told(), std::vector<std::string>{"another is there"});
  EXPECT_TRUE((*publisher).status().is_stopped);
}

TEST_F(KafkaPublisherTest, RowsThatRetentionTookAwayAreTold) {
  SimulatedDisk disk;
  put_feeds(disk, 40);
  disk.put("/in/impressions2.ndjson", "{\"t\":\"2023-10-01T09:00:00Z\",\"u\":\"z\",\"c\":\"k\"}\n",
           kReceived);
  must_run(disk);
  const int64_t october = rows_of(disk, "impressions");
  ASSERT_TRUE(retain(disk, *writer_of(disk, "retain"), 1'698'796'800'000'000, kReceived));
  ASSERT_EQ(rows_of(disk, "impressions"), october - 1);
  Brokers brokers;
  Publisher publisher(disk, produce_job(), brokers);
  publisher.settle(brokers);
  while ((*publisher).status().missing == 0) std::this_thread::yield();
  EXPECT_EQ((*publisher).status().missing, 1);
  EXPECT_EQ(count(brokers.messages, "results", "{\"table\":\"impressions\""), october - 1);
  ASSERT_EQ(publisher.told().size(), 1U);
  EXPECT_THAT(publisher.told()[0], HasSubstr("1 rows of commits"));
}

// What a replay mends comes as rows, and the rejects that it takes back with sign -1.
TEST_F(KafkaPublisherTest, AReplayTakesRejectsBack) {
  SimulatedDisk disk;
  put_feeds(disk, 40);
  Job wrong = job_of();
  wrong.sources[1].decoder.mapping.rows[0].fields[1].times = {
      {decode::TimeForm::Kind::pattern, "%Y/%m/%d"}};
  must_run(disk, wrong);
  Brokers brokers;
  ASSERT_EQ(count(must_produce(disk, produce_job(), brokers), "results", "\"table\":\"clicks\""),
            0);
  Job right = job_of();
  right.sources[1].mapping = "m2";
  right.holder = "right";
  ASSERT_TRUE(replay(disk, right, {}, hooks()));
  Publisher publisher(disk, produce_job(), brokers);
  publisher.settle(brokers, 2);
  EXPECT_THAT(publisher.told(), IsEmpty());
  EXPECT_EQ(count(brokers.messages, "results", "\"table\":\"clicks\""), rows_of(disk, "clicks"));
  std::set<std::string> stated;
  std::set<std::string> taken_back;
  for (const Message& message : brokers.messages) {
    if (message.topic != "rejects") continue;
    (message.headers.at("sign") == "1" ? stated : taken_back).insert(message.key);
  }
  EXPECT_GT(taken_back.size(), 5U);
  EXPECT_TRUE(std::includes(stated.begin(), stated.end(), taken_back.begin(), taken_back.end()));
}

// Only what came from a topic that is read, for a reason that is named, and once.
TEST_F(KafkaPublisherTest, RejectsOfATopicAreSentToBeTriedAgain) {
  tests::KafkaCluster cluster;
  cluster.create_topic("t", 1);
  cluster.produce("t", 0, {{.value = "{broken", .key = "a"}, {.value = "{}", .key = "b"}});
  Job job = produce_job();
  for (SourceJob& source : job.sources) source.files = {"nothing"};
  job.sources[0].kafka = source::KafkaTopic{"t"};
  job.kafka.properties = {{"bootstrap.servers", cluster.brokers()}, {"fetch.wait.max.ms", "10"}};
  SimulatedDisk disk;
  {
    Job reading = job;
    reading.kafka_produce = {};
    LiveServer server(disk, reading);
    server.wait_for_events(2);
    ASSERT_TRUE(server.stop());
  }
  job.kafka_produce.results = "";
  job.kafka_produce.retry = ".again";
  job.kafka_produce.reasons = {"malformed"};
  Brokers brokers;
  const std::multiset<Message> messages = must_produce(disk, job, brokers);
  EXPECT_EQ(count(messages, "rejects", ""), 2);
  ASSERT_EQ(count(messages, "t.again", ""), 1);
  const auto again = std::find_if(messages.begin(), messages.end(),
                                  [](const Message& each) { return each.topic == "t.again"; });
  EXPECT_EQ(again->value, "{broken");
  EXPECT_EQ(again->key, "t 0 0");  // as key_at() says
  EXPECT_EQ(again->headers.at("origin"), "kafka:t:0:0");
}

TEST(KafkaOutputs, ATopicOfRejectsHasNoOther) {
  Job job = produce_job();
  job.sources[0].kafka = source::KafkaTopic{"t"};
  job.sources[1].kafka = source::KafkaTopic{"t.retry"};
  job.kafka_produce.retry = ".retry";
  const std::vector<KafkaOutput> outputs = kafka_outputs(job);
  ASSERT_EQ(outputs.size(), 3U);
  EXPECT_EQ(outputs[2].topic, "t.retry");
  EXPECT_EQ(outputs[2].of, "t");
}

}  // namespace
}  // namespace adweave::engine
