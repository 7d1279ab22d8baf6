# SPDX-License-Identifier: Apache-2.0
"""Rows 1, 5 and 6: files to typed columns with the shipped decoders and a normal configuration, one thread each."""

import pathlib

import inputs
import measure
import outputs
from context import PEERS, PYTHON, Context, Engine
from measure import Cost
from results import Goal, Result


def ours(context: Context, config: pathlib.Path, source: str) -> Engine:
    command = [str(context.programs / "adweave_stages"), "decode", str(config), source]
    return Engine("adweave", lambda out: measure.run(command, out / "sums"))


def bare(context: Context, program: str, files: list[pathlib.Path], settings: str) -> Engine:
    path = context.programs / program
    return Engine(program, lambda out: measure.run([str(path), *map(str, files)], out / "sums"), path.exists, settings)


def sql(name: str, script: str, folder: pathlib.Path, settings: str) -> Engine:
    """A peer's script that prints our sums, on one thread."""
    command = [str(PYTHON), str(PEERS / name / "run.py"), str(PEERS / name / script), str(folder)]

    def run(out: pathlib.Path) -> Cost:
        return measure.run([*command, str(out), "1"], out / "log")

    return Engine(name, run, PYTHON.exists, settings)


def compare(context: Context, engine: Engine, peers: list[tuple[Goal, Engine]]) -> list[Result]:
    return context.compare(engine, peers, lambda mine, theirs: outputs.differences(mine / "sums", theirs / "sums"))


def json(context: Context) -> list[Result]:
    logs = inputs.ad_logs(context, context.events)
    files = [logs / "impressions.ndjson", logs / "late/impressions.ndjson"]
    peer = bare(context, "bare_simdjson", files, "simdjson 3.9.4 On-Demand, one pass, every value read")
    goal = Goal("1", "JSON decode", "bare simdjson", 0.6, 0.8, "%")
    return compare(context, ours(context, logs / "adweave.yaml", "impressions"), [(goal, peer)])


def avro(context: Context) -> list[Result]:
    logs = inputs.ad_logs(context, context.events)
    files = [logs / "bid_requests.avro", logs / "late/bid_requests.avro"]
    peers = [
        (Goal("5", "Avro decode", "chDB", 2.5, 3.5), sql("chdb", "avro.sql", logs, "4.4.0, one thread")),
        (Goal("5", "Avro decode", "avro-c", 3.5, 5), bare(context, "bare_avro_c", files, "Debian's libavro, generic values")),
    ]
    return compare(context, ours(context, logs / "adweave.yaml", "bid_requests"), peers)


def csv(context: Context) -> list[Result]:
    clicks = inputs.clicks(context, context.events // 4)
    peer = sql("duckdb", "csv.sql", clicks, "1.5.6, typed columns, one thread")
    return compare(context, ours(context, clicks / "clicks.yaml", "clicks"), [(Goal("6", "CSV decode", "DuckDB", 3, 5), peer)])
