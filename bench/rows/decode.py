# SPDX-License-Identifier: Apache-2.0
"""Rows 1, 5 and 6: files to typed columns with the shipped decoders and a normal configuration, one thread each."""

import pathlib

import databases
import inputs
import measure
import outputs
from context import Context, Engine
from results import Goal, Result


def ours(context: Context, config: pathlib.Path, source: str) -> Engine:
    command = [str(context.programs / "adweave_stages"), "decode", str(config), source]
    return Engine("adweave", lambda out: measure.run(command, out / "sums"))


def bare(context: Context, program: str, words: list, settings: str) -> Engine:
    path = context.programs / program
    name = " ".join([program, *(word for word in map(str, words) if word.startswith("--"))])
    return Engine(name, lambda out: measure.run([str(path), *map(str, words)], out / "sums"), path.exists, settings)


def compare(context: Context, engine: Engine, peers: list[tuple[Goal, Engine]]) -> list[Result]:
    return context.compare(engine, peers, lambda mine, theirs: outputs.differences(mine / "sums", theirs / "sums"))


def less_checked(mine: pathlib.Path, theirs: pathlib.Path) -> list[str]:
    """A loop that checks less takes more rows: then every column must have at least our values."""
    if "unchecked" not in theirs.name:
        return outputs.differences(mine / "sums", theirs / "sums")
    found, ours_found = outputs.sums(theirs / "sums"), outputs.sums(mine / "sums")
    return [f"{name}: {ours_found.get(name)} and {numbers}" for name, numbers in found.items()
            if name not in ours_found or int(numbers[0]) < int(ours_found[name][0])]


def json(context: Context) -> list[Result]:
    logs = inputs.ad_logs(context, context.events)
    files = [logs / "impressions.ndjson", logs / "late/impressions.ndjson"]
    simdjson = "simdjson 3.9.4 On-Demand, one pass, every value read"
    peers = [
        (Goal("1", "JSON decode", "bare simdjson", 0.6, 0.8, "%"), bare(context, "bare_simdjson", files, simdjson)),
        (Goal("1", "JSON decode", "bare simdjson, less checked", None, None, "%"),
         bare(context, "bare_simdjson", ["--unchecked", *files], simdjson + ", validated only where it cannot be read otherwise")),
    ]
    return context.compare(ours(context, logs / "adweave.yaml", "impressions"), peers, less_checked)


def avro(context: Context) -> list[Result]:
    logs = inputs.ad_logs(context, context.events)
    files = [logs / "bid_requests.avro", logs / "late/bid_requests.avro"]
    chdb = databases.chdb("avro.sql", logs, 1)
    peers = [
        (Goal("5", "Avro decode", chdb.name, 2.5, 3.5), chdb),
        (Goal("5", "Avro decode", "avro-c", 3.5, 5), bare(context, "bare_avro_c", files, "Debian's libavro, generic values")),
    ]
    return compare(context, ours(context, logs / "adweave.yaml", "bid_requests"), peers)


def csv(context: Context) -> list[Result]:
    clicks = inputs.clicks(context, context.events // 4)
    peers = [(Goal("6", "CSV decode", peer.name, 3, 5), peer) for peer in databases.duckdb("csv.sql", clicks, 1, "typed columns")]
    return compare(context, ours(context, clicks / "clicks.yaml", "clicks"), peers)
