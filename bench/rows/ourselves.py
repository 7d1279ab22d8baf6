# SPDX-License-Identifier: Apache-2.0
"""Rows that compare us with ourselves: 15 (second core), 8 (durability), 14 (state), and that cost grows linearly."""

import json
import multiprocessing
import pathlib
import statistics
import time

import inputs
import measure
from context import Context
from measure import Cost
from results import Goal, Result, result_of

SPIN = 20_000_000
KEYS = 10_000_000
BYTES_A_SECOND = 64 << 20  # of input, about: what makes one commit a second


def whole_job(context: Context, logs: pathlib.Path, threads: int, config: str = "whole_job.yaml", **options) -> Cost:
    out = context.folder("adweave")
    command = [context.adweave, "run", "-c", str(logs / config), "--data", str(out / "data"), "--threads", str(threads)]
    return measure.run(command, out / "log", **options)


def spin(_: int) -> None:
    number = SPIN
    while number:
        number -= 1


def spin_scaling() -> float:
    """How much more two processes get done than one, with the machine as it is now."""
    walls = []
    for workers in (1, 2):
        with multiprocessing.Pool(workers) as pool:
            pool.map(spin, range(workers), chunksize=1)  # started, warm
            start = time.monotonic()
            pool.map(spin, range(workers), chunksize=1)
            walls.append(time.monotonic() - start)
    return 2 * walls[0] / walls[1]


def second_core(context: Context) -> list[Result]:
    goal = Goal("15", "second core, wall", "itself", 1.8, 1.9)
    if context.threads < 2:
        return [Result(goal, note="this machine has one core")]
    logs = inputs.ad_logs(context, context.events)
    ratios, scalings = [], []
    for _ in range(context.pairs):
        scaling = spin_scaling() / 2
        one, two = (whole_job(context, logs, threads).wall for threads in (1, 2))
        ratios.append(one / two / scaling)
        scalings.append(2 * scaling)
    return [result_of(goal, ratios, f"divided by a spin loop's own {statistics.median(scalings):.2f} / 2")]


def small_commits(logs: pathlib.Path) -> pathlib.Path:
    """The whole job's configuration with about a commit a second."""
    path = logs / "small_commits.yaml"
    path.write_text((logs / "whole_job.yaml").read_text() + f"limits: {{commit_bytes: {BYTES_A_SECOND >> 22}MiB}}\n")
    return path


def durability(context: Context) -> list[Result]:
    logs = inputs.ad_logs(context, context.events)
    config = small_commits(logs).name
    off = {"env": {"LD_PRELOAD": str(context.programs.parent / "lib/libno_sync.so")}}
    ratios = []
    for _ in range(context.pairs):
        durable = whole_job(context, logs, context.threads, config)
        loose = whole_job(context, logs, context.threads, config, **off)
        ratios.append(loose.wall / durable.wall)
    return [result_of(Goal("8", "durability, wall", "itself without fsync", 0.85, 0.95, "%"), ratios)]


def state(context: Context) -> list[Result]:
    out = context.folder("state")
    command = [str(context.programs / "state_bench"), "--benchmark_format=json", "--benchmark_filter=(grow|snapshot)/(in_memory|default_memory)"]
    measure.run(command, out / "log")
    text = (out / "log").read_text()
    found = {one["name"].split("/iter")[0]: one for one in json.loads(text[text.index("{"):])["benchmarks"]}
    bytes_a_key = found["grow/default_memory"]["most_bytes_a_key"]
    seconds = found["snapshot/default_memory"]["real_time"] / 1000
    return [
        result_of(Goal("14", "memory a key", "itself", 40, 28, "B", lower=True), [bytes_a_key], "at 10 M keys, the most while growing"),
        result_of(Goal("14", "10 M keys back", "itself", 5, 2, "s", lower=True), [seconds], "with 1 M touches"),
    ]


def linear(context: Context) -> list[Result]:
    """The cost of an event at a quarter, at all and at four times the input, and when it is spread over 30 days."""
    small, middle, large = context.events // 4, context.events, context.events * 4
    costs: dict[str, list[float]] = {}
    cases = {f"{n / 1e6:g} M": (inputs.ad_logs(context, n), n) for n in (small, middle, large)}
    cases["30 days"] = (inputs.ad_logs(context, middle, 720), middle)
    for _ in range(context.pairs):
        for name, (logs, events) in cases.items():
            costs.setdefault(name, []).append(whole_job(context, logs, context.threads).cpu / events * 1e6)
    middle_name = f"{middle / 1e6:g} M"
    context.facts.append("linear: CPU-us a generated event: " + ", ".join(f"{n}: {statistics.median(c):.2f}" for n, c in costs.items()))
    return [result_of(Goal("linear", f"cost an event, {name}", middle_name, 1.15, 1.05, "x", lower=True),
                      [c / m for c, m in zip(costs[name], costs[middle_name])]) for name in costs if name != middle_name]
