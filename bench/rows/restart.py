# SPDX-License-Identifier: Apache-2.0
"""Killed under load with much to remember: how long until deliveries are taken again, and until all of before is committed."""

import datetime
import json
import pathlib
import shutil
import statistics
import subprocess
import time

import measure
from context import Context
from results import Goal, Result, result_of
from server import EVENTS_A_REQUEST, LOAD_SOURCE, Server, not_once, rows

HOURS = 20  # of traffic before now: every view is in its window of a day
GENERATED = 2.55  # events for one of --events: 10.2 M by default
LOAD_SHARE = 0.7  # of the peak
LOAD_SECONDS = (10, 13, 16, 19, 22)  # so that the kill hits different distances from the last snapshot
# A load that adds no touches.
SOURCE = LOAD_SOURCE.replace("kind: impression", "kind: bid_request").replace("creative_id: ad_creative_id", "auction_id: id").replace("cost: cost, ", "")
IDS = "SELECT " + " + ".join(f"(SELECT count(*) FROM {table})" for table in (
    "impressions", "clicks", "conversions", "bid_requests", "auction_outcomes", "engagements")) + " AS n"
OPEN_TOUCHES = """SELECT count(*) AS n FROM (
    SELECT event_id FROM impressions WHERE person_id IS NOT NULL AND event_time > now() - INTERVAL 1 DAY
    UNION ALL SELECT event_id FROM clicks WHERE person_id IS NOT NULL AND event_time > now() - INTERVAL 30 DAY)
    WHERE event_id NOT IN (SELECT touch_id FROM credits WHERE touch_id IS NOT NULL)"""


def make_data(context: Context, folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """A configuration, and a data folder with events of today."""
    logs, data = folder / "logs", folder / "before"
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=HOURS)
    measure.run([context.adweave, "generate", "--events", str(int(context.events * GENERATED)), "--seed", "1", "--hours", str(HOURS),
                 "--start", start.strftime("%Y-%m-%dT%H:%M:%SZ"), "--out", str(logs)], folder / "log")
    config = logs / "restart.yaml"
    config.write_text((logs / "adweave.yaml").read_text().replace("sources:\n", "sources:" + SOURCE, 1))
    measure.run([context.adweave, "run", "-c", str(config), "--data", str(data), "--threads", str(context.threads)], folder / "log")
    return config, data


def event(name: str) -> str:
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    return json.dumps({"id": name, "timestamp": now, "user_id": "u", "website": "https://example.com", "currency": "EUR"}) + "\n"


class Rounds:
    def __init__(self, context: Context) -> None:
        self.context, self.folder = context, context.folder("restart")
        self.config, self.before = make_data(context, self.folder)
        self.ids, self.touches = (int(rows(context, self.before, statement)[0]["n"]) for statement in (IDS, OPEN_TOUCHES))
        context.say(f"restart: {self.ids:,} ids, {self.touches:,} open touches")
        server = self.start(self.copy())
        server.wait_until_ready()
        self.peak = server.peak()
        server.close()
        self.accepting: list[float] = []
        self.caught_up: list[float] = []
        self.ready: list[float] = []
        self.behind: list[int] = []
        self.errors: list[str] = []

    def copy(self) -> pathlib.Path:
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(self.before, data)
        return data

    def start(self, data: pathlib.Path) -> Server:
        return Server(self.context, self.config, data)

    def run(self, number: int) -> None:
        data, acknowledged = self.copy(), self.folder / "acknowledged"
        server = self.start(data)
        server.wait_until_ready()
        load = server.load(rate=int(self.peak * LOAD_SHARE), acknowledged=acknowledged)
        time.sleep(LOAD_SECONDS[number % len(LOAD_SECONDS)])
        self.behind.append(server.journal_bytes_behind())
        server.kill()
        load.communicate()
        server = self.start(data)
        try:
            while server.ask("POST", "/v1/events?source=load", event(f"after-{number}"))[0] != 200:
                time.sleep(0.001)
            self.accepting.append(time.monotonic() - server.began)
            server.wait_until_ready()
            self.ready.append(time.monotonic() - server.began)
            server.wait_until_caught_up()
            self.caught_up.append(time.monotonic() - server.began)
            self.errors += not_once(self.context, data, acknowledged, "bid_requests")
        finally:
            server.close()
        self.context.say(f"restart: round {number + 1}: accepting {self.accepting[-1]:.2f} s, ready {self.ready[-1]:.2f} s, "
                         f"caught up {self.caught_up[-1]:.2f} s")


def run(context: Context) -> list[Result]:
    rounds = Rounds(context)
    for number in range(context.pairs):
        rounds.run(number)
    context.facts.append(
        f"restart: {rounds.ids:,} ids and {rounds.touches:,} touches in their windows without a conversion, by SQL; killed under bid requests at "
        f"{LOAD_SHARE:.0%} of a peak of {rounds.peak * EVENTS_A_REQUEST:,.0f} events/s, with the load's program on the same cores, after "
        f"{', '.join(map(str, LOAD_SECONDS))} s, each time on a copy of the data folder; of the acknowledged ones "
        + ("; ".join(rounds.errors) or "none is lost and none is there twice"))
    note = f"with {rounds.ids / 1e6:.1f} M ids, {rounds.touches / 1e6:.1f} M open touches" + "".join(f"; {error}" for error in rounds.errors)
    return [result_of(Goal("restart", "after kill -9: takes deliveries", "itself", 2, 1, "s", lower=True), rounds.accepting, note),
            result_of(Goal("restart", "after kill -9: all is committed", "itself", 10, 5, "s", lower=True), rounds.caught_up,
                      f"processes after {statistics.median(rounds.ready):.2f} s; {statistics.median(rounds.behind) / 1e6:.1f} MB were not committed at the kill")]
