# SPDX-License-Identifier: Apache-2.0
"""`ddl`: DuckDB runs its statements and counts the rows that `adweave sql` counts; an independent parser of the other
dialects finds in theirs the columns and types that the Parquet files have."""

import logging
import os
import pathlib
import unittest

import duckdb
import pyarrow.parquet
import sqlglot
from sqlglot import expressions

from adweave import AdweaveTest

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it knows MSCK and CALL by their first word alone, and warns

LAKE = "s3://bucket/lake"
# What the values of a Parquet column become, by dialect.
TYPES = {kind: dict(zip(("hive", "spark", "trino", "redshift", "postgres"), types, strict=True)) for kind, types in {
    "string": ("STRING", "STRING", "VARCHAR", "VARCHAR(65535)", "TEXT"),
    "timestamp[us, tz=UTC]": ("TIMESTAMP", "TIMESTAMP", "TIMESTAMP(3)", "TIMESTAMP", "TIMESTAMPTZ"),
    "decimal128(18, 9)": ["DECIMAL(18,9)"] * 5,
    "decimal128(38, 9)": ["DECIMAL(38,9)"] * 5,
    "int64": ["BIGINT"] * 5,
    "double": ("DOUBLE", "DOUBLE", "DOUBLE", "DOUBLE PRECISION", "DOUBLE PRECISION"),
    "bool": ["BOOLEAN"] * 5,
    "binary": ("BINARY", "BINARY", "VARBINARY", "VARBYTE(1048576)", "BYTEA"),
}.items()}
PARTITIONED = ("hive", "spark", "trino")


class DdlTest(AdweaveTest):
    """A lake of which some days are where plain readers look."""

    def setUp(self) -> None:
        super().setUp()
        logs = self.folder / "logs"
        self.adweave("generate", "--events", 3000, "--seed", 5, "--out", logs)
        self.run_config(logs / "adweave.yaml")
        for part in sorted(self.data.glob("lake/*/_recent/dt=*/*.parquet")):
            day = part.parent.parent.parent / part.parent.name
            day.mkdir(exist_ok=True)
            os.link(part, day / part.name)

    def tables(self) -> dict[str, pathlib.Path]:
        """Tables that have a sealed day, each with one of its files."""
        return {path.parent.parent.name: path for path in self.data.glob("lake/*/dt=*/*.parquet")}

    def ddl(self, dialect: str, *words: object) -> str:
        return self.adweave("ddl", "--for", dialect, *words).stdout

    def test_duckdb_counts_the_same_rows(self) -> None:
        duck = duckdb.connect()
        duck.execute(self.ddl("duckdb", "--data", self.data))
        tables = self.tables()
        self.assertGreater(len(tables), 8)
        for table in tables:
            view = "clicks_as_committed" if table == "clicks" else table
            [row] = self.sql(f"SELECT count(*) AS n FROM {view}")
            self.assertEqual(duck.sql(f"SELECT count(*) FROM ad_{table}").fetchone(), (row["n"],), table)
        dt, days = duck.sql("SELECT typeof(any_value(dt)), count(DISTINCT dt) FROM ad_impressions").fetchone()
        self.assertEqual((dt, days), ("DATE", len(list(self.data.glob("lake/impressions/dt=*")))))
        duck.execute(self.ddl("duckdb", "--data", self.data))  # again: nothing is in the way
        comments = duck.sql("SELECT count(comment) FROM duckdb_columns() WHERE table_name = 'ad_clicks'").fetchone()
        self.assertGreater(comments[0], 20)

    def test_another_parser_finds_the_columns_of_the_files(self) -> None:
        for dialect in ("hive", "spark", "trino", "redshift", "postgres"):
            text = self.ddl(dialect, "--location", LAKE, *(word for table in self.tables() for word in ("--table", table)))
            created = [tree for tree in sqlglot.parse(text, read=dialect) if isinstance(tree, expressions.Create)]
            for tree, (table, file) in zip(created, self.tables().items(), strict=True):
                with self.subTest(dialect=dialect, table=table):
                    self.assertEqual(tree.find(expressions.Table).name, f"ad_{table}")
                    found = [(column.name, column.kind) for column in tree.find_all(expressions.ColumnDef)]
                    if dialect in PARTITIONED:
                        self.assertEqual(found.pop(), ("dt", expressions.DataType.build("DATE")))
                    self.assertEqual(found, self.columns(file, dialect))  # in this order: Redshift loads Parquet by position

    def columns(self, file: pathlib.Path, dialect: str) -> list[tuple[str, expressions.DataType]]:
        columns = []
        for field in pyarrow.parquet.read_schema(file):
            kind = "string" if pyarrow.types.is_dictionary(field.type) else str(field.type)
            columns.append((field.name, expressions.DataType.build(TYPES[kind][dialect], dialect=dialect)))
        return columns

    def test_partitions_are_found_by_a_statement_behind_each_table(self) -> None:
        for dialect, words in {"hive": "MSCK REPAIR TABLE ads.ad_clicks SYNC PARTITIONS;",
                               "spark": "MSCK REPAIR TABLE ads.ad_clicks SYNC PARTITIONS;",
                               "trino": "CALL system.sync_partition_metadata(schema_name => 'ads', table_name => 'ad_clicks', "
                                        "mode => 'FULL');"}.items():
            text = self.ddl(dialect, "--location", LAKE + "/", "--schema", "ads", "--table", "clicks")
            self.assertEqual(text.splitlines()[-1], words)
            self.assertIn("'s3://bucket/lake/clicks'", text)

    def test_without_sealed_days_tables_are_named(self) -> None:
        empty = self.folder / "empty"
        empty.mkdir()
        self.assertIn("no day of", self.adweave("ddl", "--for", "hive", "--data", empty, code=1).stderr)
        text = self.ddl("hive", "--data", empty, "--table", "audit")
        self.assertIn(f"LOCATION 'file://{empty}/lake/audit'", text)

    def test_mistakes(self) -> None:
        self.assertIn("--location s3://", self.adweave("ddl", "--for", "redshift", "--data", self.data, code=2).stderr)
        self.assertIn("--data DIR or --location", self.adweave("ddl", "--for", "hive", code=2).stderr)
        self.assertIn("no table 'nope'", self.adweave("ddl", "--for", "postgres", "--table", "nope", code=2).stderr)
        self.assertIn("not made of letters", self.adweave("ddl", "--for", "postgres", "--prefix", "a b", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
