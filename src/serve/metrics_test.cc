// SPDX-License-Identifier: Apache-2.0
#include "serve/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adweave::serve {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ledger::CommitOutcome commit_of(int64_t duration_us, int64_t accepted, int64_t rejected) {
  ledger::CommitOutcome commit;
  commit.commit = 7;
  commit.duration_us = duration_us;
  commit.counts = {{"clicks", accepted + rejected, accepted, 1, 2, rejected}};
  commit.rejected = {{"bad_time", rejected}};
  commit.latest_receipt = 1'700'000'000'500'000;
  return commit;
}

TEST(Metrics, CommitsAddUp) {
  Metrics metrics;
  metrics.take(commit_of(20'000, 10, 3));
  metrics.take(commit_of(5'000'000, 1, 0));
  const std::string text = metrics.text({});
  for (const char* line :
       {"adweave_accepted_total{source=\"clicks\"} 11",
        "adweave_received_total{source=\"clicks\"} 20",
        "adweave_conflict_total{source=\"clicks\"} 4",
        "adweave_rejected_total{reason=\"bad_time\"} 3", "adweave_conservation_difference 0",
        "adweave_commit_duration_seconds_bucket{le=\"0.01\"} 0",
        "adweave_commit_duration_seconds_bucket{le=\"0.025\"} 1",
        "adweave_commit_duration_seconds_bucket{le=\"2.5\"} 1",
        "adweave_commit_duration_seconds_bucket{le=\"+Inf\"} 2",
        "adweave_commit_duration_seconds_sum 5.02", "adweave_commit_duration_seconds_count 2",
        "adweave_newest_receipt_seconds 1700000000.5", "data_processing_errors_total 3",
        "data_processing_time_sum 5.02", "data_processing_time_count 2"}) {
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
  }
}

TEST(Metrics, ADifferenceIsSeen) {
  Metrics metrics;
  ledger::CommitOutcome commit = commit_of(1, 1, 3);
  commit.rejected = {{"bad_time", 2}};
  metrics.take(commit);
  EXPECT_THAT(metrics.text({}), HasSubstr("adweave_conservation_difference 1\n"));
}

TEST(Metrics, LabelsAreQuoted) {
  Metrics metrics;
  metrics.count_delivery("a\"b\\c\nd", 5);
  EXPECT_THAT(metrics.text({}),
              HasSubstr("adweave_delivered_bytes_total{source=\"a\\\"b\\\\c\\nd\"} 5\n"));
}

TEST(Metrics, OtherSchemaRegistries) {
  Metrics metrics;
  EXPECT_THAT(metrics.text({}), Not(HasSubstr("adweave_schema_registry")));
  bool is_out_of_reach = true;
  metrics.watch_registry("http://a", [&] { return is_out_of_reach; });
  for (const char* expected : {"1", "0"}) {
    EXPECT_THAT(
        metrics.text({}),
        HasSubstr(std::string("adweave_schema_registry_out_of_reach{registry=\"http://a\"} ") +
                  expected + "\n"));
    is_out_of_reach = false;
  }
}

TEST(Metrics, PartitionsOfKafka) {
  Gauges gauges;
  gauges.kafka.partitions = {{"clicks", 0, 90, 100, false}, {"clicks", 1, 7, -1, true}};
  const std::string text = Metrics().text(gauges);
  EXPECT_THAT(text, HasSubstr("adweave_kafka_lag_records{topic=\"clicks\",partition=\"0\"} 10\n"));
  EXPECT_THAT(text, Not(HasSubstr("adweave_kafka_lag_records{topic=\"clicks\",partition=\"1\"}")));
  EXPECT_THAT(text, HasSubstr("adweave_kafka_stopped{topic=\"clicks\",partition=\"1\"} 1\n"));
}

TEST(Metrics, WhatIsWrittenToKafka) {
  Gauges gauges;
  EXPECT_THAT(Metrics().text(gauges), Not(HasSubstr("adweave_kafka_produced")));
  gauges.kafka.produced = source::KafkaProduced{.commit = 90,
                                                .head = 100,
                                                .messages = {{"results", 7}},
                                                .missing = 3,
                                                .not_retried = 4,
                                                .errors = 2,
                                                .is_stopped = true};
  const std::string text = Metrics().text(gauges);
  for (const char* line :
       {"adweave_kafka_produced_commit 90", "adweave_kafka_produce_lag_commits 10",
        "adweave_kafka_produced_messages_total{topic=\"results\"} 7",
        "adweave_kafka_produce_missing_rows_total 3", "adweave_kafka_not_retried_total 4",
        "adweave_kafka_produce_errors_total 2", "adweave_kafka_produce_stopped 1"}) {
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
  }
}

TEST(Metrics, WhatGoesOnBesideCommits) {
  Gauges gauges;
  EXPECT_THAT(Metrics().text(gauges), Not(HasSubstr("adweave_reconcile_difference")));  // not known
  gauges.seal = {2, 5, 1, 1'500'000};
  gauges.reconcile = {9, 3, "clicks", 1'700'000'000'000'000, 1, 250'000};
  gauges.paused = {{"clicks", true}, {"views", false}};
  const std::string text = Metrics().text(gauges);
  for (const char* line :
       {"adweave_seal_waiting 2", "adweave_seals_total 5", "adweave_seal_failures_total 1",
        "adweave_seal_duration_seconds 1.5", "adweave_reconcile_difference 3",
        "adweave_reconcile_commit 9", "adweave_reconcile_success_seconds 1700000000",
        "adweave_reconcile_failures_total 1", "adweave_reconcile_duration_seconds 0.25",
        "adweave_source_paused{source=\"clicks\"} 1",
        "adweave_source_paused{source=\"views\"} 0"}) {
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
  }
  const JsonValue status = Metrics().status(gauges);
  EXPECT_EQ((*status.array_at("paused"))->size(), 1U);
  EXPECT_EQ(*status.find("reconcile")->int_at("difference"), 3);
}

}  // namespace
}  // namespace adweave::serve
