# SPDX-License-Identifier: Apache-2.0
"""The lake is counted again: a planted wrong number is found and named, and nothing else is."""

import decimal
import json
import os
import pathlib
import re
import threading
import time
import unittest

import duckdb
import pyarrow.parquet

from adweave import AdweaveTest
from adweave_server import IMPRESSIONS, ServerTest, impressions


def swap(path: pathlib.Path, change) -> None:
    """Puts another sound Parquet file in the place of one."""
    other = path.with_suffix(".other")
    pyarrow.parquet.write_table(change(pyarrow.parquet.ParquetFile(path).read()), other)
    os.replace(other, path)


class RecountTest(AdweaveTest):
    def setUp(self) -> None:
        super().setUp()
        self.logs = self.folder / "logs"
        self.adweave("generate", "--events", 6000, "--seed", 3, "--out", self.logs)
        self.run_config(self.logs / "adweave.yaml")

    def files(self, table: str) -> list[pathlib.Path]:
        return sorted(self.data.glob(f"lake/{table}/_*/dt=*/*.parquet"), key=lambda path: path.stat().st_size)

    def differences(self) -> list[dict]:
        done = self.adweave("audit", "--recount", "--output", "json", "--data", self.data, code=1)
        self.assertIn("fix: adweave", done.stderr)
        return json.loads(done.stdout)

    def test_nothing_is_found_where_nothing_is_wrong(self) -> None:
        for command in (["compact"], ["seal", "--all"], ["vacuum", "--grace", 0], ["rebuild", "warehouse"]):
            self.adweave(*command, "--data", self.data)
            done = self.adweave("audit", "--recount", "--data", self.data)
            self.assertRegex(done.stderr, r"commit \d+: \d+ files and \d+ days of KPI cells are what the commits claim")
        self.assertNotIn(" 0 days", done.stderr)
        days = [row["d"] for row in self.sql("SELECT DISTINCT strftime(event_time, '%Y-%m-%d') AS d FROM impressions ORDER BY d")]
        self.adweave("retain", "--from", days[-1], "--yes", "--data", self.data)
        self.adweave("audit", "--recount", "--data", self.data)
        (self.logs / "more").mkdir()
        with open(self.logs / "clicks.csv", "ab") as file:
            file.write(b"bad,row\n")
        self.run_config(self.logs / "adweave.yaml")

    def test_a_file_with_a_row_less(self) -> None:
        path = self.files("clicks")[-1]
        swap(path, lambda rows: rows.slice(1))
        [found] = self.differences()
        rows = pyarrow.parquet.read_metadata(path).num_rows
        self.assertEqual((found["what"], found["table"], found["day"]), ("rows", "clicks", path.parent.name[3:]))
        self.assertEqual((found["expected"], found["found"], found["difference"]), (str(rows + 1), str(rows), 1))
        self.assertEqual(found["file"], str(path.relative_to(self.data)))

    def test_files_that_are_no_files_of_parquet_or_are_gone(self) -> None:
        self.files("clicks")[-1].write_bytes(b"nothing")
        self.files("impressions")[-1].unlink()
        self.assertEqual({found["table"] for found in self.differences()}, {"clicks", "impressions"})

    def test_other_money(self) -> None:
        def dearer(rows):
            at = rows.schema.get_field_index("cost")
            costs = rows["cost"].to_pylist()
            costs[next(i for i, cost in enumerate(costs) if cost is not None)] += 1
            return rows.set_column(at, rows.schema.field("cost"), pyarrow.array(costs, rows.schema.field("cost").type))

        swap(self.files("impressions")[-1], dearer)
        [found] = self.differences()
        self.assertRegex(found["what"], "^cost in ")
        self.assertEqual(decimal.Decimal(found["found"]) - decimal.Decimal(found["expected"]), 1)

    def test_rows_of_another_source(self) -> None:
        def renamed(rows):
            at = rows.schema.get_field_index("source")
            return rows.set_column(at, "source", pyarrow.array(["other"] * rows.num_rows).dictionary_encode())

        swap(self.files("clicks")[-1], renamed)
        found = {f["source"]: int(f["found"]) - int(f["expected"]) for f in self.differences() if f["what"] == "accepted"}
        self.assertGreater(found.pop("other"), 0)
        self.assertLess(sum(found.values()), 0)

    def test_another_kpi_cell(self) -> None:
        self.adweave("rebuild", "warehouse", "--data", self.data)
        with duckdb.connect(str(self.data / "warehouse.duckdb")) as sql:
            sql.execute("UPDATE cells SET impressions = impressions + 1 WHERE rowid = (SELECT min(rowid) FROM cells WHERE impressions > 0)")
        [found] = self.differences()
        self.assertEqual((found["what"], found["table"]), ("cells", "impressions"))
        self.adweave("rebuild", "warehouse", "--data", self.data)
        self.adweave("audit", "--recount", "--data", self.data)


class ReconcilerTest(ServerTest):
    CONFIG = IMPRESSIONS + "serve: {seal: 1s, reconcile: 1s}\n"

    def metrics(self) -> dict[str, float]:
        _, text, _ = self.ask("GET", "/metrics", port=self.metrics_port)
        return {name: float(value) for name, value in re.findall(r"^(adweave_\w+) (\S+)$", text, re.M)}

    def wait_until(self, holds) -> dict[str, float]:
        until = time.monotonic() + 60
        while not holds(found := self.metrics()):
            self.assertLess(time.monotonic(), until, f"{found} {self.said}")
            time.sleep(0.1)
        return found

    def test_no_false_alarm_under_load(self) -> None:
        self.start()
        worst = 0.0
        stop = threading.Event()

        def load(thread: int) -> None:
            n = 0
            while not stop.is_set():
                self.post(impressions(thread * 1_000_000 + n, 20, day=f"2026-01-{1 + n % 5:02}") + (b"bad\n" if n % 3 == 0 else b""))
                n += 15  # with repeats

        threads = [threading.Thread(target=load, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        began = time.monotonic()
        while time.monotonic() < began + 15:
            worst = max(worst, self.metrics().get("adweave_reconcile_difference", 0))
            self.adweave("compact", "--data", self.data)
            self.adweave("vacuum", "--grace", 0, "--data", self.data)
            self.adweave("report", "--by", "day", "--data", self.data)
        stop.set()
        for thread in threads:
            thread.join()
        found = self.wait_until(lambda m: m.get("adweave_reconcile_commit") == m["adweave_commit"] or m["adweave_seal_waiting"] == 0)
        self.assertEqual((worst, found["adweave_reconcile_difference"], found["adweave_reconcile_failures_total"]), (0, 0, 0))
        self.assertGreater(found["adweave_seals_total"], 5)
        self.assertGreater(found["adweave_reconcile_success_seconds"], time.time() - 60)
        self.assertEqual(self.stop(), 0)
        self.check_conservation()
        self.assertNotIn("reconcile", "".join(self.said))

    def test_a_wrong_number_is_noticed_within_an_interval(self) -> None:
        self.start()
        self.post(impressions(0, 10) + b"bad\n")
        self.wait_until(lambda m: m.get("adweave_reconcile_commit", 0) > 1 and m["adweave_seals_total"] == 1)
        self.wait_until(lambda m: m.get("adweave_reconcile_commit", 0) >= 3)
        self.assertEqual(self.metrics()["adweave_reconcile_difference"], 0)
        [path] = self.data.glob("lake/impressions/_sealed/dt=*/*.parquet")
        whole = path.read_bytes()
        swap(path, lambda rows: rows.slice(1))
        began = time.monotonic()
        self.wait_until(lambda m: m["adweave_reconcile_difference"] == 1)
        self.assertLess(time.monotonic() - began, 5)  # seconds, on a busy machine
        [line] = [json.loads(line) for line in self.said if '"reconcile"' in line]
        self.assertEqual((line["level"], line["table"], line["day"]), ("error", "impressions", "2026-01-02"))
        self.assertEqual((line["expected"], line["found"]), ("10", "9"))
        self.assertIn("adweave verify", line["fix"])
        text = self.adweave("top", "--count", 1, "--every", 0.2, "--data", self.data).stdout
        self.assertIn("difference 1: impressions of 2026-01-02: rows: 10 expected, 9 found", text)
        path.write_bytes(whole)
        self.wait_until(lambda m: m["adweave_reconcile_difference"] == 0)


if __name__ == "__main__":
    unittest.main()
