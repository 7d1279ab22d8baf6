# SPDX-License-Identifier: Apache-2.0
"""./dev bench [--json] [--events N] [--pairs N] [ROW ...]: each row of the goals against its peers, on this machine.
./dev bench --profile [--events N]: where the time of the whole job goes, into docs/performance.md."""

import argparse
import os
import pathlib
import sys

import measure
import results
import stage_times
from context import ROOT, Context
from rows import dashboard, decode, deliveries, kafka, lookups, ourselves, overload, parquet, restart, whole_job, yahoo

# The most important first.
ROWS = {
    "4": whole_job.run,
    "1": decode.json,
    "2": yahoo.sql,
    "3": yahoo.streams,
    "6": decode.csv,
    "5": decode.avro,
    "7": parquet.run,
    "linear": ourselves.linear,
    "15": ourselves.second_core,
    "8": ourselves.durability,
    "9": kafka.run,
    "10": deliveries.one_event,
    "11": deliveries.many_events,
    "12": deliveries.freshness,
    "13": dashboard.run,
    "14": ourselves.state,
    "lookups": lookups.run,
    "restart": restart.run,
    "overload": overload.run,
}
EVENTS, PAIRS, PAIRS_MIN = 4_000_000, 5, 5


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; all by default")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"generated events, {EVENTS:,} by default")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"rounds; below {PAIRS_MIN} no page is written")
    parser.add_argument("--profile", action="store_true", help="the whole job's stages into docs/performance.md, no row")
    options = parser.parse_args()
    unknown = [row for row in options.rows if row not in ROWS]
    if unknown:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return options


def main() -> int:
    options = arguments()
    measure.adopt_orphans()
    adweave = os.environ["ADWEAVE"]
    context = Context(adweave, pathlib.Path(adweave).parent, options.events, options.pairs)
    if options.profile:
        stage_times.write(context)
        return 0
    before = measure.probe()
    found = []
    for row in options.rows or ROWS:
        for result in ROWS[row](context):
            found.append(result)
            if options.json:
                print(results.json_line(result), flush=True)
    after = measure.probe()
    if not options.json:
        print(results.table(found))
    if before.drift(after) > measure.PROBE_DIFFERENCE_MAX:
        context.say(f"the machine changed by {100 * before.drift(after):.0f} % between begin and end: mistrust the figures")
    if options.pairs >= PAIRS_MIN:
        facts = [
            results.machine(),
            f"again: ./dev bench --events {options.events} --pairs {options.pairs} {' '.join(options.rows)}".rstrip(),
            "ratio: the peer's CPU-seconds / ours, whole process trees, median of rounds",
            f"spin {before.spin:.3f} s before, {after.spin:.3f} s after; memcpy {before.memcpy:.3f} s, {after.memcpy:.3f} s; "
            f"load {os.getloadavg()[1]:.1f}",
            *context.facts,
        ]
        page = results.write_page(ROOT / "bench/results", found, facts)
        context.say(f"written: {page.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
