# SPDX-License-Identifier: Apache-2.0
"""One Spark session that stays: INPUT THREADS. For each output folder on standard input it does a job once and prints its
CPU-seconds (Python and Java)."""

import csv
import os
import pathlib
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable

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


def write_csv(frame: DataFrame, path: str) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(frame.columns)
        writer.writerows(frame.collect())


def cpu_seconds(java: int) -> float:
    fields = pathlib.Path(f"/proc/{java}/stat").read_text().rpartition(")")[2].split()
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + used.ru_utime + used.ru_stime


def serve(job: Callable[[SparkSession, str, str], None]) -> None:
    source, threads = sys.argv[1:]
    local = tempfile.mkdtemp()
    builder = SparkSession.builder.master(f"local[{threads}]").config("spark.local.dir", local)
    for name, value in SETTINGS.items():
        builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    java = spark.sparkContext._gateway.proc
    for line in sys.stdin:
        before = cpu_seconds(java.pid)
        job(spark, source, line.strip())
        print("cpu_seconds", cpu_seconds(java.pid) - before, flush=True)
    spark.stop()
    java.stdin.close()  # it ends; waited for, its CPU time is not taken for that of the next program
    java.wait()
    shutil.rmtree(local, ignore_errors=True)
