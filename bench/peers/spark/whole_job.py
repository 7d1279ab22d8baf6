# SPDX-License-Identifier: Apache-2.0
"""The whole job for Spark, in one session that stays: INPUT THREADS. For each output folder on standard input it does the
job once and prints its CPU-seconds (Python and Java). Bid requests are read as JSON: Spark brings no Avro reader."""

import csv
import os
import pathlib
import resource
import shutil
import sys
import tempfile

from pyspark.sql import DataFrame, SparkSession

SETTINGS = {
    "spark.driver.memory": "6g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",  # a value that does not fit is null
    "spark.sql.shuffle.partitions": "4",
    "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.hadoop.parquet.compression.codec.zstd.level": "1",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}
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
    kpis = spark.table("kpis")
    with open(f"{out}/kpi.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(kpis.columns)
        writer.writerows(kpis.collect())
    spark.catalog.clearCache()
    for table in spark.catalog.listTables():  # the next round makes them again
        spark.catalog.dropTempView(table.name)


def cpu_seconds(java: int) -> float:
    fields = pathlib.Path(f"/proc/{java}/stat").read_text().rpartition(")")[2].split()
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + used.ru_utime + used.ru_stime


def main() -> None:
    source, threads = sys.argv[1:]
    local = tempfile.mkdtemp()
    builder = SparkSession.builder.master(f"local[{threads}]").config("spark.local.dir", local)
    for name, value in SETTINGS.items():
        builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    java = spark.sparkContext._gateway.proc.pid
    for line in sys.stdin:
        before = cpu_seconds(java)
        job(spark, source, line.strip())
        print("cpu_seconds", cpu_seconds(java) - before, flush=True)
    spark.stop()
    shutil.rmtree(local, ignore_errors=True)


if __name__ == "__main__":
    main()
