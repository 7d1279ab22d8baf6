# SPDX-License-Identifier: Apache-2.0
"""One Spark of two threads with Delta and Hive's metastore, as docs/lake.md tells a user to set it up, and our SQL beside it."""

import json
import os
import pathlib
import re

from adweave import ROOT
from pyspark.sql import DataFrame, SparkSession

# Of docs/lake.md, section Spark.
SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",  # for VACUUM ... RETAIN 0 HOURS
}


def start(folder: pathlib.Path) -> SparkSession:
    """Everything that it writes is in the folder; it listens on this machine alone."""
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    jars = sorted(map(str, (ROOT / ".cache/peers/jars/spark").glob("*.jar")))
    local = {
        "spark.jars": ",".join(jars),
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": f"{folder}/local",
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",  # plans stay as they are printed
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        # Queries over few rows: compiling them takes longer than running them.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder} -XX:TieredStopAtLevel=1",
    }
    builder = SparkSession.builder.master("local[2]").enableHiveSupport()
    for name, value in (SETTINGS | local).items():
        builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def scanned(frame: DataFrame) -> tuple[int, int]:
    """Runs a query on one table: files that its scan opened, rows that came out of the query."""
    rows = len(frame.collect())
    leaves = frame._jdf.queryExecution().executedPlan().collectLeaves()
    return leaves.apply(0).metrics().apply("numFiles").value(), rows


def committed(log: pathlib.Path, version: int) -> int:
    """The ledger's commit that a version of a table shows."""
    for line in (log / f"{version:020}.json").read_text().splitlines():
        txn = json.loads(line).get("txn", {})
        if txn.get("appId", "").startswith("adweave/"):
            return txn["version"]
    raise AssertionError(f"version {version} of {log} does not say which commit it shows")


def statements(text: str) -> list[str]:
    return [one for one in re.split(r";\s*\n", text) if one.strip()]


# How a value is written by both programs: {0} is the column.
DUCKDB = {"TIMESTAMP": "CAST(epoch_us({0}) AS STRING)", "BLOB": "hex({0})", "DOUBLE": "CAST(CAST({0} AS DECIMAL(38,6)) AS STRING)"}
SPARK = DUCKDB | {"TIMESTAMP": "CAST(unix_micros({0}) AS STRING)"}
DUCKDB_NUMBER, SPARK_NUMBER = "CAST('0x' || {0} AS BIGINT)", "CAST(conv({0}, 16, 10) AS BIGINT)"


def facts_of(columns: dict[str, str], spark: bool) -> str:
    """What a table holds, in one row: rows, values of each column, ids, money, and a digest of all rows in any order."""
    quote, texts, number = ("`", SPARK, SPARK_NUMBER) if spark else ('"', DUCKDB, DUCKDB_NUMBER)
    quoted = {column: quote + column + quote for column in columns}
    parts = ["count(*) AS n", *(f"count({name}) AS {name}" for name in quoted.values())]
    parts.append(f"count(DISTINCT {next(iter(quoted.values()))}) AS ids")
    parts += [
        f"CAST(sum({quoted[column]}) AS STRING) AS {column}_sum" for column, kind in columns.items() if kind.startswith("DECIMAL")
    ]
    values = [
        f"coalesce({texts.get(kind.split()[0], 'CAST({0} AS STRING)').format(quoted[column])}, '~')"
        for column, kind in columns.items()
    ]
    digest = number.format(f"substr(md5(concat_ws('|', {', '.join(values)})), 1, 12)")
    return ", ".join([*parts, f"CAST(sum({digest}) AS STRING) AS digest"])
