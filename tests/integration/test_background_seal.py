# SPDX-License-Identifier: Apache-2.0
"""A server seals days that are over by itself, beside its commits."""

import json
import re
import time
import unittest

from adweave_server import IMPRESSIONS, ServerTest, impressions


class BackgroundSealTest(ServerTest):
    CONFIG = IMPRESSIONS + "serve: {seal: 1s}\n"

    def metric(self, name: str) -> float:
        _, text, _ = self.ask("GET", "/metrics", port=self.metrics_port)
        return float(re.search(rf"^{name} (\S+)$", text, re.M)[1])

    def wait_for_metric(self, name: str, value: float) -> None:
        until = time.monotonic() + 60
        while (found := self.metric(name)) != value:
            self.assertLess(time.monotonic(), until, f"{name}: {found} and not {value}")
            time.sleep(0.1)

    def pending(self) -> dict[str, int]:
        days = json.loads(self.adweave("status", "--output", "json", "--data", self.data).stdout)["days"]
        return {day["day"]: day["pending"] for day in days}

    def test_days_are_sealed_and_what_comes_late_beside_them(self) -> None:
        self.start()
        for n in range(3):
            self.post(impressions(n * 10, 10, "2026-01-02"))
        self.wait_for_metric("adweave_seals_total", 1)  # today, of the rows in `audit`, is not over
        self.assertEqual(self.pending()["2026-01-02"], 0)
        self.post(impressions(30, 5, "2026-01-02"))
        self.assertEqual(self.pending()["2026-01-02"], 5)
        self.wait_for_metric("adweave_seals_total", 2)
        self.assertEqual(self.pending()["2026-01-02"], 0)
        self.assertEqual(self.metric("adweave_seal_waiting"), 0)
        self.assertEqual(self.metric("adweave_seal_failures_total"), 0)
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.sql("SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM impressions"), [{"n": 35, "ids": 35}])
        self.adweave("verify", "--data", self.data)


class NoSealTest(BackgroundSealTest):
    CONFIG = IMPRESSIONS + "serve: {seal: off}\n"

    def test_days_are_sealed_and_what_comes_late_beside_them(self) -> None:
        self.start()
        self.post(impressions(0, 10, "2026-01-02"))
        time.sleep(1.5)
        self.assertEqual((self.metric("adweave_seals_total"), self.pending()["2026-01-02"]), (0, 10))


if __name__ == "__main__":
    unittest.main()
