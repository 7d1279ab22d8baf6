# SPDX-License-Identifier: Apache-2.0
"""Is the engine right? Generates logs, runs them in two deliveries, and works every number out again by brute force.

    ADWEAVE=build/release/bin/adweave python3 tests/oracle/oracle.py --events 100000 --seed 7 [--json]

Shares no code and no schema with the engine. Prints events, checks, differences and the first ten differences in words;
exit code 1 when there are any.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from comparison import Comparison
from engine import Engine
from rules import Policy

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("ADWEAVE", str(ROOT / "build/release/bin/adweave"))
MINUTE = 60_000_000
DAY = 1440 * MINUTE
ONE_PER_CLICK = {"signup", "add_to_cart"}
ATTRIBUTION = """
attribution:
  conversion_counting: {signup: one, add_to_cart: one, purchase: every}
  windows:
    - {conversion_type: signup, placement_id: news.example, view_window: 20m}
    - {conversion_type: add_to_cart, click_window: 30m, view_window: 12h}
  policies:
    - {name: first, model: first_touch}
    - {name: first_short, model: first_touch, click_window: 1h, view_window: 3h}
    - {name: even, model: linear}
    - {name: even_once, model: linear, repeats: once, windows: [{placement_id: sports.example, view_window: 2h}]}
    - {name: decay, model: time_decay, half_life: 7d}
    - {name: decay_fast, model: time_decay, half_life: 45m, repeats: once}
    - {name: ends, model: position_based}
    - {name: ends_once, model: position_based, first_weight: 30, last_weight: 50, repeats: once}
"""
POLICIES = [
    Policy("default", "last_touch", windows=(("signup", "news.example", 30 * DAY, 20 * MINUTE),
                                             ("add_to_cart", None, 30 * MINUTE, 720 * MINUTE))),
    Policy("first", "first_touch"),
    Policy("first_short", "first_touch", click_window=60 * MINUTE, view_window=180 * MINUTE),
    Policy("even", "linear"),
    Policy("even_once", "linear", repeats="once", windows=((None, "sports.example", 30 * DAY, 120 * MINUTE),)),
    Policy("decay", "time_decay"),
    Policy("decay_fast", "time_decay", half_life=45 * MINUTE, repeats="once"),
    Policy("ends", "position_based"),
    Policy("ends_once", "position_based", first=30, last=50, repeats="once"),
]


def prepare(folder: pathlib.Path, events: int, seed: int) -> tuple[pathlib.Path, Engine]:
    """Logs, and the ledger of their two deliveries."""
    logs = folder / "logs"
    subprocess.run([PROGRAM, "generate", "--events", str(events), "--seed", str(seed), "--out", str(logs)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    config = logs / "oracle.yaml"
    text = (logs / "adweave.yaml").read_text()
    with_placements = text.replace("      creative_id: creative_id\n", "      creative_id: creative_id\n      placement_id: website\n")
    config.write_text(with_placements + ATTRIBUTION)
    engine = Engine(PROGRAM, folder / "data")
    later = folder / "later"
    (logs / "late").rename(later)
    engine.run(config)
    later.rename(logs / "late")
    engine.run(config)
    return logs, engine


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares the engine with brute force over generated logs.")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one object instead of text")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        logs, engine = prepare(pathlib.Path(folder), options.events, options.seed)
        comparison = Comparison(logs, engine, POLICIES, ONE_PER_CLICK)
        comparison.compare()
    if options.json:
        print(json.dumps({"events": options.events, "seed": options.seed, "checks": comparison.checks,
                          "differences": comparison.differences, "first": comparison.first}))
    else:
        print(f"{options.events} events, {comparison.checks} checks, {comparison.differences} differences")
        for words in comparison.first:
            print("  " + words)
    return 1 if comparison.differences else 0


if __name__ == "__main__":
    sys.exit(main())
