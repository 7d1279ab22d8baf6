# SPDX-License-Identifier: Apache-2.0
"""Row 4: impressions (JSON), clicks and conversions (CSV), bid requests (Avro, or JSON where a peer reads none) -> repeats
dropped, campaign and time joined, last touch with windows, campaign x hour KPIs, all events as Parquet zstd."""

import os
import pathlib

import databases
import inputs
import measure
from context import CACHE, PEERS, ROOT, Context, Engine
from measure import Cost
from results import Goal, Result
from session import Session

METRICS = "impressions,clicks,spend,conversions,attributed_revenue"
# Sums of hashes do not depend on the order of rows; both sides are hashed by the same DuckDB.
TABLES = {
    "impressions": "event_id, epoch_us(event_time), user_id, advertiser_id, campaign_id, creative_id, website, cost, currency, "
                   "viewable::BOOL, time_on_ad_ms, interactions, user_agent, part_of_day, weekday::INT, is_weekend::BOOL, season",
    "clicks": "event_id, epoch_us(event_time), user_id, advertiser_id, campaign_id, cost, currency, is_double_click::BOOL, "
              "user_agent, part_of_day, weekday::INT, is_weekend::BOOL, season",
    "conversions": "event_id, epoch_us(event_time), user_id, advertiser_id, reported_campaign_id, conversion_type, value, "
                   "currency, order_id, adjustment, adjusts, part_of_day, weekday::INT, is_weekend::BOOL, season",
    "bid_requests": "event_id, epoch_us(event_time), user_id, auction_id, website, floor, currency, user_agent, part_of_day, "
                    "weekday::INT, is_weekend::BOOL, season",
    "attributed": "event_id, touch_id, touch_kind, epoch_us(touch_time), campaign_id, "
                  "coalesce(value, 0)::DECIMAL(18,9), currency",
}
OUR_TABLES = {"attributed": "(SELECT *, conversion_id AS event_id FROM credits WHERE credit > 0)"}


def ours(context: Context, logs: pathlib.Path) -> Engine:
    def run(out: pathlib.Path) -> Cost:
        config = str(logs / "whole_job.yaml")
        data = ["--data", str(out / "data")]
        report = ["report", *data, "--by", "hour,campaign_id,currency", "--metrics", METRICS, "--output", "csv"]
        return (measure.run([context.adweave, "run", "-c", config, *data, "--threads", str(context.threads)], out / "log")
                + measure.run([context.adweave, *report], out / "kpi.csv"))

    return Engine("adweave", run)


def spark(context: Context, logs: pathlib.Path) -> Engine:
    python = ROOT / ".cache/peers/spark/venv/bin/python"
    command = [str(python), str(PEERS / "spark/whole_job.py"), str(logs), str(context.threads)]
    session = Session(command, CACHE / "out/spark.log", dict(os.environ))
    return Engine("spark", session.run, python.exists, "PySpark 4.1.1, warm session, bid requests as JSON", session.close)


def differences(context: Context, mine: pathlib.Path, theirs: pathlib.Path) -> list[str]:
    import duckdb  # of the benchmarks' Python, where a peer was run

    found = []
    database = duckdb.connect()
    for table, columns in TABLES.items():
        our_table = OUR_TABLES.get(table, table)
        statement = f"SELECT count(*) AS rows, sum(hash({columns})::DECIMAL(38,0)) AS sum FROM "
        log = mine / f"{table}.csv"
        measure.run([context.adweave, "sql", "--data", str(mine / "data"), "--output", "csv", statement + our_table], log)
        our_sum = tuple(log.read_text().split("\n")[1].split(","))
        written = theirs / f"{table}.parquet"
        files = f"{written}/*.parquet" if written.is_dir() else str(written)  # Spark writes folders
        their_sum = tuple(map(str, database.execute(f"{statement} '{files}'").fetchone()))
        if our_sum != their_sum:
            found.append(f"{table}: {our_sum[0]} rows, {their_sum[0]} rows" + (", sums differ" * (our_sum[0] == their_sum[0])))
    kpis = [kpi_cells(database, folder / "kpi.csv") for folder in (mine, theirs)]
    if kpis[0] != kpis[1]:
        cell = next((a, b) for a, b in zip(*kpis) if a != b) if len(kpis[0]) == len(kpis[1]) else map(len, kpis)
        found.append("KPIs: {} and {}".format(*cell))
    return found


def kpi_cells(database, path: pathlib.Path) -> list[tuple]:
    return database.execute(f"""
        SELECT strftime(hour::TIMESTAMP, '%Y-%m-%dT%H'), nullif(campaign_id, '') AS campaign, currency, impressions::BIGINT,
               clicks::BIGINT, coalesce(spend::DECIMAL(18,9), 0), conversions::BIGINT,
               coalesce(attributed_revenue::DECIMAL(18,9), 0)
        FROM read_csv('{path}', header = true, all_varchar = true, nullstr = ['', '\\N']) ORDER BY ALL""").fetchall()


def run(context: Context) -> list[Result]:
    logs = inputs.ad_logs(context, context.events)
    title = "whole job"
    chdb = databases.chdb("whole_job.sql", logs, context.threads, "one SQL script, bid requests as Avro")
    peers = [(Goal("4", title, peer.name, 3, 4.5), peer)
             for peer in databases.duckdb("whole_job.sql", logs, context.threads, "one SQL script, bid requests as JSON")]
    peers += [(Goal("4", title, chdb.name, 4, 6), chdb), (Goal("4", title, "PySpark", 12, 20), spark(context, logs))]
    return context.compare(ours(context, logs), peers, lambda mine, theirs: differences(context, mine, theirs))
