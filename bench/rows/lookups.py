# SPDX-License-Identifier: Apache-2.0
"""Look-ups by id: how long the slowest hundredth takes over 30 days of events, while half of what the server can take comes in."""

import http.client
import json
import pathlib
import re
import statistics
import subprocess
import time
import urllib.parse

import inputs
import measure
from context import Context
from results import Goal, Result, result_of

EVENTS_A_REQUEST = 100
PEAK_REQUESTS = 10_000
QUESTIONS = 500  # of each kind, in a round
LOAD = """
  - name: load
    http: true
    format: json
    kind: impression
    fields: {event_id: id, event_time: timestamp, user_id: user_id, creative_id: ad_creative_id, website: website, cost: cost, currency: currency}
"""
SAMPLES = {
    "timeline": ("/v1/users/{}/timeline", 'SELECT user_id AS id FROM impressions WHERE user_id IS NOT NULL AND "commit" <= {head} USING SAMPLE {n} ROWS (reservoir, {seed})'),
    "auction": ("/v1/auctions/{}", 'SELECT auction_id AS id FROM bid_requests WHERE "commit" <= {head} USING SAMPLE {n} ROWS (reservoir, {seed})'),
    "impression": ("/v1/impressions/{}", 'SELECT event_id AS id FROM impressions WHERE "commit" <= {head} USING SAMPLE {n} ROWS (reservoir, {seed})'),
    "explain": ("/v1/explain/{}", "SELECT event_id AS id FROM (SELECT event_id, \"commit\" FROM impressions UNION ALL SELECT event_id, \"commit\" FROM clicks "
                                  "UNION ALL SELECT event_id, \"commit\" FROM conversions) WHERE \"commit\" <= {head} USING SAMPLE {n} ROWS (reservoir, {seed})"),
}


class Server:
    def __init__(self, context: Context, config: pathlib.Path, data: pathlib.Path) -> None:
        self.context, self.data = context, data
        self.process = subprocess.Popen([context.adweave, "serve", "-c", str(config), "--data", str(data), "--listen", "127.0.0.1:0",
                                         "--metrics", "127.0.0.1:0", "--log-format", "text"], stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if found := re.search(r"events on port (\d+)", line):
                self.port = int(found[1])
                break
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def get(self, path: str) -> str:
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {text}")
        return text

    def wait_until_found(self, head: int) -> None:
        while json.loads(self.get("/v1/users/nobody/timeline"))["commit"] < head:
            time.sleep(0.2)

    def load(self, requests: int, rate: int = 0) -> subprocess.Popen:
        return subprocess.Popen([str(self.context.programs / "http_load"), "--port", str(self.port), "--connections", "8", "--requests", str(requests),
                                 "--events", str(EVENTS_A_REQUEST), "--rate", str(rate), "--path", "/v1/events?source=load"],
                                stdout=subprocess.PIPE, text=True)

    def peak(self) -> float:
        """Requests a second that it can take and commit."""
        began = time.monotonic()
        self.load(PEAK_REQUESTS).communicate()
        while "\nadweave_journal_bytes_behind 0\n" not in self.get("/metrics"):
            time.sleep(0.02)
        return PEAK_REQUESTS / (time.monotonic() - began)

    def close(self) -> None:
        self.process.terminate()
        self.process.stderr.read()
        self.process.wait()


def rows(context: Context, data: pathlib.Path, statement: str) -> list[dict]:
    out = subprocess.run([context.adweave, "sql", "--data", str(data), "--output", "json", statement], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


def sample(context: Context, data: pathlib.Path, head: int, seed: int) -> list[tuple[str, str]]:
    """Questions of all kinds, mixed, for what was there before the load."""
    lists = [[(kind, path.format(urllib.parse.quote(row["id"], safe=""))) for row in rows(context, data, statement.format(n=QUESTIONS, seed=seed, head=head))]
             for kind, (path, statement) in SAMPLES.items()]
    return [question for group in zip(*lists) for question in group]


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def run(context: Context) -> list[Result]:
    logs = inputs.ad_logs(context, context.events, 720)
    config = logs / "lookups.yaml"
    text = (logs / "whole_job.yaml").read_text()
    config.write_text(text.replace("sources:\n", "sources:" + LOAD, 1) + "serve: {lookups: {days: 3660}}\n")
    data = context.folder("lookups") / "data"
    measure.run([context.adweave, "run", "-c", str(config), "--data", str(data), "--threads", str(context.threads)], data.parent / "log")
    head = rows(context, data, 'SELECT max("commit") AS n FROM impressions')[0]["n"]
    began = time.monotonic()
    server = Server(context, config, data)
    try:
        server.wait_until_found(head)
        built = time.monotonic() - began
        peak = server.peak()
        taken: dict[str, list[list[float]]] = {kind: [] for kind in SAMPLES}
        for seed in range(context.pairs):
            questions = sample(context, data, head, seed)
            load = server.load(10_000_000, max(1, int(peak / 2)))
            one: dict[str, list[float]] = {kind: [] for kind in SAMPLES}
            for kind, path in questions:
                start = time.perf_counter()
                server.get(path)
                one[kind].append(1000 * (time.perf_counter() - start))
            load.terminate()
            load.wait()
            for kind, times in one.items():
                taken[kind].append(times)
    finally:
        server.close()
    lake, index = (sum(f.stat().st_size for f in (data / name).rglob("*") if f.is_file()) for name in ("lake", "index"))
    context.facts.append(f"lookups: {context.events:,} generated events of 30 days; index made in {built:.1f} s, {index / 1e6:.0f} MB beside a lake of "
                         f"{lake / 1e6:.0f} MB; peak {peak * EVENTS_A_REQUEST:,.0f} events/s with the load's program on the same cores")
    return [result_of(Goal("lookups", f"{kind}, p99 at half of peak", "itself", 10, None, "ms", lower=True),
                      [percentile(times, 0.99) for times in rounds], f"median {statistics.median(sum(rounds, [])):.2f} ms")
            for kind, rounds in taken.items()]
