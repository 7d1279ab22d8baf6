# SPDX-License-Identifier: Apache-2.0
"""./dev faults: disturbs the program in every way, and counts what was lost, is there twice, or is not what was sent.

The first faults disturb the main job within one program (tests/simulation), the others a server that events are sent to; what it
must hold is known by an oracle that shares no code with it."""

import argparse
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import call_faults
import load_faults
import sender_faults
from events import Tally
from server import PROGRAM

SIMULATED = ("planted", "power-cut", "steps", "late-writer", "full-disk", "crash")
# name: what it does, how, rounds of the tiers ci and full.
SERVED = {
    "kill": ("kill -9 under load: HTTP, files, Kafka", load_faults.kill, 6, 1000),
    "brokers": ("3 brokers, restarted under load", load_faults.brokers, 6, 500),
    "standby": ("taken over by the standby", load_faults.standby, 5, 500),
    "zombie": ("late server, with requests on the way", load_faults.zombie, 5, 500),
    "reply-dropped": ("answers dropped, requests repeated", load_faults.reply_dropped, 200, 100_000),
    "call-killed": ("kill -9 at a system call", call_faults.kill_at_call, 1, 1_000_000),
    "call-failed": ("EIO, ENOSPC of a system call", call_faults.failing_call, 1, 1_000_000),
    "disk-full": ("disk full, and room again", call_faults.disk_full, 3, 200),
    "clock": ("clock set under load", call_faults.clock_steps, 6, 500),
    "slow-loris": ("slow requests beside others", sender_faults.slow_loris, 1, 4),
    "garbage": ("garbage of 13 kinds, all sent three times", sender_faults.garbage, 10, 200),
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join((*SIMULATED, *SERVED))}; all by default")
    parser.add_argument("--tier", choices=("ci", "full"), default="full", help="ci: a few rounds of each, which ones as the seed says")
    parser.add_argument("--rounds", type=int, help="instead of the tier's; of a system call's faults: moments of each call")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments and the samples")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    if unknown := set(options.names) - {*SIMULATED, *SERVED}:
        parser.error(f"no fault {', '.join(sorted(unknown))}; there are {', '.join((*SIMULATED, *SERVED))}")
    return options


def run_simulated(name: str, options: argparse.Namespace) -> bool:
    words = [name, "--tier", options.tier, "--seed", str(options.seed)]
    words += ["--rounds", str(options.rounds)] if options.rounds else []
    words += ["--json"] if options.json else []
    return subprocess.run([pathlib.Path(PROGRAM).parent / "adweave_faults", *words], check=False).returncode == 0


def run_served(name: str, options: argparse.Namespace) -> bool:
    what, disturb, *rounds = SERVED[name]
    tally, began = Tally(what), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="adweave-faults-") as folder:
        disturb(tally, pathlib.Path(folder).resolve(), options.rounds or rounds[options.tier == "full"], random.Random(options.seed))
    print(tally.line(options.json), flush=True)
    for note in tally.notes[:10]:
        print(f"  {note}", file=sys.stderr)
    if not tally.ok():
        print(f"  {name}, seed {options.seed}, {time.monotonic() - began:.0f} s", file=sys.stderr)
    return tally.ok()


def main() -> int:
    options = arguments()
    names = options.names or [*SIMULATED, *SERVED]
    passed = [run_simulated(name, options) if name in SIMULATED else run_served(name, options) for name in names]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
