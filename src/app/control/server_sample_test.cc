// SPDX-License-Identifier: Apache-2.0
#include "app/control/server_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "serve/metrics.h"

namespace adweave::app {
namespace {

using ::testing::HasSubstr;

ledger::CommitOutcome commit_of(int64_t number, int64_t accepted, int64_t duplicate) {
  ledger::CommitOutcome commit;
  commit.commit = number;
  commit.duration_us = 20'000;
  commit.counts = {{"clicks", accepted + duplicate, accepted, duplicate, 0, 0}};
  commit.latest_receipt = 1'700'000'000'000'000;
  return commit;
}

ServerSample must_sample(const serve::Metrics& metrics, const serve::Gauges& gauges, int64_t at) {
  const Result<ServerSample> sample = sample_of(metrics.status(gauges), at);
  if (!sample) ADD_FAILURE() << sample.error().message;
  return sample ? *sample : ServerSample();
}

TEST(ServerSample, RatesAreOfWhatCameBetween) {
  serve::Metrics metrics;
  serve::Gauges gauges;
  gauges.is_ready = true;
  gauges.journal_bytes_behind = 2500;
  gauges.kafka.partitions = {
      {"t", 0, 90, 100, false}, {"t", 1, 5, -1, true}, {"u", 0, 7, 7, false}};
  constexpr int64_t kBegin = 1'700'000'000'000'000;
  metrics.take(commit_of(7, 10, 2));
  const ServerSample before = must_sample(metrics, gauges, kBegin);
  metrics.take(commit_of(8, 20, 0));
  metrics.take(commit_of(9, 21, 1));
  metrics.count_request(200);
  const ServerSample now = must_sample(metrics, gauges, kBegin + 2 * limits::kSecondUs);

  const query::QueryResult rates = rates_of(before, now);
  ASSERT_EQ(rates.rows.size(), 1U);
  EXPECT_EQ(JsonValue(rates.rows[0]).dump(), R"(["clicks",21,20.5,0.5,0,0,54])");
  const std::string text = state_text(before, now);
  EXPECT_THAT(text, HasSubstr("ready  commit 9  1.0 commits/s of 20 ms"));
  EXPECT_THAT(text, HasSubstr("requests/s 0.5  waiting 0  journal behind 2.5 KB"));
  EXPECT_THAT(text, HasSubstr("newest event received 2.0 s ago"));
  const query::QueryResult lag = lag_of(now);
  ASSERT_EQ(lag.rows.size(), 2U);
  EXPECT_EQ(JsonValue(lag.rows[0]).dump(), R"(["t",2,10,1])");
  EXPECT_EQ(JsonValue(lag.rows[1]).dump(), R"(["u",1,0,0])");
}

TEST(ServerSample, WhatIsWrittenToKafka) {
  const serve::Metrics metrics;
  serve::Gauges gauges;
  EXPECT_EQ(state_text({}, must_sample(metrics, gauges, 0)).find("Kafka"), std::string::npos);
  gauges.kafka.produced = source::KafkaProduced{.commit = 90, .head = 100, .errors = 2};
  EXPECT_THAT(state_text({}, must_sample(metrics, gauges, 0)),
              HasSubstr("Kafka has commit 90  10 behind  2 errors"));
  gauges.kafka.produced->is_stopped = true;
  EXPECT_THAT(state_text({}, must_sample(metrics, gauges, 0)), HasSubstr("errors  stopped"));
}

TEST(ServerSample, WhatIsNoStatusIsAnError) {
  EXPECT_FALSE(sample_of(JsonValue(JsonValue::Object{{"commit", 1}}), 0));
}

}  // namespace
}  // namespace adweave::app
