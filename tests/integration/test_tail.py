# SPDX-License-Identifier: Apache-2.0
"""Files that grow and are rotated, followed by a server: each whole record once, at once, whatever ends it."""

import gzip
import json
import os
import pathlib
import random
import signal
import threading
import time
import unittest

from adweave_server import ServerTest

CONFIG = """
sources:
  - name: events
    tail: [logs/ad.log]
    format: json
    rows:
      - when: {type: [show]}
        kind: impression
        fields: {event_id: id, event_time: timestamp, creative_id: creative_id}
      - when: {type: [click]}
        kind: click
        fields: {event_id: id, event_time: timestamp, campaign_id: creative_id}
  - name: sales
    tail: ["logs/sales*.csv"]
    format: csv
    kind: conversion
    fields: {event_id: id, event_time: time, conversion_type: type}
"""
HEADER = b"id,time,type\n"


def show(n: int, kind: str = "show") -> bytes:
    return json.dumps({"type": kind, "id": f"e{n}", "timestamp": "2026-01-02T03:04:05Z", "creative_id": "c1"}).encode() + b"\n"


def sale(n: int) -> bytes:
    return f's{n},2026-01-02T03:04:05Z,"two\nlines"\n'.encode()


class TailTest(ServerTest):
    CONFIG = CONFIG

    def setUp(self) -> None:
        super().setUp()
        self.logs = self.folder / "logs"
        self.logs.mkdir()
        self.log = self.logs / "ad.log"

    def append(self, data: bytes, path: pathlib.Path | None = None) -> None:
        with open(path or self.log, "ab") as file:
            file.write(data)

    def shown(self, number: int) -> None:
        """Waits for the impressions e0, e1, ...: each is there once, and nothing else."""
        self.wait_for("SELECT count(*) AS n FROM impressions", number)
        self.assertEqual(self.sql("SELECT count(DISTINCT event_id) AS n FROM impressions"), [{"n": number}])

    def metric(self, name: str, source: str = "events") -> float:
        _, text, _ = self.ask("GET", "/metrics", port=self.metrics_port)
        return float(next(line for line in text.splitlines() if line.startswith(f'{name}{{source="{source}"}}')).split()[-1])

    def wait_for_metric(self, name: str, value: float, source: str = "events") -> None:
        until = time.monotonic() + 60
        while (found := self.metric(name, source)) != value:
            self.assertLess(time.monotonic(), until, f"{name}: {found} and not {value}")
            time.sleep(0.1)

    def test_a_file_that_is_always_written_to_is_read_as_it_grows(self) -> None:
        self.start()
        written = 0
        lags = []
        for _ in range(5):  # it is never at rest
            for _ in range(20):
                self.append(show(written) if written % 2 == 0 else show(written, "click"))
                written += 1
                time.sleep(0.01)
            at = time.monotonic()
            self.wait_for("SELECT (SELECT count(*) FROM impressions) + (SELECT count(*) FROM clicks) AS n", written)
            lags.append(time.monotonic() - at)
        self.assertLess(sorted(lags)[2], 2)
        self.append(show(100)[:30])
        time.sleep(1)
        self.assertEqual(self.metric("adweave_tail_behind_bytes"), 30)  # no record yet
        self.append(show(100)[30:])
        self.shown(51)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM clicks"), [{"n": 50}])
        self.assertEqual(self.sql("SELECT count(*) AS n FROM rejects"), [{"n": 0}])
        self.assertEqual(self.stop(), 0)
        self.check_conservation()

    def test_a_header_and_line_ends_in_quotes(self) -> None:
        path = self.logs / "sales.csv"
        self.append(HEADER + sale(0) + sale(1)[:-8], path)
        self.start()
        self.wait_for("SELECT count(*) AS n FROM conversions", 1)
        self.append(sale(1)[-8:] + sale(2), path)
        self.wait_for("SELECT count(*) AS n FROM conversions", 3)
        self.assertEqual(self.stop(), 0)
        self.append(sale(3), path)
        self.append(HEADER + sale(4), self.logs / "sales-2.csv")
        self.start()
        self.wait_for("SELECT count(*) AS n FROM conversions WHERE conversion_type = 'two\nlines'", 5)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM rejects"), [{"n": 0}])

    def test_rotation_by_rename_reads_the_old_file_to_its_end(self) -> None:
        self.start()
        self.append(show(0))
        self.shown(1)
        with open(self.log, "ab", buffering=0) as old:
            for generation in range(3, 0, -1):
                if (numbered := self.logs / f"ad.log.{generation}").exists():
                    numbered.rename(self.logs / f"ad.log.{generation + 1}")
            self.log.rename(self.logs / "ad.log.1")
            self.append(show(1))
            self.shown(2)
            old.write(show(2))  # a writer that has not yet been told
            self.shown(3)
            old.write(show(3)[:-1])  # and ends without a line end
        self.shown(4)
        os.link(self.logs / "ad.log.1", self.logs / "keep")
        (self.logs / "ad.log.1.gz").write_bytes(gzip.compress((self.logs / "ad.log.1").read_bytes()))
        (self.logs / "ad.log.1").unlink()
        (self.logs / "keep").unlink()
        self.append(show(4))
        self.shown(5)
        self.wait_for_metric("adweave_tail_files", 1)
        self.assertEqual(self.metric("adweave_tail_lost_total"), 0)
        self.assertEqual(self.stop(), 0)
        self.assertEqual((self.data / "tails").read_text().count('"number"'), 1)  # it does not grow

    def test_explain_tells_where_a_record_stood(self) -> None:
        sales = self.logs / "sales.csv"
        self.append(show(0) + show(1))
        self.append(HEADER + sale(0), sales)
        self.start()
        self.shown(2)
        self.wait_for("SELECT count(*) AS n FROM conversions", 1)
        self.append(sale(1) + sale(2), sales)
        self.append(show(2))
        self.shown(3)
        self.log.rename(self.logs / "ad.log.1")
        self.append(show(3) + b"{broken\n" + show(4))
        self.shown(5)
        self.wait_for("SELECT count(*) AS n FROM conversions", 3)
        self.assertEqual(self.stop(), 0)
        files = {path.stat().st_ino: path.read_bytes() for path in self.logs.iterdir()}
        records = {f"e{n}": show(n) for n in range(5)} | {f"s{n}": sale(n) for n in range(3)}
        broken = self.sql("SELECT source_position FROM rejects")[0]["source_position"]
        for given, record in [*records.items(), (broken, b"{broken\n")]:
            steps = [row for row in self.rows("explain", given) if row["step"] == "delivered"]
            self.assertEqual(len(steps), 1, given)
            where = steps[0]["detail"]
            self.assertTrue(files[where["inode"]][where["offset"]:].startswith(record), (given, where))

    def test_rotation_while_no_server_runs(self) -> None:
        self.append(show(0))
        self.start()
        self.shown(1)
        self.stop(signal.SIGKILL)
        self.append(show(1))
        self.log.rename(self.logs / "ad.log.1")
        self.append(show(2))
        self.start()
        self.shown(3)
        self.stop(signal.SIGKILL)
        self.append(show(3))
        (self.logs / "ad.log.2.gz").write_bytes(gzip.compress(self.log.read_bytes()))
        self.log.unlink()
        self.append(b"\n" + show(4))
        self.start()
        self.wait_for("SELECT count(*) AS n FROM impressions", 4)
        self.assertEqual(self.sql("SELECT event_id FROM impressions WHERE event_id = 'e3'"), [])
        time.sleep(6)
        told = self.metric("adweave_tail_lost_total") + self.metric("adweave_tail_begun_anew_total")
        self.assertEqual(told, 1)  # a new file may have the inode of the old one
        self.stop()
        self.assertEqual(sum("logs/ad.log" in line and "has not been read" in line for line in self.said), 1)

    def test_copytruncate(self) -> None:
        self.start()
        for n in range(50):
            self.append(show(n))
        self.shown(50)
        (self.logs / "ad.log.1").write_bytes(self.log.read_bytes())
        os.truncate(self.log, 0)
        for n in range(50, 60):
            self.append(show(n))
        self.shown(60)
        self.assertEqual(self.metric("adweave_tail_begun_anew_total"), 1)

    def test_a_removed_file_is_read_to_its_end(self) -> None:
        self.start()
        self.append(show(0))
        self.shown(1)
        with open(self.log, "ab", buffering=0) as old:
            self.log.unlink()
            old.write(show(1) + show(2)[:-1])
        self.shown(3)
        self.wait_for_metric("adweave_tail_files", 0)
        self.assertEqual(self.metric("adweave_tail_lost_total"), 0)

    def test_a_paused_source_waits_also_over_a_rotation(self) -> None:
        self.start()
        self.append(show(0))
        self.shown(1)
        self.adweave("pause", "events", "--data", self.data)
        self.append(show(1))
        time.sleep(1)
        self.log.rename(self.logs / "ad.log.1")
        self.append(show(2))
        time.sleep(1)
        self.shown(1)
        self.assertIn("bytes_behind", self.adweave("top", "--data", self.data, "--count", "1", "--every", "0.1").stdout)
        self.adweave("resume", "events", "--data", self.data)
        self.shown(3)

    def test_a_line_that_is_too_long_is_rejected_and_the_next_is_read(self) -> None:
        self.start()
        self.append(b'{"type": "' + b"x" * (17 << 20) + b'"}\n' + show(0))
        self.shown(1)
        self.assertGreaterEqual(self.sql("SELECT count(*) AS n FROM rejects")[0]["n"], 1)
        self.check_conservation()

    def test_killed_ten_times_while_a_writer_appends_and_rotates(self) -> None:
        # The rotated names too: a file may come and be renamed while no server runs.
        self.write("adweave.yaml", CONFIG.replace("[logs/ad.log]", '["logs/ad.log*"]'))
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        chance = random.Random(seed)
        written = 0
        ended = threading.Event()

        def write() -> None:
            nonlocal written
            file = open(self.log, "ab", buffering=0)
            while not ended.is_set():
                for _ in range(chance.randrange(1, 50)):
                    line = show(written)
                    cut = chance.randrange(len(line))
                    file.write(line[:cut])
                    file.write(line[cut:])
                    written += 1
                if chance.random() < 0.05:
                    file.close()
                    for generation in range(200, 0, -1):
                        if (old := self.logs / f"ad.log.{generation}").exists():
                            old.rename(self.logs / f"ad.log.{generation + 1}")
                    self.log.rename(self.logs / "ad.log.1")
                    file = open(self.log, "ab", buffering=0)
                time.sleep(0.02)
            file.close()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(10):
                self.start()
                time.sleep(chance.uniform(0.05, 1.5))
                self.stop(signal.SIGKILL)
        finally:
            ended.set()
            writer.join()
        self.start()
        self.shown(written)
        # No delivery came twice either: then rows would be there once by their ids alone.
        self.assertEqual(self.sql("SELECT count(*) AS n FROM duplicates"), [{"n": 0}])
        self.assertEqual(self.sql("SELECT count(*) AS n FROM rejects"), [{"n": 0}])
        self.assertEqual(self.metric("adweave_tail_lost_total"), 0)
        self.assertEqual(self.stop(), 0)
        self.check_conservation()

    def test_what_cannot_be_followed_is_refused(self) -> None:
        text = CONFIG.replace("format: csv", "format: avro")
        done = self.adweave("validate", "-c", self.write("bad.yaml", text), code=78)
        self.assertIn("files of sales cannot be followed", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
