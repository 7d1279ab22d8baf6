# SPDX-License-Identifier: Apache-2.0
"""Runs the program as a user would; what all integration tests stand on."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("ADWEAVE", str(ROOT / "build/release/bin/adweave"))


TABLES = ("impressions", "clicks_as_committed", "conversions", "bid_requests", "engagements", "auction_outcomes")
# Commits and sources whose counts do not add up, or whose rows are not those that were accepted.
IMBALANCES = f"""
WITH kept AS (SELECT commit, source, count(*) AS events
              FROM ({" UNION ALL ".join(f"SELECT commit, source FROM {table}" for table in TABLES)}) GROUP BY ALL),
     said AS (SELECT commit, replace(source, 'replay:', '') AS source, sum(received) AS received, sum(accepted) AS accepted,
                     sum(duplicate) AS duplicate, sum(conflict) AS conflict, sum(rejected) AS rejected
              FROM audit WHERE currency IS NULL GROUP BY ALL)
SELECT * FROM said FULL JOIN kept USING (commit, source)
WHERE received IS NULL OR received <> accepted + duplicate + conflict + rejected OR accepted <> coalesce(events, 0)"""


class AdweaveTest(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self._folder.name)
        self.data = self.folder / "data"

    def tearDown(self) -> None:
        self._folder.cleanup()

    def adweave(self, *words: object, code: int = 0, env: dict[str, str] | None = None):
        """Runs adweave and checks its exit code."""
        done = subprocess.run(
            [PROGRAM, *map(str, words)], capture_output=True, text=True, check=False, env={**os.environ, **(env or {})}
        )
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}\n{done.stderr}")
        return done

    def run_config(self, config: object, *words: object, code: int = 0):
        """Runs a configuration; whatever the test is about, every record must be accounted for."""
        done = self.adweave("run", "-c", config, "--data", self.data, *words, code=code)
        if (self.data / "ledger").is_dir():
            self.check_conservation()
        return done

    def check_conservation(self) -> None:
        """Holds for every commit and source, as long as all days are retained."""
        found = self.adweave("sql", "--data", self.data, "--output", "json", IMBALANCES)
        if "are gone since commit" not in found.stderr:
            self.assertEqual(json.loads(found.stdout), [])

    def rows(self, *words: object) -> list[dict]:
        """Rows of a reading command."""
        return json.loads(self.adweave(*words, "--data", self.data, "--output", "json").stdout)

    def sql(self, statement: str) -> list[dict]:
        return self.rows("sql", statement)

    def total(self) -> dict:
        return self.rows("audit")[-1]

    def write(self, name: str, text: str | bytes) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path
