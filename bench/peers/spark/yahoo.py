# SPDX-License-Identifier: Apache-2.0
"""The Yahoo streaming benchmark for Spark: INPUT THREADS."""

import pathlib

import serving
from pyspark.sql import SparkSession

STATEMENT = (pathlib.Path(__file__).parent / "yahoo.sql").read_text()


def job(spark: SparkSession, folder: str, out: str) -> None:
    fields = "ad_id STRING, event_type STRING, event_time STRING"
    spark.read.schema(fields).json(f"{folder}/events.ndjson").createOrReplaceTempView("events")
    spark.read.csv(f"{folder}/creatives.csv", header=True).createOrReplaceTempView("creatives")
    serving.write_csv(spark.sql(STATEMENT), f"{out}/windows.csv")


if __name__ == "__main__":
    serving.serve(job)
