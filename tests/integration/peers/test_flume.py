# SPDX-License-Identifier: Apache-2.0
"""A real Flume delivers by HTTP and into a watched folder, as packaging/flume tells it to: every event once, whatever is killed."""

import json
import signal
import time

import flume as peer
import front
from adweave_server import IMPRESSIONS, impressions

CLICKS = """
  - name: clicks
    files: flume/watched/*
    format: json
    kind: click
    fields: {event_id: id, event_time: timestamp, user_id: user_id, campaign_id: campaign_id}
"""


def clicks(first: int, count: int) -> bytes:
    return b"".join(
        json.dumps({"id": f"c{n}", "timestamp": "2026-01-02T04:05:06Z", "user_id": f"ü{n}", "campaign_id": f"k{n % 7}"},
                   ensure_ascii=False).encode() + b"\n"
        for n in range(first, first + count))


class FlumeTest(front.DeliveryTest):
    CONFIG = IMPRESSIONS + CLICKS

    def setUp(self) -> None:
        super().setUp()
        self.flume: peer.Flume | None = None

    def tearDown(self) -> None:
        if self.flume:
            self.flume.kill()
        super().tearDown()

    def start_flume(self, url: str = "") -> None:
        self.flume = peer.Flume(self.folder / "flume", url or f"http://{self.listen}")
        self.flume.start()

    def wait_for_counts(self, shown: int, clicked: int) -> None:
        """At least so many rows of both kinds."""
        self.wait_for(f"SELECT CAST((SELECT count(*) FROM impressions) >= {shown} AND "
                      f"(SELECT count(*) FROM clicks_as_committed) >= {clicked} AS INT) AS n", 1)

    def check_rows(self, shown: int, clicked: int) -> None:
        expected = [{"event_id": f"i{n}", "user_id": f"u{n}"} for n in range(shown)]
        self.assertEqual(self.sql("SELECT event_id, user_id FROM impressions ORDER BY CAST(event_id[2:] AS INT)"), expected)
        expected = [{"event_id": f"c{n}", "user_id": f"ü{n}", "campaign_id": f"k{n % 7}"} for n in range(clicked)]
        self.assertEqual(
            self.sql("SELECT event_id, user_id, campaign_id FROM clicks_as_committed ORDER BY CAST(event_id[2:] AS INT)"), expected)

    def test_every_event_is_there_once_whatever_is_killed(self) -> None:
        self.start()
        self.start_flume()
        self.flume.put("a", impressions(0, 1500))
        self.flume.append(clicks(0, 20000))
        self.wait_for_counts(100, 0)
        self.stop(signal.SIGKILL)
        self.flume.put("b", impressions(1400, 600) + b'{"id": "no time"}\n{"id": "\xff\n')  # 100 of them again
        self.flume.append(clicks(19000, 21000))  # 1000 of them again
        time.sleep(1)
        self.start()
        self.wait_for_counts(700, 1)
        self.flume.kill()
        self.assertLess(self.sql("SELECT count(*) AS n FROM impressions")[0]["n"], 2000)
        self.flume.start()
        self.wait_for_counts(2000, 40000)
        self.wait_for("SELECT least(2, count(*)) AS n FROM rejects WHERE source = 'impressions'", 2)
        self.flume.kill()
        self.assertEqual(self.stop(), 0)
        self.check_rows(2000, 40000)
        self.assertGreaterEqual(self.total()["duplicate"], 1100)
        self.check_conservation()

    def test_what_is_turned_away_comes_again(self) -> None:
        self.start()
        before = front.Front([429, 503, 500, 401, front.LOST], self.port)
        self.addCleanup(before.end)
        self.start_flume(before.url)
        self.flume.put("a", impressions(0, 3))
        self.wait_for_counts(3, 0)
        self.assertEqual(self.stop(), 0)
        self.check_rows(3, 0)
        self.assertEqual(self.total()["duplicate"], 1)  # its answer was lost
        self.assertEqual(len(before.requests), 5 + 3)
        self.assertEqual({headers["Content-Type"] for headers, _ in before.requests}, {"application/json"})
        self.check_conservation()

    def test_a_paused_source_gets_its_events_when_it_goes_on(self) -> None:
        self.start()
        self.adweave("pause", "impressions", "--data", self.data)
        self.start_flume()
        self.flume.put("a", impressions(0, 50))
        self.flume.append(clicks(0, 50))
        self.wait_for_counts(0, 50)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM impressions"), [{"n": 0}])
        self.adweave("resume", "impressions", "--data", self.data)
        self.wait_for_counts(50, 50)
        self.assertEqual(self.stop(), 0)
        self.check_rows(50, 50)
        self.check_conservation()
