# SPDX-License-Identifier: Apache-2.0
"""Ten times as many senders as the server can bear, for two minutes: what it still commits, how much memory it takes, what it answers."""

import json
import pathlib
import re
import statistics
import time

from context import Context
from results import Goal, Result, result_of
from server import CONNECTIONS, EVENTS_A_REQUEST, LOAD_SOURCE, Server, not_once

SECONDS = 120
PEAK_SECONDS = 10  # at each rate
RATES = (0.8, 0.9, 1.0, 1.1)  # of what a burst is committed with: the best of them is the peak
TIMES = 10
IMPATIENT = 50  # percent of the connections that do not heed Retry-After
HOT = 80  # percent of the events that are of one campaign
# Impressions of nobody that is known: they leave an id each, but no touch, which would be kept in memory, overload or not.
SOURCE = LOAD_SOURCE.replace("user_id: user_id, creative_id: ad_creative_id", "creative_id: ad_creative_id, campaign_id: ad_creative_id")


def committed_a_second(server: Server, seconds: float) -> float:
    before, began = server.accepted(), time.monotonic()
    server.connection.close()  # the server would, meanwhile
    time.sleep(seconds)
    return (server.accepted() - before) / (time.monotonic() - began)


def sustained_peak(server: Server) -> float:
    """Events a second that are committed, at the best rate."""
    burst = server.peak()
    found = []
    for share in RATES:
        load = server.load(rate=int(burst * share), hot=HOT)
        time.sleep(1)
        found.append(committed_a_second(server, PEAK_SECONDS))
        load.terminate()
        load.wait()
        server.wait_until_caught_up()
    return max(found)


def memory(server: Server, name: str) -> float:
    """GiB by /proc: VmHWM is the most since the process began, RssAnon what no file could give back at the moment."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(rf"^{name}:\s*(\d+) kB$", status, re.MULTILINE)[1]) / (1 << 20)


class Rounds:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.goodput: list[float] = []
        self.memory: list[float] = []
        self.anonymous: list[float] = []
        self.loads: list[dict] = []
        self.peaks: list[float] = []
        self.answers: list[float] = []
        self.errors: list[str] = []

    def run(self) -> None:
        folder = self.context.folder("overload")
        config, data, acknowledged = folder / "overload.yaml", folder / "data", folder / "acknowledged"
        config.write_text(f"ledger_id: overload\nsources:{SOURCE}")
        server = Server(self.context, config, data)
        try:
            server.wait_until_ready()
            self.peaks.append(sustained_peak(server))
            load = server.load(connections=TIMES * CONNECTIONS, seconds=SECONDS, impatient=IMPATIENT, hot=HOT, acknowledged=acknowledged)
            committed = committed_a_second(server, SECONDS)
            out, error = load.communicate()
            began = time.monotonic()
            status, _ = server.ask("POST", "/v1/events?source=load", json.dumps({"id": "after", "timestamp": "2026-01-01T00:00:00Z"}) + "\n")
            self.answers.append(time.monotonic() - began)
            if status != 200:
                self.errors.append(f"afterwards a delivery was answered {status}")
            self.memory.append(memory(server, "VmHWM"))
            self.anonymous.append(memory(server, "RssAnon"))
            server.wait_until_caught_up()
            if load.returncode != 0:
                self.errors.append(error.strip())
            else:
                self.loads.append(json.loads(out))
            self.errors += not_once(self.context, data, acknowledged, "impressions")
        finally:
            server.close()
        self.goodput.append(committed / self.peaks[-1])
        self.context.say(f"overload: peak {self.peaks[-1]:,.0f} events/s, {committed:,.0f} overloaded, {self.memory[-1]:.2f} GiB; {out.strip()}")


def run(context: Context) -> list[Result]:
    rounds = Rounds(context)
    for _ in range(context.pairs):
        rounds.run()

    def middle(key: str) -> float:
        return statistics.median(load[key] for load in rounds.loads)

    wrong = "".join(f"; {error}" for error in rounds.errors)
    if rounds.loads:
        context.facts.append(
            f"overload: peak {statistics.median(rounds.peaks):,.0f} events/s at {CONNECTIONS} connections; then {TIMES * CONNECTIONS}, each of which "
            f"sends again as soon as it is answered, {IMPATIENT} % also when they are refused, {HOT} % of the events of one campaign. On the same "
            f"{context.threads} cores the sender offered {middle('sent') * EVENTS_A_REQUEST / SECONDS:,.0f} events/s: of {middle('sent'):,.0f} requests "
            f"{middle('requests'):,.0f} were acknowledged, {middle('refused_429'):,.0f} answered 429 and {middle('refused_503'):,.0f} 503 with "
            f"Retry-After, none anything else. A lone delivery afterwards took "
            f"{1000 * statistics.median(rounds.answers):.1f} ms" + (wrong or "; no acknowledged event is lost or there twice"))
    return [result_of(Goal("overload", "goodput of the peak", "itself", 0.9, 0.95, "%"), rounds.goodput, wrong.strip("; ")),
            result_of(Goal("overload", "memory", "itself", 1, None, "GiB", lower=True), rounds.memory,
                      f"with the mapped files of ids; {statistics.median(rounds.anonymous):.2f} GiB without, at the end")]
