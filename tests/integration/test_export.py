# SPDX-License-Identifier: Apache-2.0
"""`export`: files that other programs read with the values that `adweave sql` shows, there whole or not at all."""

import csv
import decimal
import json
import pathlib
import subprocess
import time
import unittest

import pyarrow.csv
import pyarrow.parquet

from adweave import PROGRAM, AdweaveTest

SELECT = "SELECT event_id, event_time, cost, viewable FROM impressions ORDER BY event_id"


class ExportTest(AdweaveTest):
    """A ledger of two runs."""

    def setUp(self) -> None:
        super().setUp()
        logs = self.folder / "logs"
        self.adweave("generate", "--events", 3000, "--seed", 5, "--out", logs)
        self.run_config(logs / "adweave.yaml")
        self.first = self.sql("SELECT max(commit) AS n FROM impressions")[0]["n"]
        more = self.folder / "more"
        self.adweave("generate", "--events", 500, "--seed", 6, "--out", more)
        (logs / "late-1").mkdir()
        (more / "impressions.ndjson").rename(logs / "late-1" / "impressions.ndjson")
        self.run_config(logs / "adweave.yaml")

    def export(self, name: str, *words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self.adweave("export", "--data", self.data, "--to", self.folder / name, *words, code=code)

    def test_text_has_what_sql_shows(self) -> None:
        expected = [dict(row, cost=decimal.Decimal(row["cost"]) if row["cost"] else None) for row in self.sql(SELECT)]
        self.assertGreater(len(expected), 300)
        for row in expected:  # a point and six digits, also when they are zero
            whole, point, digits = row["event_time"].removesuffix("Z").partition(".")
            row["event_time"] = f"{whole}.{digits if point else '':0<6}Z"
        said = self.export("rows.json", SELECT).stdout
        size = (self.folder / "rows.json").stat().st_size
        self.assertIn(f"rows.json: {len(expected)} rows, {size} bytes", said)
        text = (self.folder / "rows.json").read_text()
        self.assertEqual(json.loads(text, parse_float=decimal.Decimal), expected)
        self.export("rows.jsonl", SELECT)
        lines = (self.folder / "rows.jsonl").read_text().splitlines()
        self.assertEqual([json.loads(line, parse_float=decimal.Decimal) for line in lines], expected)
        self.export("rows.txt", "--format", "csv", SELECT)
        with (self.folder / "rows.txt").open(newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([decimal.Decimal(row["cost"]) if row["cost"] else None for row in rows], [row["cost"] for row in expected])
        self.assertEqual([row["event_time"] for row in rows], [row["event_time"] for row in expected])

    def test_parquet_keeps_types(self) -> None:
        self.export("clicks.parquet", "--table", "clicks")
        table = pyarrow.parquet.read_table(self.folder / "clicks.parquet")
        [shown] = self.sql("SELECT count(*) AS n, sum(cost) AS cost FROM clicks")
        self.assertEqual(table.num_rows, shown["n"])
        self.assertEqual(sum(cost.as_py() for cost in table["cost"] if cost.as_py() is not None), decimal.Decimal(shown["cost"]))
        self.assertEqual(str(table.schema.field("event_time").type), "timestamp[us, tz=UTC]")
        self.assertEqual(str(table.schema.field("cost").type), "decimal128(18, 9)")
        self.export("kpi.parquet", "--table", "kpi")
        self.assertGreater(pyarrow.parquet.read_table(self.folder / "kpi.parquet").num_rows, 0)

    def test_as_of_a_commit(self) -> None:
        self.export("now.csv", "--table", "impressions")
        self.export("then.csv", "--table", "impressions", "--as-of", self.first)
        now, then = (pyarrow.csv.read_csv(self.folder / name).num_rows for name in ("now.csv", "then.csv"))
        [shown] = self.rows("sql", f"SELECT count(*) AS n FROM impressions WHERE commit <= {self.first}")
        self.assertEqual(then, shown["n"])
        self.assertGreater(now, then)

    def test_a_file_is_replaced_by_force_alone(self) -> None:
        (self.folder / "kept.csv").write_text("mine")
        self.assertIn("--force", self.export("kept.csv", "SELECT 1 AS one", code=2).stderr)
        self.export("kept.csv", "--force", "SELECT error('no') FROM impressions", code=1)
        self.assertEqual((self.folder / "kept.csv").read_text(), "mine")
        self.export("kept.csv", "--force", "SELECT 1 AS one;")
        self.assertEqual((self.folder / "kept.csv").read_text(), "one\n1\n")
        self.assertEqual(self.left_over(), [])

    def left_over(self) -> list[pathlib.Path]:
        return list(self.folder.glob("*.new"))

    def test_a_kill_leaves_no_half_file(self) -> None:
        """Half a file may stand beside it, under a name of its own."""
        select = "SELECT random() FROM range(10000000000)"
        words = [PROGRAM, "export", "--data", str(self.data), "--to", str(self.folder / "big.csv"), select]
        with subprocess.Popen(words) as process:
            deadline = time.monotonic() + 60
            while not any(path.stat().st_size > 0 for path in self.left_over()) and time.monotonic() < deadline:
                time.sleep(0.01)
            process.kill()
        self.assertEqual(len(self.left_over()), 1)
        self.assertFalse((self.folder / "big.csv").exists())

    def test_nothing_else_is_read_or_written(self) -> None:
        secret = self.write("secret.csv", "a\n1\n")
        other = self.folder / "other.csv"
        for statement in (f"SELECT * FROM read_csv('{secret}')", f"COPY (SELECT 1) TO '{other}'", "SELECT 1; SELECT 2",
                          "SELECT 1) TO '/tmp/x' --", "EXPLAIN SELECT 1", "DROP VIEW clicks", "SELECT nothing"):
            self.export("refused.csv", statement, code=1)
            self.assertFalse((self.folder / "refused.csv").exists())
        self.assertFalse(other.exists())

    def test_mistakes(self) -> None:
        self.assertIn("does not tell its format", self.export("rows", "SELECT 1", code=2).stderr)
        self.assertIn("give a SELECT", self.export("rows.csv", code=2).stderr)
        self.assertIn("give a SELECT", self.export("rows.csv", "--table", "clicks", "SELECT 1", code=2).stderr)
        self.assertIn("only the rows of a SELECT", self.export("rows.csv", "EXPLAIN SELECT 1", code=1).stderr)
        self.assertIn("there is no commit 99", self.export("rows.csv", "--as-of", 99, "SELECT 1", code=2).stderr)
        self.export("missing/rows.csv", "SELECT 1", code=1)


if __name__ == "__main__":
    unittest.main()
