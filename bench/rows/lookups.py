# SPDX-License-Identifier: Apache-2.0
"""Look-ups by id: how long the slowest hundredth takes over 30 days of events, while half of what the server can take comes in."""

import pathlib
import statistics
import time
import urllib.parse

import inputs
import measure
from context import Context
from results import Goal, Result, result_of
from server import EVENTS_A_REQUEST, LOAD_SOURCE, Server, rows

QUESTIONS = 500  # of each kind, in a round
SAMPLES = {
    "timeline": ("/v1/users/{}/timeline", 'SELECT user_id AS id FROM impressions WHERE user_id IS NOT NULL AND "commit" <= {head} USING SAMPLE {n} ROWS (reservoir, {seed})'),
    "auction": ("/v1/auctions/{}", 'SELECT auction_id AS id FROM bid_requests WHERE "commit" <= {head} USING SAMPLE {n} ROWS (reservoir, {seed})'),
    "impression": ("/v1/impressions/{}", 'SELECT event_id AS id FROM impressions WHERE "commit" <= {head} USING SAMPLE {n} ROWS (reservoir, {seed})'),
    "explain": ("/v1/explain/{}", "SELECT event_id AS id FROM (SELECT event_id, \"commit\" FROM impressions UNION ALL SELECT event_id, \"commit\" FROM clicks "
                                  "UNION ALL SELECT event_id, \"commit\" FROM conversions) WHERE \"commit\" <= {head} USING SAMPLE {n} ROWS (reservoir, {seed})"),
}


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
    config.write_text(text.replace("sources:\n", "sources:" + LOAD_SOURCE, 1) + "serve: {lookups: {days: 3660}}\n")
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
            load = server.load(rate=max(1, int(peak / 2)))
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
