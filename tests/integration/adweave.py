# SPDX-License-Identifier: Apache-2.0
"""Runs the program as a user would; what all integration tests stand on."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("ADWEAVE", str(ROOT / "build/release/bin/adweave"))


TABLES = ("impressions", "clicks_as_committed", "conversions", "bid_requests", "engagements", "auction_outcomes")
LAKE_TABLES = ("impressions", "clicks", "conversions", "bid_requests", "engagements", "auction_outcomes", "credits_log", "facts",
               "rejects", "duplicates", "audit")
VIEWS = {"clicks": "clicks_as_committed"}  # the views that show a table as it was written
# Commits and sources whose counts do not add up, or whose rows are not those that were accepted.
IMBALANCES = f"""
WITH kept AS (SELECT commit, source, count(*) AS events
              FROM ({" UNION ALL ".join(f"SELECT commit, source FROM {table}" for table in TABLES)}) GROUP BY ALL),
     said AS (SELECT commit, replace(source, 'replay:', '') AS source, sum(received) AS received, sum(accepted) AS accepted,
                     sum(duplicate) AS duplicate, sum(conflict) AS conflict, sum(rejected) AS rejected
              FROM audit WHERE currency IS NULL GROUP BY ALL)
SELECT * FROM said FULL JOIN kept USING (commit, source)
WHERE received IS NULL OR received <> accepted + duplicate + conflict + rejected OR accepted <> coalesce(events, 0)"""


def module_folder() -> pathlib.Path:
    """For setUpModule: a folder that is removed after the module's tests."""
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    return pathlib.Path(folder.name)


def put_file(path: pathlib.Path, content: bytes) -> None:
    """A file that is there whole from its first moment on."""
    new = path.with_name(f".{path.name}")
    new.write_bytes(content)
    new.rename(path)


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
        """Holds for every commit and source, as long as all days are retained; the files are counted whatever is retained."""
        self.adweave("audit", "--recount", "--data", self.data)
        found = self.adweave("sql", "--data", self.data, "--output", "json", IMBALANCES)
        if "are gone since commit" not in found.stderr:
            self.assertEqual(json.loads(found.stdout), [])

    def generate_in_parts(self, feeds: tuple[str, ...], parts: int, *words: object) -> None:
        """Generates logs into self.feed, save these feeds: put_part() brings them part by part."""
        logs = self.folder / "all"
        self.adweave("generate", *words, "--out", logs)
        self.feed = self.folder / "logs"
        shutil.copytree(logs, self.feed, ignore=lambda _, names: [name for name in names if name in feeds])
        self.lines = {name: (logs / name).read_bytes().splitlines(keepends=True) for name in feeds}
        self.parts = parts

    def put_part(self, i: int) -> None:
        """Part i of every such feed, every parts-th line of it, with the header row of a CSV file."""
        part = self.feed / f"late-{i}" if i > 0 else self.feed
        part.mkdir(exist_ok=True)
        for name, lines in self.lines.items():
            head = lines[:1] if name.endswith(".csv") else []
            (part / name).write_bytes(b"".join(head + lines[len(head):][i :: self.parts]))

    def head(self) -> int:
        """The newest commit."""
        return max(int(path.stem) for path in (self.data / "ledger").glob("*.commit"))

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
