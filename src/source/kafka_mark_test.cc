// SPDX-License-Identifier: Apache-2.0
#include "source/kafka_mark.h"

#include <gtest/gtest.h>

namespace adweave::source {
namespace {

TEST(KafkaMark, APartitionIsFoundAgainByItsName) {
  const auto id = parse_kafka_partition(kafka_partition_name("ads.events-v1_x", 17));
  ASSERT_TRUE(id);
  EXPECT_EQ(id->topic, "ads.events-v1_x");
  EXPECT_EQ(id->partition, 17);
}

TEST(KafkaMark, WhatIsNoPartitionHasNoName) {
  for (const char* name : {"clicks.csv", "journal:17", "kafka:clicks",
                           "kafka:clicks:", "kafka:", "kafka:clicks:3:1234", "kafka:clicks:x"})
    EXPECT_FALSE(parse_kafka_partition(name)) << name;
}

TEST(KafkaMark, APositionNamesItsRecord) {
  for (const char* position : {"kafka:clicks.v1:3:1234", "kafka:clicks.v1:3:1234:56"}) {
    const auto id = parse_kafka_position(position);
    ASSERT_TRUE(id) << position;
    EXPECT_EQ(id->topic, "clicks.v1");
    EXPECT_EQ(id->partition, 3);
    EXPECT_EQ(id->offset, 1234);
  }
  for (const char* position : {"clicks.csv:7", "journal:17:4096", "kafka:", "kafka:clicks:3",
                               "kafka:clicks:x:1", "kafka:clicks:3:x", ""})
    EXPECT_FALSE(parse_kafka_position(position)) << position;
}

TEST(KafkaMark, ItTellsRecordsApart) {
  const std::string mark = kafka_mark(1234, 5, "key", "value");
  EXPECT_EQ(offset_of_kafka_mark(mark), 1234);
  EXPECT_NE(mark, kafka_mark(1234, 6, "key", "value"));
  EXPECT_NE(mark, kafka_mark(1234, 5, "other", "value"));
  EXPECT_NE(mark, kafka_mark(1234, 5, "key", "other"));
  EXPECT_NE(mark, kafka_mark(1234, 5, "keyv", "alue"));
  EXPECT_EQ(mark, kafka_mark(1234, 5, "key", "value"));
  EXPECT_FALSE(offset_of_kafka_mark(""));
}

}  // namespace
}  // namespace adweave::source
