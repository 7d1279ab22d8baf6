# SPDX-License-Identifier: Apache-2.0
"""What every row needs: where things are, how much input, how often; and the comparison itself."""

import dataclasses
import os
import pathlib
import shutil
import sys
from collections.abc import Callable

from measure import Cost
from results import Goal, Result, absent, result_of

ROOT = pathlib.Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache/bench"
PYTHON = CACHE / "venv/bin/python"
PEERS = ROOT / "bench/peers"


@dataclasses.dataclass
class Engine:
    """A program beside others: `run` does the whole work into a new folder and says what it cost."""

    name: str
    run: Callable[[pathlib.Path], Cost]
    is_there: Callable[[], bool] = lambda: True
    settings: str = ""  # version and settings, for the page
    close: Callable[[], None] = lambda: None


@dataclasses.dataclass
class Context:
    adweave: str
    programs: pathlib.Path  # build/release/bin
    events: int
    pairs: int
    threads: int = os.cpu_count() or 1
    facts: list[str] = dataclasses.field(default_factory=list)

    def say(self, words: str) -> None:
        print(f"bench: {words}", file=sys.stderr, flush=True)

    def folder(self, name: str) -> pathlib.Path:
        """A new, empty folder for output."""
        folder = CACHE / "out" / name.replace(" ", "_")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def compare(self, ours: Engine, peers: list[tuple[Goal, Engine]],
                differences: Callable[[pathlib.Path, pathlib.Path], list[str]]) -> list[Result]:
        """One warm-up each, whose outputs must be the same; then rounds, each engine once a round."""
        mine = self.folder("adweave")
        cold = ours.run(mine)
        self.say(f"adweave: warm-up {cold.cpu:.2f} CPU-s, {cold.wall:.2f} s")
        results: dict[str, Result] = {}
        running: list[tuple[Goal, Engine]] = []
        for goal, peer in peers:
            if not peer.is_there():
                results[goal.peer] = absent(goal)
                continue
            theirs = self.folder(peer.name)
            try:
                cold = peer.run(theirs)
            except RuntimeError as error:
                results[goal.peer] = Result(goal, note=f"ended with an error: {str(error).strip().splitlines()[-1]}")
                continue
            self.say(f"{peer.name}: warm-up {cold.cpu:.2f} CPU-s, {cold.wall:.2f} s")
            self.facts.append(f"row {goal.row}: {peer.name}: {peer.settings}; cold {cold.cpu:.2f} CPU-s")
            found = differences(mine, theirs)
            if found:
                results[goal.peer] = Result(goal, note="refused, the outputs differ: " + "; ".join(found[:3]))
                peer.close()
            else:
                running.append((goal, peer))
        costs: dict[str, list[Cost]] = {name: [] for name in ("adweave", *(peer.name for _, peer in running))}
        for number in range(self.pairs if running else 0):
            for engine in (ours, *(peer for _, peer in running)):
                costs[engine.name].append(engine.run(self.folder(engine.name)))
            self.say(f"round {number + 1}: " + ", ".join(f"{n} {c[-1].cpu:.2f} CPU-s" for n, c in costs.items()))
        for goal, peer in running:
            peer.close()
            pairs = list(zip(costs[peer.name], costs["adweave"]))
            wall = sorted(p.wall / o.wall for p, o in pairs)[len(pairs) // 2]
            middle = sorted(o.cpu for o in costs["adweave"])[len(pairs) // 2]
            note = f"ours {middle:.2f} CPU-s; wall {wall:.2f} x"
            results[goal.peer] = result_of(goal, [p.cpu / o.cpu for p, o in pairs], note)
        return [results[goal.peer] for goal, _ in peers]
