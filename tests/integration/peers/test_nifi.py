# SPDX-License-Identifier: Apache-2.0
"""A real NiFi runs the flow of packaging/nifi, by HTTP and into a watched folder: every event once, whatever is killed."""

import signal
import time
import unittest

import front
import nifi as peer
from adweave import module_folder, put_file
from adweave_server import IMPRESSIONS, impressions

CLICKS = """
  - name: clicks_and_conversions
    files: watched/*
    format: csv
    header: false
    columns: [id, t, u, c, type]
    rows:
      - when: {type: ""}
        kind: click
        fields: {event_id: id, event_time: t, user_id: u, campaign_id: c}
      - kind: conversion
        fields: {event_id: id, event_time: t, user_id: u, conversion_type: type}
"""

nifi: peer.NiFi


def setUpModule() -> None:
    global nifi
    nifi = peer.NiFi(module_folder() / "nifi")
    unittest.addModuleCleanup(nifi.kill)
    nifi.start()


def clicks(first: int, count: int) -> bytes:
    """Every tenth is a conversion."""
    return b"".join(b"c%d,2026-01-02T04:05:06Z,u%d,k%d,%s\n" % (n, n, n % 7, b"signup" if n % 10 == 0 else b"")
                    for n in range(first, first + count))


class NiFiTest(front.DeliveryTest):
    CONFIG = IMPRESSIONS + CLICKS

    def setUp(self) -> None:
        super().setUp()
        self.feed, self.log, self.watched = self.folder / "impressions", self.folder / "clicks.csv", self.folder / "watched"
        self.feed.mkdir()
        self.log.touch()
        self.group = ""

    def tearDown(self) -> None:
        if self.group and nifi.process:
            nifi.set_running(self.group, False)
        super().tearDown()

    def start_flow(self, url: str = "") -> None:
        self.group = nifi.import_flow(self._testMethodName, {
            "adweave.url": url or f"http://{self.listen}", "impressions.folder": self.feed, "clicks.log": self.log,
            "clicks.rotated": "clicks.csv.*", "watched.folder": self.watched})
        nifi.set_running(self.group, True)

    def put(self, name: str, lines: bytes) -> None:
        put_file(self.feed / name, lines)

    def append(self, lines: bytes) -> None:
        with self.log.open("ab") as log:
            log.write(lines)

    def wait_for_counts(self, shown: int, clicked: int) -> None:
        """So many rows of the two sources."""
        self.wait_for(f"SELECT CAST((SELECT count(*) FROM impressions) = {shown} AND "
                      "(SELECT count(*) FROM clicks_as_committed) + (SELECT count(*) FROM conversions) = "
                      f"{clicked} AS INT) AS n", 1)

    def check_rows(self, shown: int, clicked: int) -> None:
        self.assertEqual(self.sql("SELECT event_id AS e, user_id AS u FROM impressions ORDER BY CAST(event_id[2:] AS INT)"),
                         [{"e": f"i{n}", "u": f"u{n}"} for n in range(shown)])
        self.assertEqual(self.sql("SELECT event_id AS e, user_id AS u, campaign_id AS c FROM clicks_as_committed "
                                  "ORDER BY CAST(event_id[2:] AS INT)"),
                         [{"e": f"c{n}", "u": f"u{n}", "c": f"k{n % 7}"} for n in range(clicked) if n % 10])
        self.assertEqual(self.sql("SELECT event_id AS e, user_id AS u FROM conversions ORDER BY CAST(event_id[2:] AS INT)"),
                         [{"e": f"c{n}", "u": f"u{n}"} for n in range(0, clicked, 10)])

    def test_every_event_is_there_once_whatever_is_killed(self) -> None:
        self.start()
        self.start_flow()
        self.put("a", impressions(0, 30000))  # more than one request
        self.append(clicks(0, 2000))
        self.wait_for_counts(30000, 2000)
        self.stop(signal.SIGKILL)
        self.put("b", impressions(29900, 10100) + b'{"id": "no time"}\n')  # 100 of them again
        self.append(clicks(1900, 1100))
        time.sleep(3)  # it has both, and nobody to give the impressions to
        nifi.kill()
        self.append(clicks(3000, 500))
        self.log.rename(f"{self.log}.1")
        self.append(clicks(3500, 500))
        nifi.start()
        self.start()
        self.wait_for_counts(40000, 4000)
        self.assertEqual(self.stop(), 0)
        self.check_rows(40000, 4000)
        self.assertEqual(self.sql("SELECT source, reason FROM rejects"), [{"source": "impressions", "reason": "missing_field"}])
        self.assertGreaterEqual(self.total()["duplicate"], 200)
        self.assertRegex(self.adweave("explain", "c1", "--data", self.data).stdout, r"bytes \d+ to \d+ of watched/[0-9a-f]{64}, source clicks_and")
        self.assertRegex(self.adweave("explain", "i1", "--data", self.data).stdout, r"bytes \d+ to \d+ of journal:\d+, source impressions")
        self.check_conservation()

    def test_a_rotated_log_replaces_no_file(self) -> None:
        self.start()
        self.start_flow()
        self.append(clicks(100, 50))
        self.wait_for_counts(0, 50)
        self.log.rename(f"{self.log}.1")
        self.append(clicks(150, 50))  # as many bytes, which TailFile names after
        self.wait_for_counts(0, 100)
        self.assertEqual(len(list(self.watched.iterdir())), 2)

    def test_what_is_turned_away_comes_again_under_its_key(self) -> None:
        self.start()
        before = front.Front([429, 503, 500, 401, front.LOST], self.port)
        self.addCleanup(before.end)
        self.start_flow(before.url)
        self.put("a", impressions(0, 1000))
        until = time.monotonic() + 60
        while len(before.requests) < 6 and time.monotonic() < until:
            time.sleep(0.1)
        self.wait_for_counts(1000, 0)
        self.assertEqual(self.stop(), 0)
        self.check_rows(1000, 0)
        self.assertEqual(self.total()["duplicate"], 0)  # the request whose answer was lost is known
        self.assertEqual({(headers["Content-Type"], body) for headers, body in before.requests},
                         {("application/x-ndjson", impressions(0, 1000))})
        self.assertEqual(len({headers["Idempotency-Key"] for headers, _ in before.requests}), 1)
        self.assertEqual(len(before.requests), 6)
        self.check_conservation()

    def test_a_paused_source_gets_its_events_when_it_goes_on(self) -> None:
        self.start()
        self.adweave("pause", "impressions", "--data", self.data)
        self.start_flow()
        self.put("a", impressions(0, 50))
        self.append(clicks(0, 50))
        self.wait_for_counts(0, 50)
        self.adweave("resume", "impressions", "--data", self.data)
        self.wait_for_counts(50, 50)
        self.assertEqual(self.stop(), 0)
        self.check_rows(50, 50)
        self.check_conservation()
