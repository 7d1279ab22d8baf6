# SPDX-License-Identifier: Apache-2.0
"""./dev bench --instructions [--update]: instructions that the hot loops take on a small fixed input, beside those that are
expected. Noise cannot move them, so this guards the speed in continuous integration.

callgrind runs one thread on seeded input. It collects only while the named function runs, and only what our own program
executes, with what is linked into it (simdjson) and the pinned Arrow: the C library, the C++ library, zstd and the like choose
their code by the processor, or come with the machine. Of the processor's features valgrind shows at most AVX2, so simdjson chooses
the same code on any machine of the last ten years. --toggle-collect counts by thread, so other threads add nothing."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import inputs
from context import CACHE, ROOT, Context

EXPECTED = ROOT / "bench/instructions.json"
TOLERANCE = 0.03
EVENTS = 20_000
COUNTED = ("adweave", "adweave_stages", "libarrow.so.2600", "libparquet.so.2600")
DECODE = "adweave::decode::Decoder::decode(adweave::event::Slice) const"


def loops(context: Context) -> dict[str, tuple[str, list[str]]]:
    """By name: the function, and the command that calls it."""
    logs, clicks = inputs.ad_logs(context, EVENTS), inputs.clicks(context, EVENTS // 4)
    stages = str(context.programs / "adweave_stages")
    run = [context.adweave, "run", "-c", str(logs / "whole_job.yaml"), "--threads", "1", "--data"]
    return {
        "decode JSON": (DECODE, [stages, "decode", str(logs / "adweave.yaml"), "impressions"]),
        "decode Avro": (DECODE, [stages, "decode", str(logs / "adweave.yaml"), "bid_requests"]),
        "decode CSV": (DECODE, [stages, "decode", str(clicks / "clicks.yaml"), "clicks"]),
        "prepare": ("adweave::process::prepare(*", run),
        "deduplicate": ("adweave::process::deduplicate(*", run),
        "attribute": ("adweave::process::attribute(*", run),
        "write Parquet": ("adweave::lake::write_table(*", run),
    }


def self_costs(text: str) -> dict[str, int]:
    """Instructions by object of a callgrind file: lines of costs, but for those that follow a call."""
    names: dict[str, str] = {}
    costs: dict[str, int] = {}
    place, is_call = "", False
    for line in text.splitlines():
        if found := re.match(r"ob=(\(\d+\))(?: (.*))?", line):
            place = names.setdefault(found[1], os.path.basename(found[2] or ""))
        elif line.startswith("cob="):
            found = re.match(r"cob=(\(\d+\))(?: (.*))?", line)
            names.setdefault(found[1], os.path.basename(found[2] or ""))
        elif line.startswith("calls="):
            is_call = True
        elif line and (line[0].isdigit() or line[0] in "+-*"):
            if not is_call and len(words := line.split()) > 1:
                costs[place] = costs.get(place, 0) + int(words[1])
            is_call = False
    return costs


def count(name: str, function: str, command: list[str]) -> int:
    folder = CACHE / "out/instructions" / name.replace(" ", "_")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if command[-1] == "--data":
        command = [*command, str(folder / "data")]
    output = folder / "callgrind.out"
    subprocess.run(["valgrind", "--tool=callgrind", "--quiet", f"--toggle-collect={function}", f"--callgrind-out-file={output}", *command],
                   check=True, stdout=subprocess.DEVNULL)
    costs = self_costs(output.read_text())
    return sum(cost for place, cost in costs.items() if place in COUNTED)


def verdict(instructions: int, expected: int | None) -> tuple[float, bool]:
    """The change, as a part of what is expected, and whether it is small enough. A loop that was never seen is not."""
    if not expected:
        return float("inf"), False
    change = round(instructions / expected - 1, 6)
    return change, abs(change) <= TOLERANCE


def main() -> int:
    adweave = os.environ["ADWEAVE"]
    context = Context(adweave, pathlib.Path(adweave).parent, EVENTS, 1)
    for kept in (CACHE / "inputs").glob(f"*-{EVENTS}-24h"):
        shutil.rmtree(kept)  # of a generator that may have changed
    work = loops(context)
    with concurrent.futures.ThreadPoolExecutor(context.threads) as pool:
        counts = dict(zip(work, pool.map(lambda item: count(item[0], *item[1]), work.items())))
    if "--update" in sys.argv[1:]:
        EXPECTED.write_text(json.dumps(counts, indent=2) + "\n")
    expected = json.loads(EXPECTED.read_text())
    failed = 0
    for name, instructions in counts.items():
        change, good = verdict(instructions, expected.get(name))
        failed += not good
        print(f"{name:14} {instructions:>13,} {100 * change:+7.2f} %{'' if good else '  beyond 3 %'}")
    if failed:
        print("slower? find out why. Faster, or slower for a reason: ./dev bench --instructions --update, and say why in the commit")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
