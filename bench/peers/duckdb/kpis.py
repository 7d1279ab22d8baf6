# SPDX-License-Identifier: Apache-2.0
"""KPIs from the Parquet files of a data folder, in one session: DATA. For each output folder on standard input it asks once and
prints its CPU-seconds. The files are those of OUTPUT/files.json, else whatever lies in the lake."""

import json
import pathlib
import resource
import sys

import duckdb

STATEMENT = """
COPY (
  SELECT strftime(event_time, '%Y-%m-%d') AS day, campaign_id, currency, count(*) FILTER (kind = 'i') AS impressions,
    count(*) FILTER (kind = 'c') AS gross_clicks, sum(cost) AS spend
  FROM (
    SELECT 'i' AS kind, event_time, campaign_id, currency, cost FROM read_parquet({impressions}, hive_partitioning = false)
    UNION ALL
    SELECT 'c', event_time, campaign_id, currency, cost FROM read_parquet({clicks}, hive_partitioning = false))
  GROUP BY ALL ORDER BY ALL
) TO '{out}/theirs.csv' (FORMAT csv, HEADER)"""


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    data = sys.argv[1]
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    for line in sys.stdin:
        before, out = cpu_seconds(), pathlib.Path(line.strip())
        files = {table: f"{data}/lake/{table}/**/*.parquet" for table in ("impressions", "clicks")}
        if (out / "files.json").exists():
            files = json.loads((out / "files.json").read_text())
        database.execute(STATEMENT.format(out=out, **{table: repr(paths) for table, paths in files.items()}))
        print("cpu_seconds", cpu_seconds() - before, flush=True)


if __name__ == "__main__":
    main()
