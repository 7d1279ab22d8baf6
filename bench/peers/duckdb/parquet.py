# SPDX-License-Identifier: Apache-2.0
"""Writes rows as one Parquet file: INPUT OUTPUT. The rows are those of Parquet files, held as a table in memory; only the
COPY is measured. Prints its CPU-microseconds."""

import resource
import sys

import duckdb

source, target = sys.argv[1:]
database = duckdb.connect(config={"threads": 1})
database.execute(f"CREATE TABLE rows AS FROM read_parquet('{source}/**/*.parquet', hive_partitioning = false)")


def cpu_us() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return round((used.ru_utime + used.ru_stime) * 1e6)


before = cpu_us()
# Level 1 as ours; version 2 brings the delta encodings, without which the file is a quarter larger.
database.execute(f"COPY rows TO '{target}' (COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2)")
print("cpu_us", cpu_us() - before)
