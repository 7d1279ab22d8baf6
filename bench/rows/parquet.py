# SPDX-License-Identifier: Apache-2.0
"""Row 7: impressions from columns in memory to Parquet with zstd. Ours: lake/ alone. Only the writing is measured."""

import pathlib

import databases
import inputs
import measure
from context import PEERS, PYTHON, Context, Engine
from measure import Cost
from results import Goal, Result

SIZE_MAX = 1.05  # of the peer's file


def printed_cpu(cost: Cost, log: pathlib.Path) -> Cost:
    """What the program says that its measured part took."""
    word, number = log.read_text().split()[-2:]
    assert word == "cpu_us"
    return Cost(int(number) / 1e6, cost.wall)


def size(folder: pathlib.Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


def run(context: Context) -> list[Result]:
    logs = inputs.ad_logs(context, context.events)
    sizes: dict[str, int] = {}  # by folder
    rows = context.folder("rows_to_write")
    write = [str(context.programs / "adweave_stages"), "write", str(logs / "adweave.yaml"), "impressions"]
    measure.run([*write, str(rows)], rows / "log")

    def ours(out: pathlib.Path) -> Cost:
        return printed_cpu(measure.run([*write, str(out)], out / "log"), out / "log")

    def duckdb_peer(version: str, packages: pathlib.Path | None) -> tuple[Goal, Engine]:
        def theirs(out: pathlib.Path) -> Cost:
            command = [str(PYTHON), str(PEERS / "duckdb/parquet.py"), str(rows / "lake"), str(out / "rows.parquet")]
            return printed_cpu(measure.run(command, out / "log", env=databases.environment(packages)), out / "log")

        name = f"DuckDB {version}"
        peer = Engine(name, theirs, lambda: databases.is_there(packages), "zstd level 1, Parquet version 2, one thread")
        return Goal("7", "Parquet write", name, 1.8, 2.5), peer

    def differences(mine: pathlib.Path, other: pathlib.Path) -> list[str]:
        import duckdb

        found = []
        for folder in (mine, other):
            files = f"read_parquet('{folder}/**/*.parquet', hive_partitioning = false)"
            found.append(duckdb.sql(f"SELECT count(*), sum(hash(r)::DECIMAL(38,0)) FROM {files} r").fetchone())
        sizes["ours"], sizes[other.name] = size(mine), size(other)
        problems = [] if found[0] == found[1] else [f"rows: {found[0]} and {found[1]}"]
        if sizes["ours"] > SIZE_MAX * sizes[other.name]:
            problems.append(f"our files have {sizes['ours']:,} bytes, theirs {sizes[other.name]:,}: above {SIZE_MAX}")
        return problems

    peers = [duckdb_peer(*item) for item in databases.DUCKDB.items()]
    found = context.compare(Engine("adweave", ours), peers, differences)
    if sizes:
        context.facts.append("row 7: bytes: " + ", ".join(f"{name} {bytes_:,}" for name, bytes_ in sizes.items()))
    return found
