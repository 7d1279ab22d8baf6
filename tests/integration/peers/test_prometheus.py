# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes a server, answers with its numbers and evaluates the rules that are shipped."""

import json
import os
import pathlib
import re
import socket
import subprocess
import time
import unittest
import urllib.parse
import urllib.request

import pyarrow.parquet
from adweave import ROOT
from adweave_server import IMPRESSIONS, ServerTest

RULES = ROOT / "packaging/prometheus/adweave.rules.yaml"
CLICKS = """
  - {name: clicks, http: true, format: csv, kind: click, fields: {event_id: id, event_time: t, user_id: u, campaign_id: c}}
serve: {seal: 1s, reconcile: 1s}
"""


def promtool(*words: object, text: str = "") -> subprocess.CompletedProcess:
    return subprocess.run(["promtool", *map(str, words)], input=text, capture_output=True, text=True, check=False)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class RulesTest(unittest.TestCase):
    def test_the_rules_are_sound(self) -> None:
        done = promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_alert_comes_when_it_should(self) -> None:
        tests = ROOT / "tests/integration/peers/adweave.rules.test.yaml"
        done = promtool("test", "rules", tests)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        alerts = set(re.findall(r"alert: (\w+)", RULES.read_text()))
        expected = re.findall(r"alertname: (\w+)\n\s+exp_alerts:", tests.read_text())
        self.assertEqual(alerts, set(expected))


class PrometheusTest(ServerTest):
    CONFIG = IMPRESSIONS + CLICKS

    def setUp(self) -> None:
        super().setUp()
        self.prometheus: subprocess.Popen | None = None

    def tearDown(self) -> None:
        if self.prometheus:
            self.prometheus.kill()
            self.prometheus.wait()
        super().tearDown()

    def load(self) -> None:
        for n in range(20):
            impressions = b"".join(
                json.dumps({"id": f"i{i}", "timestamp": "2026-01-02T03:04:05Z", "user_id": f"u{i}", "creative_id": "c1"}).encode() + b"\n"
                for i in range(n * 40, n * 40 + 50)  # with repeats
            )
            self.ask("POST", "/v1/events?source=impressions", impressions + b"bad\n", Content_Type="application/x-ndjson")
            self.ask("POST", "/v1/events?source=clicks&wait=committed", f"id,t,u,c\nc{n},2026-01-02T04:00:00Z,u1,k\n".encode(),
                     Content_Type="text/csv")
        self.ask("POST", "/v1/events?source=impressions&wait=committed", impressions, Content_Type="application/x-ndjson")
        self.ask("GET", "/nowhere")

    def scrape(self) -> str:
        return self.ask("GET", "/metrics", port=self.metrics_port)[1]

    def start_prometheus(self) -> None:
        config = self.write("prometheus.yaml", f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{RULES}]
scrape_configs:
  - {{job_name: adweave, static_configs: [{{targets: ["127.0.0.1:{self.metrics_port}"]}}]}}
""")
        done = promtool("check", "config", config)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.address = f"127.0.0.1:{free_port()}"
        with open(self.folder / "prometheus.log", "wb") as log:
            self.prometheus = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.folder}/tsdb", f"--web.listen-address={self.address}"],
                stderr=log,
            )

    def prometheus_says(self, path: str, **parameters: str) -> dict:
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"http://{self.address}/api/v1/{path}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, text: str) -> dict[str, float]:
        """Values by source."""
        result = self.prometheus_says("query", query=text)["result"]
        return {sample["metric"].get("source", ""): float(sample["value"][1]) for sample in result}

    def wait_until(self, holds) -> None:
        until = time.monotonic() + 90
        while True:
            try:
                if holds():
                    return
            except OSError:
                pass  # it does not listen yet
            self.assertLess(time.monotonic(), until, (self.folder / "prometheus.log").read_text())
            time.sleep(0.3)

    def test_promtool_has_no_complaint(self) -> None:
        self.start()
        self.load()
        until = time.monotonic() + 60
        while "adweave_reconcile_success_seconds" not in (text := self.scrape()):
            self.assertLess(time.monotonic(), until, text)
            time.sleep(0.2)
        done = promtool("check", "metrics", text=text)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_it_scrapes_and_answers_with_our_numbers(self) -> None:
        self.start()
        self.load()
        self.start_prometheus()
        audit = {row["source"]: row for row in self.rows("audit")}
        self.assertEqual(audit["impressions"]["accepted"], 810)
        for name in ("received", "accepted", "duplicate", "conflict"):
            ours = {source: float(audit[source][name]) for source in ("impressions", "clicks")}
            self.wait_until(lambda name=name, ours=ours: self.query(f"adweave_{name}_total") == ours)
        self.assertEqual(self.query('adweave_rejected_total{reason="malformed"}'), {"": 20})
        self.assertEqual(self.query("data_processing_errors_total"), {"": 20})
        self.assertEqual(self.query("adweave_conservation_difference"), {"": 0})
        self.assertEqual(self.query("data_processing_time_count - adweave_commit_duration_seconds_count"), {"": 0})
        [target] = self.prometheus_says("targets")["activeTargets"]
        self.assertEqual((target["health"], target["lastError"]), ("up", ""))

    def test_the_alert_of_a_planted_difference_fires(self) -> None:
        self.start()
        self.load()
        self.start_prometheus()
        firing = lambda: {alert["labels"]["alertname"] for alert in self.prometheus_says("alerts")["alerts"] if alert["state"] == "firing"}
        self.wait_until(lambda: self.query("adweave_seals_total").get("", 0) > 0 and self.query("adweave_reconcile_difference") == {"": 0})
        self.assertNotIn("AdweaveLakeDiffers", firing())
        path, *_ = self.data.glob("lake/clicks/_sealed/dt=*/*.parquet")
        other = pathlib.Path(f"{path}.other")
        pyarrow.parquet.write_table(pyarrow.parquet.ParquetFile(path).read().slice(1), other)
        os.replace(other, path)
        self.wait_until(lambda: "AdweaveLakeDiffers" in firing())
        for group in self.prometheus_says("rules")["groups"]:
            self.assertEqual({rule["health"] for rule in group["rules"]}, {"ok"})


if __name__ == "__main__":
    unittest.main()
