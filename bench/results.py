# SPDX-License-Identifier: Apache-2.0
"""Results beside their goals, as a table, as JSON lines and as a page in bench/results/."""

import dataclasses
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess


@dataclasses.dataclass(frozen=True)
class Goal:
    """What a row is to reach: peer's cost / ours, or with `lower` a figure that is better when small. Without `must` it is only
    shown."""

    row: str
    title: str
    peer: str
    must: float | None
    aim: float | None
    unit: str = "x"
    lower: bool = False


@dataclasses.dataclass(frozen=True)
class Result:
    goal: Goal
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.ratio is None or self.goal.must is None:
            return None
        return self.ratio <= self.goal.must if self.goal.lower else self.ratio >= self.goal.must


def result_of(goal: Goal, ratios: list[float], note: str = "") -> Result:
    return Result(goal, statistics.median(ratios), min(ratios), max(ratios), note)


def absent(goal: Goal) -> Result:
    return Result(goal, note="absent: ./dev bench --setup installs it")


def json_line(result: Result) -> str:
    goal = result.goal
    return json.dumps(
        {"row": goal.row, "peer": goal.peer, "ratio": result.ratio, "min": result.low, "max": result.high,
         "must": goal.must, "aim": goal.aim, "met": result.met, "what": goal.title, "unit": goal.unit, "note": result.note})


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.0f} %" if unit == "%" else f"{value:.2f} {unit}"


def _cells(result: Result) -> list[str]:
    goal = result.goal
    span = "-" if result.low is None else f"{_number(result.low, goal.unit)} - {_number(result.high, goal.unit)}"
    met = {None: "-", True: "yes", False: "no"}[result.met]
    return [goal.row, goal.title, goal.peer, _number(result.ratio, goal.unit), span, _number(goal.must, goal.unit),
            _number(goal.aim, goal.unit), met, result.note]


HEADER = ["row", "what", "against", "median", "min - max", "must", "aim", "met", ""]


def table(results: list[Result]) -> str:
    rows = [HEADER, *map(_cells, results)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()


def machine() -> str:
    text = pathlib.Path("/proc/cpuinfo").read_text()
    models = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return f"{len(models)} x {models[0]}, {memory} GiB, Linux {platform.release()}"


def commit() -> str:
    return _git("rev-parse", "--short=10", "HEAD") + ("-changed" if _git("status", "--porcelain", "src") else "")


def write_page(folder: pathlib.Path, results: list[Result], facts: list[str]) -> pathlib.Path:
    date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    lines = [f"# Benchmarks of {date}, commit {commit()}", "", *(f"- {fact}" for fact in facts), ""]
    lines += ["| " + " | ".join(HEADER) + " |", "|---" * len(HEADER) + "|"]
    lines += ["| " + " | ".join(_cells(result)) + " |" for result in results]
    folder.mkdir(exist_ok=True)
    page = folder / f"{date}-{commit()}.md"
    page.write_text("\n".join(lines) + "\n")
    return page
