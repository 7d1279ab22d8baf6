# SPDX-License-Identifier: Apache-2.0
"""Row 13: KPIs by day, campaign and currency, asked again and again while a run with about a commit a second fills the folder.
Ours: `adweave report` from the warehouse's roll-ups, a process a query. Theirs: DuckDB, a session that stays, over the Parquet
files as they lie there."""

import csv
import json
import os
import pathlib
import subprocess
import time

import inputs
import measure
from context import PEERS, PYTHON, Context
from results import Goal, Result
from rows.ourselves import small_commits
from session import Session

METRICS = "impressions,gross_clicks,spend"


def ask(context: Context, data: pathlib.Path, out: pathlib.Path) -> float:
    command = [context.adweave, "report", "--data", str(data), "--by", "day,campaign_id,currency", "--metrics", METRICS,
               "--output", "csv"]
    return measure.run(command, out / "ours.csv").wall


def live_files(data: pathlib.Path, table: str) -> list[str]:
    """As the table's Delta log names them."""
    live: dict[str, None] = {}
    for path in sorted((data / f"lake/{table}/_delta_log").glob("*.json")):
        for action in map(json.loads, path.read_text().splitlines()):
            if "add" in action:
                live[action["add"]["path"]] = None
            if "remove" in action:
                live.pop(action["remove"]["path"], None)
    return [str(data / "lake" / table / path) for path in live]


def cells(path: pathlib.Path) -> dict[tuple, tuple]:
    with open(path, newline="", encoding="utf-8") as file:
        return {(row["day"], row["campaign_id"], row["currency"]):
                (int(row["impressions"]), int(row["gross_clicks"]), round(float(row["spend"] or 0), 6)) for row in csv.DictReader(file)}


def percentile_99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.99 * len(values)))]


def run(context: Context) -> list[Result]:
    goal = Goal("13", "KPI queries during a run, p99", "DuckDB on Parquet", 30, 100)
    if not PYTHON.exists():
        return [Result(goal, note="absent: ./dev bench --setup installs it")]
    logs, out = inputs.ad_logs(context, 4 * context.events), context.folder("dashboard")  # a run that takes a while
    data = out / "data"
    job = [context.adweave, "run", "-c", str(small_commits(logs)), "--data", str(data), "--threads", str(context.threads)]
    duckdb = Session([str(PYTHON), str(PEERS / "duckdb/kpis.py"), str(data)], out / "duckdb.log", dict(os.environ))
    ours, theirs = [], []
    with open(out / "run.log", "wb") as log, subprocess.Popen(job, stdout=log, stderr=log) as running:
        while running.poll() is None and not list((data / "lake/clicks").rglob("*.parquet")):
            time.sleep(0.01)
        measure.run([context.adweave, "rebuild", "warehouse", "--data", str(data)], out / "rebuild.log")
        duckdb.run(out)
        while running.poll() is None:
            ours.append(ask(context, data, out))
            theirs.append(duckdb.run(out).wall)
    (out / "files.json").write_text(json.dumps({table: live_files(data, table) for table in ("impressions", "clicks")}))
    ask(context, data, out)
    duckdb.run(out)
    duckdb.close()
    if cells(out / "ours.csv") != cells(out / "theirs.csv"):
        return [Result(goal, note="refused, the outputs differ")]
    if not ours:
        return [Result(goal, note="no query fitted into the run: give it more --events")]
    p99 = percentile_99(ours), percentile_99(theirs)
    ratio = p99[1] / p99[0]
    note = f"ours {1000 * p99[0]:.0f} ms, theirs {1000 * p99[1]:.0f} ms, {len(ours)} queries each"
    return [Result(goal, ratio, ratio, ratio, note)]
