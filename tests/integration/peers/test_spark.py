# SPDX-License-Identifier: Apache-2.0
"""Spark with Delta, and Spark and Hive's metastore over plain Parquet, read the lake while it grows, is sealed and is cleaned up."""

import concurrent.futures
import datetime
import json
import pathlib
import tempfile
import unittest

import spark as peer
from adweave import LAKE_TABLES, VIEWS, AdweaveTest
from pyspark.sql import DataFrame, Row, SparkSession

FEEDS = ("impressions.ndjson", "auction_outcomes.ndjson", "engagements.ndjson", "clicks_conversions.csv")
FEW = ("impressions", "conversions")  # where one table is like another
BEGUN = 26  # runs before Spark first looks
PARTS = 40

folder: tempfile.TemporaryDirectory
spark: SparkSession


def setUpModule() -> None:
    global folder, spark
    folder = tempfile.TemporaryDirectory()
    spark = peer.start(pathlib.Path(folder.name))


def tearDownModule() -> None:
    spark.stop()
    folder.cleanup()


class SparkTest(AdweaveTest):
    """Feeds that come in parts, a run and so a version of the Delta logs for each."""

    def setUp(self) -> None:
        super().setUp()
        self.generate_in_parts(FEEDS, PARTS, "--events", 20000, "--seed", 7)
        self.columns = {}
        for i in range(BEGUN):
            self.more(i)
        for table in LAKE_TABLES:
            rows = self.sql(f"DESCRIBE {VIEWS.get(table, table)}")
            self.columns[table] = {row["column_name"]: row["column_type"] for row in rows}

    def more(self, i: int) -> None:
        """Part i of every feed, and a run."""
        self.put_part(i)
        self.adweave("run", "-c", self.feed / "adweave.yaml", "--data", self.data)

    def path(self, table: str) -> pathlib.Path:
        return self.data / "lake" / table

    def delta(self, table: str, as_of: str = "") -> DataFrame:
        return spark.sql(f"SELECT * FROM delta.`{self.path(table)}` {as_of}")

    def history(self, table: str) -> list[Row]:
        """Newest first."""
        return spark.sql(f"DESCRIBE HISTORY delta.`{self.path(table)}`").collect()

    def expected(self, table: str, commit: int) -> dict:
        facts = peer.facts_of(self.columns[table], spark=False)
        [row] = self.rows("sql", "--as-of", commit, f"SELECT {facts} FROM {VIEWS.get(table, table)}")
        return row

    def check(self, table: str, frame: DataFrame, commit: int) -> None:
        """The frame shows the table as `adweave sql --as-of COMMIT` does."""
        self.assertEqual(set(frame.columns), {*self.columns[table], "dt"})
        frame.createOrReplaceTempView("t")
        [found] = spark.sql(f"SELECT {peer.facts_of(self.columns[table], spark=True)} FROM t").collect()
        self.assertEqual(found.asDict(), self.expected(table, commit), f"{table} as of commit {commit}")

    def check_version(self, table: str, version: int) -> None:
        commit = peer.committed(self.path(table) / "_delta_log", version)
        self.check(table, self.delta(table, f"VERSION AS OF {version}"), commit)

    def check_all(self, tables: tuple[str, ...] = LAKE_TABLES) -> None:
        """Every table's newest version shows the newest commit."""
        for table in tables:
            with self.subTest(table=table):
                self.check(table, self.delta(table), self.head())

    def days(self, table: str) -> list[datetime.date]:
        return sorted(row.dt for row in self.delta(table).select("dt").distinct().collect())

    def test_spark_reads_while_runs_go_on(self) -> None:
        self.assertTrue(list((self.path("impressions") / "_delta_log").glob("*.checkpoint.parquet")))
        seen = []
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            for i, table in enumerate((*LAKE_TABLES, "impressions"), BEGUN):
                run = pool.submit(self.more, i)
                with self.subTest(table=table):
                    seen.append(self.history(table)[0].version)
                    self.check_version(table, seen[-1])
                run.result()
        self.assertGreater(seen[-1], seen[0])
        self.check_all()

    def test_files_change_and_rows_do_not(self) -> None:
        """compact, seal, what comes late, seal again, and Spark's own VACUUM."""
        self.adweave("compact", "--data", self.data)
        self.check_all(FEW)
        self.more(BEGUN)
        self.adweave("seal", "--data", self.data, "--all")
        sealed = self.head()
        self.check_all()
        self.check_plain(sealed)
        self.more(BEGUN + 1)
        self.vacuum()
        self.check_plain(sealed, FEW)
        self.more(BEGUN + 2)
        self.adweave("seal", "--data", self.data, "--all")
        self.adweave("vacuum", "--data", self.data, "--grace", 0)
        self.vacuum()
        self.check_all()
        self.check_plain(self.head())

    def check_plain(self, commit: int, tables: tuple[str, ...] = LAKE_TABLES) -> None:
        """Readers of plain Parquet see the days sealed by then, no row twice."""
        for table in tables:
            with self.subTest(plain=table):
                frame = spark.read.parquet(str(self.path(table)))
                self.check(table, frame, commit)
                complete = [json.loads(file.read_text()) for file in self.path(table).glob("dt=*/_complete.json")]
                self.assertEqual(sum(day["rows"] for day in complete), frame.count())

    def vacuum(self) -> None:
        """Spark removes a file that belongs to nobody, and nothing else."""
        stranger = next(self.path("impressions").glob("dt=*")) / "part-stranger.parquet"
        stranger.write_bytes(b"PAR1")
        for table in FEW:
            live = set(self.delta(table).inputFiles())
            spark.sql(f"VACUUM delta.`{self.path(table)}` RETAIN 0 HOURS")
            self.assertEqual(set(self.delta(table).inputFiles()), live)
        self.assertFalse(stranger.exists())
        self.adweave("verify", "--data", self.data)
        self.check_all(FEW)

    def test_time_travel(self) -> None:
        history = {row.version: row.timestamp for row in self.history("impressions")}
        self.assertEqual(sorted(history), list(range(BEGUN)))
        self.adweave("compact", "--data", self.data)
        self.adweave("seal", "--data", self.data, "--all")
        for version in (0, 9, 11, BEGUN - 1):
            self.check_version("impressions", version)
            commit = peer.committed(self.path("impressions") / "_delta_log", version)
            self.check("impressions", self.delta("impressions", f"TIMESTAMP AS OF '{history[version]}'"), commit)

    def test_filters_open_few_files(self) -> None:
        commit = self.head() - 1
        frame = self.delta("impressions")
        files, rows = peer.scanned(frame.where(f"commit = {commit}").select("event_id"))  # by statistics
        [expected] = self.sql(f"SELECT count(*) AS n FROM impressions WHERE commit = {commit}")
        self.assertEqual(rows, expected["n"])
        self.assertLess(files, 5)
        self.assertGreater(len(frame.inputFiles()), 15)  # runs have merged some of the files
        self.adweave("seal", "--data", self.data, "--all")
        days = self.days("impressions")
        self.assertGreater(len(days), 1)
        for frame in (self.delta("impressions"), spark.read.parquet(str(self.path("impressions")))):
            self.assertEqual(len(frame.inputFiles()), len(days))
            self.check_day(frame, days[-1])

    def check_day(self, frame: DataFrame, day: datetime.date) -> None:
        """A filter on the partition column opens that day's file alone."""
        files, rows = peer.scanned(frame.where(f"dt = DATE '{day}'").select("event_id"))
        [expected] = self.sql(f"SELECT count(*) AS n FROM impressions WHERE event_time::DATE = DATE '{day}'")
        self.assertEqual((files, rows), (1, expected["n"]))

    def test_hive_and_spark_tables_over_the_sealed_days(self) -> None:
        """The statements that `adweave ddl` prints."""
        self.adweave("seal", "--data", self.data, "--all")
        for dialect, tables in (("hive", LAKE_TABLES), ("spark", FEW)):
            text = self.adweave("ddl", "--for", dialect, "--data", self.data, "--schema", dialect).stdout
            spark.sql(f"CREATE DATABASE {dialect}")
            for statement in peer.statements(text):
                spark.sql(statement)
            for table in tables:
                with self.subTest(dialect=dialect, table=table):
                    self.check(table, spark.table(f"{dialect}.ad_{table}"), self.head())
            days = self.days("impressions")
            found = [row.partition for row in spark.sql(f"SHOW PARTITIONS {dialect}.ad_impressions").collect()]
            self.assertEqual(sorted(found), [f"dt={day}" for day in days])
            self.check_day(spark.table(f"{dialect}.ad_impressions"), days[-1])


if __name__ == "__main__":
    unittest.main()
