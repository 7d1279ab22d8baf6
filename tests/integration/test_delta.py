# SPDX-License-Identifier: Apache-2.0
"""The lake as other programs read it: delta-rs, Polars, DuckDB with its Delta extension, ClickHouse and pyarrow see the
rows, types, nulls and sums that `adweave sql` gives."""

import contextlib
import datetime
import decimal
import json
import pathlib
import unittest

import chdb
import deltalake
import duckdb
import duckdb_extension_delta
import polars
import pyarrow.dataset

from adweave import LAKE_TABLES, VIEWS, AdweaveTest

MONEY = {"impressions": "cost", "clicks": "cost", "conversions": "value", "credits_log": "value"}
COMMITS = 26


def facts_of(columns: list[str], table: str) -> str:
    """One row that says how many rows, values and how much money a table holds, in SQL that every engine takes."""
    parts = ["count(*) AS n", *(f'count("{column}") AS "{column}"' for column in columns)]
    if table in MONEY:
        parts.append(f"CAST(sum({MONEY[table]}) AS VARCHAR) AS money")
    return ", ".join(parts)


class DeltaTest(AdweaveTest):
    """Twenty-six runs over files that come one by one."""

    def setUp(self) -> None:
        super().setUp()
        self.generate_in_parts(("impressions.ndjson",), COMMITS, "--events", 6000, "--seed", 5)
        self.printed: dict[int, list[dict]] = {}  # by version of the log
        for i in range(COMMITS):
            self.more(i)

    def more(self, i: int) -> None:
        self.put_part(i)
        self.adweave("run", "-c", self.feed / "adweave.yaml", "--data", self.data)
        self.printed[i] = self.sql("SELECT count(*) AS n, sum(cost) AS money FROM impressions")

    def path(self, table: str) -> pathlib.Path:
        return self.data / "lake" / table

    def columns(self, table: str) -> dict[str, str]:
        rows = self.sql(f"DESCRIBE {VIEWS.get(table, table)}")
        return {row["column_name"]: row["column_type"] for row in rows}

    def expected(self, table: str) -> dict:
        [row] = self.sql(f"SELECT {facts_of(list(self.columns(table)), table)} FROM {VIEWS.get(table, table)}")
        return row

    def test_every_reader_sees_what_our_sql_sees(self) -> None:
        duck = duckdb.connect()
        [extension] = pathlib.Path(duckdb_extension_delta.__file__).parent.rglob("delta.duckdb_extension")
        duck.execute(f"LOAD '{extension}'")
        for table in LAKE_TABLES:
            with self.subTest(table=table):
                expected = self.expected(table)
                columns = list(self.columns(table))
                delta = deltalake.DeltaTable(str(self.path(table)))
                arrow = delta.to_pyarrow_table(columns=columns)
                duck.register("t", arrow)
                self.assertEqual(self.one(duck, f"SELECT {facts_of(columns, table)} FROM t"), expected)
                frame = polars.read_delta(str(self.path(table)))
                self.assertEqual(frame.height, expected["n"])
                for column in columns:
                    self.assertEqual(frame.height - frame[column].null_count(), expected[column], column)
                query = f"SELECT {facts_of(columns, table)} FROM delta_scan('{self.path(table)}')"
                self.assertEqual(self.one(duck, query), expected)
                with contextlib.chdir(self.data):  # ClickHouse reads files below its own folder; its other reader not even those
                    house = chdb.query(f"SELECT count(*) FROM deltaLakeLocal('lake/{table}') "
                                       "SETTINGS allow_experimental_delta_kernel_rs = 0", "CSV")
                self.assertEqual(int(str(house)), expected["n"])

    def one(self, duck: duckdb.DuckDBPyConnection, query: str) -> dict:
        relation = duck.sql(query)
        return dict(zip(relation.columns, relation.fetchall()[0]))

    def test_types_are_the_lakes(self) -> None:
        schema = deltalake.DeltaTable(str(self.path("impressions"))).schema().to_arrow()
        types = {field.name: str(field.type) for field in pyarrow.schema(schema)}
        self.assertEqual(types["event_time"], "timestamp[us, tz=UTC]")
        self.assertEqual(types["cost"], "decimal128(18, 9)")
        self.assertEqual(types["weekday"], "int64")
        self.assertEqual(types["is_weekend"], "bool")
        self.assertEqual(types["dt"], "date32[day]")

    def test_versions_are_the_numbers_that_were_printed(self) -> None:
        for version in (0, 9, 10, 11, COMMITS - 1):
            table = deltalake.DeltaTable(str(self.path("impressions")), version=version)
            arrow = table.to_pyarrow_table(columns=["cost"])
            [printed] = self.printed[version]
            self.assertEqual(arrow.num_rows, printed["n"])
            total = sum((cost.as_py() for cost in arrow["cost"] if cost.as_py() is not None), decimal.Decimal(0))
            self.assertEqual(total, decimal.Decimal(printed["money"]))

    def test_the_history_can_be_read(self) -> None:
        history = deltalake.DeltaTable(str(self.path("impressions"))).history()
        self.assertEqual([entry["version"] for entry in history], list(range(COMMITS - 1, -1, -1)))
        self.assertEqual({entry["operation"] for entry in history}, {"WRITE"})

    def test_filters_skip_no_row(self) -> None:
        """Statistics bound what files hold: at, just below and just above each file's first and last time and id."""
        delta = deltalake.DeltaTable(str(self.path("impressions")))
        whole = delta.to_pyarrow_table(columns=["event_time", "event_id", "cost"]).to_pylist()
        data = delta.to_pyarrow_dataset()
        field = pyarrow.dataset.field
        for column in ("event_time", "event_id", "cost"):
            values = sorted(row[column] for row in whole if row[column] is not None)
            for value in (values[0], values[len(values) // 3], values[-1]):
                for holds, wanted in (
                    (field(column) == value, sum(v == value for v in values)),
                    (field(column) <= value, sum(v <= value for v in values)),
                    (field(column) > value, sum(v > value for v in values)),
                ):
                    self.assertEqual(data.count_rows(filter=holds), wanted, (column, value))

    def test_statistics_say_what_the_files_hold(self) -> None:
        delta = deltalake.DeltaTable(str(self.path("impressions")))
        actions = pyarrow.table(delta.get_add_actions(flatten=True)).to_pylist()
        self.assertGreater(len(actions), 5)
        for action in actions[:10]:
            file = self.path("impressions") / action["path"]
            rows = pyarrow.parquet.read_table(file).to_pylist()
            self.assertEqual(action["num_records"], len(rows))
            self.assertEqual(str(action["partition.dt"]), file.parent.name.removeprefix("dt="))
            times = [row["event_time"] for row in rows]
            lag = datetime.timedelta(milliseconds=1)
            self.assertTrue(min(times) - lag < action["min.event_time"] <= min(times))
            self.assertTrue(max(times) <= action["max.event_time"] < max(times) + lag)
            for column in ("website", "cost", "user_id"):
                given = [row[column] for row in rows if row[column] is not None]
                self.assertEqual(action[f"null_count.{column}"], len(rows) - len(given), column)

    def test_a_pruned_query_opens_one_day(self) -> None:
        delta = deltalake.DeltaTable(str(self.path("impressions")))
        days = sorted({str(row["partition.dt"]) for row in pyarrow.table(delta.get_add_actions(flatten=True)).to_pylist()})
        files = delta.file_uris(partition_filters=[("dt", "=", days[0])])
        self.assertTrue(files and all(f"dt={days[0]}" in file for file in files))
        rows = delta.to_pyarrow_table(partitions=[("dt", "=", days[0])]).num_rows
        [expected] = self.sql(f"SELECT count(*) AS n FROM impressions WHERE event_time::DATE = DATE '{days[0]}'")
        self.assertEqual(rows, expected["n"])

    def test_a_damaged_log_is_an_error_with_a_way_out(self) -> None:
        log = self.path("impressions") / "_delta_log"
        newest = max(log.glob("*.json"))
        newest.write_text("")
        (self.feed / "late-more").mkdir()
        text = self.lines["impressions.ndjson"][0].decode().rstrip("\n")
        row = json.loads(text) | {"impression_id": "one-more"}
        (self.feed / "late-more/impressions.ndjson").write_text(json.dumps(row) + "\n")
        done = self.adweave("run", "-c", self.feed / "adweave.yaml", "--data", self.data, code=1)
        self.assertIn("1 accepted", done.stdout)
        self.assertIn("is empty", done.stderr)
        self.assertIn("adweave repair", done.stderr)
        self.adweave("rebuild", "delta", "--data", self.data)
        delta = deltalake.DeltaTable(str(self.path("impressions")))
        self.assertEqual(delta.to_pyarrow_table(columns=["event_id"]).num_rows, self.expected("impressions")["n"])
        self.assertEqual(delta.version(), COMMITS)


if __name__ == "__main__":
    unittest.main()
