# SPDX-License-Identifier: Apache-2.0
"""Sealed days: plain Parquet for any reader, never a row twice, and no number of ours changes, at any commit asked for."""

import json
import pathlib
import shutil
import unittest

import deltalake
import duckdb
import polars
import pyarrow.dataset
import pyarrow.parquet

from adweave import LAKE_TABLES, VIEWS, AdweaveTest

RUNS = 4
FOOTER = 128 * 1024  # bytes of a file that say what is in its row groups
REPORT = ("report", "--by", "campaign_id", "--by", "currency")


class SealTest(AdweaveTest):
    def setUp(self) -> None:
        super().setUp()
        self.generate_in_parts(("impressions.ndjson",), RUNS + 1, "--events", 8000, "--hours", 60, "--seed", 9)
        self.printed: dict[int, str] = {}  # reports by commit
        for i in range(RUNS):
            self.more(i)

    def more(self, i: int) -> None:
        self.put_part(i)
        self.run_config(self.feed / "adweave.yaml")
        self.printed[self.head()] = self.report()

    def report(self, *words: object) -> str:
        return self.adweave(*REPORT, "--data", self.data, "--output", "csv", *words).stdout

    def table(self, name: str) -> pathlib.Path:
        return self.data / "lake" / name

    def check_printed(self) -> None:
        for commit, report in self.printed.items():
            self.assertEqual(self.report("--as-of", commit), report, f"as of {commit}")

    def plain_rows(self, table: str) -> dict[str, int]:
        """Rows of the plain folders as four readers count them; they agree."""
        if not list(self.table(table).glob("dt=*")):
            return {}
        pattern = f"{self.table(table)}/dt=*/*.parquet"
        query = f"SELECT CAST(dt AS VARCHAR), count(*) FROM read_parquet('{pattern}', hive_partitioning = true) GROUP BY ALL"
        duck = dict(duckdb.sql(query).fetchall())
        frame = polars.scan_parquet(pattern, hive_partitioning=True).group_by("dt").len().collect()
        self.assertEqual({str(row["dt"]): row["len"] for row in frame.to_dicts()}, duck)
        arrow = pyarrow.dataset.dataset(self.table(table), partitioning="hive", format="parquet")
        for day, rows in duck.items():
            self.assertEqual(arrow.count_rows(filter=pyarrow.dataset.field("dt") == day), rows)
        self.assertEqual(arrow.count_rows(), sum(duck.values()))
        for path in self.table(table).glob("dt=*"):
            said = json.loads((path / "_complete.json").read_text())
            self.assertEqual(said["rows"], duck[said["dt"]])
        return duck

    def our_rows(self, table: str, through: int) -> dict[str, int]:
        time = {"credits_log": "conversion_time", "rejects": "first_seen", "duplicates": "received_time",
                "audit": "posting_date"}.get(table, "event_time")
        rows = self.sql(f"SELECT strftime({time} AT TIME ZONE 'UTC', '%Y-%m-%d') AS dt, count(*) AS n "
                        f"FROM {VIEWS.get(table, table)} WHERE commit <= {through} GROUP BY 1")
        return {row["dt"]: row["n"] for row in rows}

    def test_numbers_stay_and_plain_readers_see_each_row_once(self) -> None:
        self.adweave("compact", "--data", self.data)
        self.check_printed()
        sealed_at = self.head()
        self.adweave("seal", "--data", self.data, "--all")
        self.check_printed()
        self.adweave("vacuum", "--data", self.data, "--grace", 0)
        self.check_printed()
        self.check_conservation()
        for table in LAKE_TABLES:
            self.assertEqual(self.plain_rows(table), self.our_rows(table, sealed_at), table)
        # What comes late waits in _recent, and is then sealed beside what is there.
        kept = {path: path.stat().st_ino for path in self.data.glob("lake/*/dt=*/*.parquet")}
        self.more(RUNS)
        for table in LAKE_TABLES:
            self.assertEqual(self.plain_rows(table), self.our_rows(table, sealed_at), table)
        sealed_at = self.head()
        self.adweave("seal", "--data", self.data, "--all")
        self.check_printed()
        for table in LAKE_TABLES:
            self.assertEqual(self.plain_rows(table), self.our_rows(table, sealed_at), table)
        for path, inode in kept.items():
            self.assertEqual(path.stat().st_ino, inode)
        self.assertIn("all sound", self.adweave("verify", "--data", self.data).stdout)
        shutil.rmtree(self.data / "state")
        self.assertIn("nothing to do", self.run_config(self.feed / "adweave.yaml").stdout)
        self.check_printed()

    def test_delta_readers_see_the_same_rows_in_other_files(self) -> None:
        before = {t: deltalake.DeltaTable(str(self.table(t))).to_pyarrow_table().num_rows for t in LAKE_TABLES}
        version = deltalake.DeltaTable(str(self.table("impressions"))).version()
        self.adweave("seal", "--data", self.data, "--all")
        for table, rows in before.items():
            delta = deltalake.DeltaTable(str(self.table(table)))
            self.assertEqual(delta.to_pyarrow_table().num_rows, rows)
            self.assertTrue(all("_recent" not in uri for uri in delta.file_uris()))
        delta = deltalake.DeltaTable(str(self.table("impressions")))
        self.assertEqual(delta.history(1)[0]["operation"], "OPTIMIZE")
        log = self.table("impressions") / "_delta_log" / f"{delta.version():020}.json"
        actions = [json.loads(line) for line in log.read_text().splitlines()]
        changes = {body["dataChange"] for action in actions for kind, body in action.items() if kind in ("add", "remove")}
        self.assertEqual(changes, {False})
        old = deltalake.DeltaTable(str(self.table("impressions")), version=version)
        self.assertEqual(old.to_pyarrow_table().num_rows, before["impressions"])

    def test_sealed_files_are_by_time_and_say_what_they_are(self) -> None:
        self.adweave("seal", "--data", self.data, "--all")
        for path in self.table("impressions").glob("dt=*/*.parquet"):
            file = pyarrow.parquet.ParquetFile(path)
            times = file.read(columns=["event_time"])["event_time"].to_pylist()
            self.assertEqual(times, sorted(times))
            footer = {key.decode(): value.decode() for key, value in file.metadata.metadata.items()}
            commits = file.read(columns=["commit"])["commit"].to_pylist()
            self.assertEqual((footer["adweave.first_commit"], footer["adweave.last_commit"]),
                             (str(min(commits)), str(max(commits))))
            self.assertRegex(file.metadata.created_by, r"^adweave version \d")
            self.assertEqual(footer["adweave.table"], "impressions")
            filters = duckdb.sql(f"SELECT path_in_schema FROM parquet_metadata('{path}') WHERE bloom_filter_offset IS NOT NULL")
            self.assertIn(("event_id",), filters.fetchall())

    def test_today_is_not_sealed_and_nothing_twice(self) -> None:
        today = max(path.parent.name for path in self.table("audit").glob("_recent/dt=*/*"))  # rows of the files' receipt
        self.assertNotIn(today[3:], self.adweave("seal", "--data", self.data).stdout)
        self.assertIn(today[3:], self.adweave("seal", "--data", self.data, "--all").stdout)
        self.assertIn("nothing to seal", self.adweave("seal", "--data", self.data, "--all").stdout)
        self.assertIn("nothing to compact", self.adweave("compact", "--data", self.data).stdout)
        self.assertIn("no AdWeave data folder", self.adweave("seal", "--data", self.folder / "none", code=1).stderr)

    def test_the_warehouse_stays_as_it_is(self) -> None:
        self.assertIn("afresh", self.adweave("rebuild", "warehouse", "--data", self.data).stdout)
        self.adweave("compact", "--data", self.data)
        self.adweave("seal", "--data", self.data, "--all")
        said = self.adweave("rebuild", "warehouse", "--data", self.data, "--update").stdout
        self.assertIn(" 0 of them computed", said)
        self.check_printed()

    def test_vacuum_keeps_what_may_be_read(self) -> None:
        self.adweave("seal", "--data", self.data, "--all")
        recent = sorted(self.data.glob("lake/*/_recent/dt=*/*.parquet"))
        self.assertIn("0 replaced files", self.adweave("vacuum", "--data", self.data).stdout)
        said = self.adweave("vacuum", "--data", self.data, "--grace", 0, "--dry-run").stdout
        self.assertIn(f"{len(recent)} replaced files", said)
        self.assertEqual(sorted(self.data.glob("lake/*/_recent/dt=*/*.parquet")), recent)
        self.adweave("vacuum", "--data", self.data, "--grace", 0)
        self.assertEqual(list(self.data.glob("lake/*/_recent/dt=*/*.parquet")), [])


class PruneTest(AdweaveTest):
    """A query on a sealed day reads the row groups it needs."""

    def test_row_groups_are_skipped(self) -> None:
        self.adweave("generate", "--events", 1_300_000, "--hours", 20, "--out", self.folder / "logs")
        self.adweave("run", "-c", self.folder / "logs/adweave.yaml", "--data", self.data)
        self.adweave("seal", "--data", self.data, "--all")
        [path] = self.data.glob("lake/auction_outcomes/dt=2023-11-01/*.parquet")
        [(least,)] = duckdb.sql(f"SELECT epoch_us(min(event_time)) FROM '{path}'").fetchall()
        [(some_id,)] = duckdb.sql(f"SELECT event_id FROM '{path}' LIMIT 1").fetchall()
        for column, where in (("event_time", f"event_time < make_timestamptz({least} + 60000000)"),
                              ("event_id", f"event_id = '{some_id}'")):
            [(groups, chunk, chunks, filters)] = duckdb.sql(
                "SELECT count(*), max(total_compressed_size), sum(total_compressed_size), coalesce(sum(bloom_filter_length), 0) "
                f"FROM parquet_metadata('{path}') WHERE path_in_schema = '{column}'").fetchall()
            self.assertGreater(groups, 2)
            read = self.bytes_read(f"SELECT count({column}) FROM '{path}' WHERE {where}")
            self.assertLessEqual(read, chunk + filters + FOOTER, where)
            self.assertGreaterEqual(self.bytes_read(f"SELECT count(DISTINCT {column}) FROM '{path}'"), chunks)

    def bytes_read(self, query: str) -> int:
        """As DuckDB's log says; its profile counts no bytes that it reads ahead."""
        duck = duckdb.connect()
        duck.execute("CALL enable_logging('FileSystem')")
        duck.execute(query).fetchall()
        [(read,)] = duck.execute("SELECT sum(bytes) FROM duckdb_logs_parsed('FileSystem') WHERE op = 'READ'").fetchall()
        return read


if __name__ == "__main__":
    unittest.main()
