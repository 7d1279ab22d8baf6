// SPDX-License-Identifier: Apache-2.0
#include "query/ddl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adweave::query {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ddl_of(std::string_view table, const DdlOptions& options) {
  const Result<std::string> text = ddl(*event::find_table(table), options);
  return text ? *text : text.error().message;
}

TEST(DdlTest, HiveReadsTheFoldersOfTheSealedDays) {
  const std::string text = ddl_of("clicks", {"hive", "hdfs://namenode/lake"});
  EXPECT_THAT(text, StartsWith("CREATE EXTERNAL TABLE IF NOT EXISTS ad_clicks (\n"
                               "  `event_id` STRING COMMENT 'Identity of the event"));
  EXPECT_THAT(text, HasSubstr("the file\\'s modification time"));
  EXPECT_THAT(text, HasSubstr("  `cost` DECIMAL(18,9) COMMENT"));
  EXPECT_THAT(text, EndsWith("\n)\nPARTITIONED BY (`dt` DATE)\nSTORED AS PARQUET\n"
                             "LOCATION 'hdfs://namenode/lake/clicks';\n"
                             "MSCK REPAIR TABLE ad_clicks SYNC PARTITIONS;\n"));
}

TEST(DdlTest, RedshiftKeepsAnEventAndItsFactsOnOneNode) {
  const DdlOptions options{"redshift", "s3://bucket/lake"};
  EXPECT_THAT(ddl_of("facts", options), HasSubstr("\nDISTKEY (\"event_id\")\n"));
  EXPECT_THAT(ddl_of("credits_log", options),
              HasSubstr("\nDISTKEY (\"conversion_id\")\nSORTKEY (\"conversion_time\");\n"));
  EXPECT_THAT(ddl_of("audit", options), HasSubstr("\nDISTSTYLE EVEN\n"));
  EXPECT_THAT(ddl_of("audit", options), HasSubstr("FROM 's3://bucket/lake/audit/dt=' IAM_ROLE"));
}

TEST(DdlTest, NamesHaveTheirSchemaAndPrefix) {
  const std::string text = ddl_of("audit", {"trino", "s3://b/lake", "x_", "ads"});
  EXPECT_THAT(text, StartsWith("CREATE TABLE IF NOT EXISTS ads.x_audit ("));
  EXPECT_THAT(text, HasSubstr("schema_name => 'ads', table_name => 'x_audit'"));
}

TEST(DdlTest, WhatADialectCannotReadIsRefused) {
  EXPECT_EQ(ddl_of("audit", {"redshift", "/data/lake"}), "redshift cannot read '/data/lake'");
  EXPECT_EQ(ddl_of("audit", {"oracle", "/data/lake"}), "there is no dialect 'oracle'");
}

// A Hive metastore keeps 256 characters of a column's comment.
TEST(DdlTest, EveryDialectHasEveryColumnOfEveryTable) {
  for (const std::string& dialect : ddl_dialects()) {
    for (const event::TableInfo& table : event::all_tables()) {
      const std::string text = ddl_of(table.name, {dialect, "s3://bucket/lake"});
      for (const event::ColumnInfo& column : table.columns) {
        EXPECT_THAT(text, HasSubstr(column.name)) << dialect << ' ' << table.name;
        EXPECT_LE(column.description.size(), 256U) << column.name;
      }
    }
  }
}

}  // namespace
}  // namespace adweave::query
