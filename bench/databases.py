# SPDX-License-Identifier: Apache-2.0
"""The peers that run a SQL script on files: DuckDB in two versions, of which the faster counts, and chDB."""

import os
import pathlib

import measure
from context import CACHE, PEERS, PYTHON, Engine
from measure import Cost

# Of the benchmarks' Python, and the newest in a folder of its own.
DUCKDB = {"1.5.6": None, "2.0.1": CACHE / "duckdb-2.0.1"}
CHDB = "4.4.0"


def environment(packages: pathlib.Path | None) -> dict[str, str]:
    return {**os.environ, **({"PYTHONPATH": str(packages)} if packages else {})}


def is_there(packages: pathlib.Path | None) -> bool:
    return PYTHON.exists() and (packages is None or packages.exists())


def _engine(kind: str, version: str, script: str, source: pathlib.Path, threads: int, settings: str,
            packages: pathlib.Path | None = None) -> Engine:
    command = [str(PYTHON), str(PEERS / kind / "run.py"), str(PEERS / kind / script), str(source)]

    def run(out: pathlib.Path) -> Cost:
        return measure.run([*command, str(out), str(threads)], out / "log", env=environment(packages))

    name = {"duckdb": "DuckDB", "chdb": "chDB"}[kind]
    return Engine(f"{name} {version}", run, lambda: is_there(packages), f"{settings}, {threads} thread{'s' * (threads > 1)}")


def duckdb(script: str, source: pathlib.Path, threads: int, settings: str = "one SQL script") -> list[Engine]:
    return [_engine("duckdb", version, script, source, threads, settings, packages) for version, packages in DUCKDB.items()]


def chdb(script: str, source: pathlib.Path, threads: int, settings: str = "one SQL script") -> Engine:
    return _engine("chdb", CHDB, script, source, threads, settings)
