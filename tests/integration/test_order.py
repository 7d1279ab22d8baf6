# SPDX-License-Identifier: Apache-2.0
"""Order does not matter: rows shuffled, split into several runs, any number of threads: the same answers."""

import hashlib
import json
import os
import pathlib
import random
import unittest

from adweave import AdweaveTest

SHUFFLES = 100
EVENTS = 30_000  # of them, the rows of people who clicked or converted
OUTCOMES = 50
FEEDS = {"impressions": "ndjson", "clicks_conversions": "csv", "auction_outcomes": "ndjson", "engagements": "ndjson"}
# Where and when a row came in (and whether that was late); nothing else may change.
EVENT_TRANSPORT = "source_position, received_time, commit"
LATE_FLAGS = 4 | 8  # received late, joined late
EVENT_TABLES = ("impressions", "clicks", "conversions", "auction_outcomes", "engagements")
ANSWERS = " UNION ALL ".join([
    *(f"""SELECT '{table}' AS answer, x::VARCHAR AS row_text FROM (SELECT * EXCLUDE ({EVENT_TRANSPORT})
          REPLACE (coalesce(flags, 0) & ~{LATE_FLAGS} AS flags) FROM {table}) x""" for table in EVENT_TABLES),
    "SELECT 'credits', x::VARCHAR FROM (SELECT * EXCLUDE (commit, posting_date) FROM credits) x",
    "SELECT 'values', x::VARCHAR FROM (SELECT event_id, value, currency, touch_kind FROM attributed_conversions) x",
])
RECEIVED = 1_700_000_000  # by the files' times


class Order(AdweaveTest):
    def setUp(self) -> None:
        super().setUp()
        self.logs = self.folder / "logs"
        self.adweave("generate", "--events", EVENTS, "--seed", 11, "--out", self.logs)
        text = (self.logs / "adweave.yaml").read_text()
        begin = text.index("  - name: bid_requests")
        # An Avro file's records stay where they are: it is left out.
        self.config = text[:begin] + text[text.index("  - name: auction_outcomes"):]
        self.feed_rows = {feed: self.good_rows(feed) for feed in FEEDS}
        self.keep_the_interesting()

    def keep_the_interesting(self) -> None:
        rows = self.feed_rows
        people = {row.split(",")[2] for row in rows["clicks_conversions"] if row.count(",") > 2}
        shown = {row: json.loads(row) for row in rows["impressions"] if self.is_object(row)}
        rows["impressions"] = [row for row, view in shown.items() if view.get("user_id") in people]
        kept = {shown[row]["impression_id"] for row in rows["impressions"]}
        rows["engagements"] = [row for row in rows["engagements"] if json.loads(row)["impression_id"] in kept]
        del rows["auction_outcomes"][OUTCOMES:]

    @staticmethod
    def is_object(row: str) -> bool:
        try:
            return bool(json.loads(row))
        except ValueError:
            return False

    def good_rows(self, feed: str) -> list[str]:
        """The rows of both deliveries, without those that conflict or are an order's repeat: there the first one wins."""
        lines = []
        for folder in (self.logs, self.logs / "late"):
            path = folder / f"{feed}.{FEEDS[feed]}"
            if path.exists():
                lines += path.read_bytes().decode(errors="surrogateescape").splitlines(keepends=True)
        if feed == "clicks_conversions":
            head = lines[0]
            lines = [line for line in lines if line != head and "-again" not in line]
            self.head = head
        payloads: dict[str, set[str]] = {}
        for line in lines:
            payloads.setdefault(self.id_of(feed, line), set()).add(line)
        return [line for line in lines if len(payloads[self.id_of(feed, line)]) == 1]

    @staticmethod
    def id_of(feed: str, line: str) -> str:
        if feed == "clicks_conversions":
            return line.split(",")[0]
        try:
            row = json.loads(line)
        except ValueError:
            return line
        return str(row.get("impression_id" if feed == "impressions" else "event_id", row.get("id")))

    def answers(self, name: str, parts: int, shuffle: random.Random | None, threads: int) -> list[tuple[str, str]]:
        """Runs the rows in so many deliveries; what the tables say then, without the transport."""
        folder = self.folder / name
        folder.mkdir()
        for dimension in ("advertisers", "campaigns", "ad_groups", "creatives"):
            (folder / f"{dimension}.csv").write_bytes((self.logs / f"{dimension}.csv").read_bytes())
        (folder / "adweave.yaml").write_text(self.config)
        (folder / "late").mkdir()
        delivered = {feed: [[] for _ in range(parts)] for feed in FEEDS}
        for feed, rows in self.feed_rows.items():
            rows = list(rows)
            if shuffle:
                shuffle.shuffle(rows)
            for k, row in enumerate(rows):
                delivered[feed][shuffle.randrange(parts) if shuffle else k % parts].append(row)
        self.data = folder / "data"
        for part in range(parts):
            for feed, end in FEEDS.items():
                path = folder / (f"{feed}.{end}" if part == 0 else f"late/{feed}{part}.{end}")
                text = "".join(delivered[feed][part])
                head = self.head if feed == "clicks_conversions" else ""
                path.write_bytes((head + text).encode(errors="surrogateescape"))
                os.utime(path, (RECEIVED, RECEIVED))
            self.run_config(folder / "adweave.yaml", "--threads", threads)
        return sorted((row["answer"], row["row_text"]) for row in self.sql(ANSWERS))

    def test_shuffled_rows_in_any_number_of_runs_give_the_same_answers(self) -> None:
        expected = self.answers("as_made", 1, None, 1)
        self.assertGreater(sum(answer == "credits" for answer, _ in expected), 10)
        for k in range(SHUFFLES):
            shuffle = random.Random(k)
            parts = 1 + k % 3
            with self.subTest(shuffle=k, parts=parts):
                found = self.answers(f"shuffled{k}", parts, shuffle, 1 + k % 2)
                self.assertEqual(set(found) ^ set(expected), set())
                self.assertEqual(len(found), len(expected))

    def test_any_number_of_threads_writes_the_same_bytes(self) -> None:
        digests = set()
        for threads in (1, 2, 4):
            self.answers(f"threads{threads}", 3, random.Random(5), threads)
            digests.add(self.digest(self.data))
        self.assertEqual(len(digests), 1)

    @staticmethod
    def digest(data: pathlib.Path) -> str:
        digest = hashlib.sha256()
        for path in sorted(data.rglob("*.parquet")):
            digest.update(str(path.relative_to(data)).encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()


if __name__ == "__main__":
    unittest.main()
