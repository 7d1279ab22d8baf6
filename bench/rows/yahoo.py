# SPDX-License-Identifier: Apache-2.0
"""Rows 2 and 3: the Yahoo streaming benchmark from a JSON file. Of ad events the views are counted by campaign, which the ad's
id leads to, and by windows of 10 s of event time. Every engine reads the same three of the seven fields."""

import csv
import datetime
import os
import pathlib

import databases
import inputs
import measure
from context import CACHE, PEERS, ROOT, Context, Engine
from measure import Cost
from results import Goal, Result
from session import Session

TITLE = "Yahoo streaming benchmark"


def ours(context: Context, events: pathlib.Path) -> Engine:
    command = [context.adweave, "count", "-c", str(events / "yahoo.yaml"), "--by", "campaign_id", "--window", "10s",
               "--output", "csv", "--threads", str(context.threads)]
    return Engine("adweave", lambda out: measure.run(command, out / "windows.csv"))


def spark(context: Context, events: pathlib.Path) -> Engine:
    python = ROOT / ".cache/peers/spark/venv/bin/python"
    command = [str(python), str(PEERS / "spark/yahoo.py"), str(events), str(context.threads)]
    session = Session(command, CACHE / "out/spark-yahoo.log", dict(os.environ))
    return Engine("spark", session.run, python.exists, "PySpark 4.1.1, warm session", session.close)


def windows(path: pathlib.Path) -> dict[tuple[int, str], int]:
    """Events by window (seconds) and campaign. Ours writes times, the peers write seconds."""
    counts = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("note: ")):
            begin = row["window"]
            seconds = int(begin) if begin.isdigit() else int(datetime.datetime.fromisoformat(begin).timestamp())
            counts[seconds, row["campaign_id"]] = int(row["events"])
    return counts


def differences(mine: pathlib.Path, theirs: pathlib.Path) -> list[str]:
    ours_found, others = windows(mine / "windows.csv"), windows(theirs / "windows.csv")
    keys = sorted(ours_found.keys() | others.keys())
    found = [f"{key}: {ours_found.get(key)} and {others.get(key)}" for key in keys if ours_found.get(key) != others.get(key)]
    return found or ([] if keys else ["there are no windows"])


def sql(context: Context) -> list[Result]:
    events = inputs.yahoo(context, context.events)
    peers = [(Goal("2", TITLE, engine.name, 2.5, 4), engine) for engine in databases.duckdb("yahoo.sql", events, context.threads)]
    chdb = databases.chdb("yahoo.sql", events, context.threads)
    peers.append((Goal("2", TITLE, chdb.name, 4, 7), chdb))
    return context.compare(ours(context, events), peers, differences)


def streams(context: Context) -> list[Result]:
    events = inputs.yahoo(context, context.events)
    return context.compare(ours(context, events), [(Goal("3", TITLE, "PySpark", 10, 20), spark(context, events))], differences)
