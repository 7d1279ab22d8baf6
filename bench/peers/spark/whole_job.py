# SPDX-License-Identifier: Apache-2.0
"""The whole job for Spark: INPUT THREADS. Bid requests are read as JSON: Spark brings no Avro reader."""

import pathlib

import serving
from pyspark.sql import DataFrame, SparkSession

IMPRESSIONS = """impression_id STRING, timestamp TIMESTAMP, user_id STRING, creative_id STRING, website STRING, auction_id STRING,
  price_cpm DECIMAL(18,6), currency STRING, viewable BOOLEAN, time_on_ad_ms BIGINT, interactions BIGINT, user_agent STRING"""
CLICKS_CONVERSIONS = """event_id STRING, timestamp TIMESTAMP, user_id STRING, campaign_id STRING, conversion_type STRING,
  impression_id STRING, cost DECIMAL(18,9), value DECIMAL(18,9), currency STRING, order_id STRING, adjustment STRING,
  adjusts STRING, user_agent STRING"""
BIDS = """id STRING, imp_id STRING, time BIGINT, user STRING, site STRUCT<domain: STRING>, device STRUCT<ua: STRING>,
  floor_micros BIGINT, currency STRING"""
TABLES = ("impressions", "clicks", "conversions", "attributed", "bid_requests")


def read(spark: SparkSession, folder: str) -> None:
    def files(name: str) -> list[str]:
        return [f"{folder}/{name}", f"{folder}/late/{name}"]

    def view(frame: DataFrame, name: str) -> None:
        """With the place of each row: within a split of a file ids ascend."""
        place = "struct(contains(_metadata.file_path, '/late/'), _metadata.file_block_start, monotonically_increasing_id()) AS place"
        frame.selectExpr("*", place).createOrReplaceTempView(name)

    options = {"header": True, "mode": "DROPMALFORMED", "enforceSchema": True, "escape": '"'}
    view(spark.read.schema(IMPRESSIONS).json(files("impressions.ndjson")), "raw_impressions")
    view(spark.read.schema(CLICKS_CONVERSIONS).csv(files("clicks_conversions.csv"), **options), "raw_clicks_conversions")
    view(spark.read.schema(BIDS).json(files("bid_requests.ndjson")), "raw_bid_requests")
    for name in ("creatives", "ad_groups", "campaigns", "advertisers"):
        spark.read.csv(f"{folder}/{name}.csv", header=True).createOrReplaceTempView(name)


def job(spark: SparkSession, folder: str, out: str) -> None:
    read(spark, folder)
    for statement in (pathlib.Path(__file__).parent / "whole_job.sql").read_text().split(";\n"):
        if statement.strip():
            spark.sql(statement)
    for table in TABLES:
        spark.table(f"out_{table}").write.parquet(f"{out}/{table}.parquet")
    serving.write_csv(spark.table("kpis"), f"{out}/kpi.csv")
    spark.catalog.clearCache()
    for table in spark.catalog.listTables():  # the next round makes them again
        spark.catalog.dropTempView(table.name)


if __name__ == "__main__":
    serving.serve(job)
