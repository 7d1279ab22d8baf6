# SPDX-License-Identifier: Apache-2.0
"""The oracle finds no difference; and it finds every wrong answer that is planted."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable, Iterator

from adweave import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "tests/oracle"))
import comparison  # noqa: E402
import kpis  # noqa: E402
import oracle  # noqa: E402

Alter = Callable[[dict], dict | None]


class Recorded:
    """The engine's answers, asked for once."""

    def __init__(self, engine) -> None:
        self.engine = engine
        self.known: dict[tuple, list[dict]] = {}

    def sql(self, statement: str) -> Iterator[dict]:
        return self._known(("sql", statement), lambda: self.engine.sql(statement))

    def report(self, *words) -> Iterator[dict]:
        return self._known(("report", *words), lambda: self.engine.report(*words))

    def _known(self, key: tuple, ask: Callable[[], Iterator[dict]]) -> Iterator[dict]:
        if key not in self.known:
            self.known[key] = list(ask())
        return (dict(row) for row in self.known[key])


class Planted:
    """The engine, but of one statement one row that fits is altered (or, by None, left out)."""

    def __init__(self, engine, words: str, fits: Callable[[dict], bool], alter: Alter) -> None:
        self.engine, self.words, self.fits, self.alter = engine, words, fits, alter
        self.planted = False

    def sql(self, statement: str) -> Iterator[dict]:
        return self._changed(statement, self.engine.sql(statement))

    def report(self, by: tuple, metrics: tuple, *words: str) -> Iterator[dict]:
        return self._changed(f"report by {','.join(by)} {' '.join(words)}", self.engine.report(by, metrics, *words))

    def _changed(self, statement: str, rows: Iterator[dict]) -> Iterator[dict]:
        for row in rows:
            if not self.planted and self.words in statement and self.fits(row):
                self.planted = True
                row = self.alter(dict(row))
                if row is None:
                    continue
            yield row


def changed(**values: object) -> Alter:
    return lambda row: {**row, **values}


def plus(name: str, amount: int) -> Alter:
    return lambda row: {**row, name: row[name] + amount}


def last_digit(name: str) -> Alter:
    """Money that is one nano off."""
    return lambda row: {**row, name: row[name][:-1] + str((int(row[name][-1]) + 1) % 10)}


CREDITS = "path_length FROM credits"
# What is altered, where, in which row, how.
BUGS: list[tuple[str, str, Callable[[dict], bool], Alter]] = [
    ("a row is lost", "FROM impressions\n", lambda r: "outcome" in r, lambda r: None),
    ("a duplicate is accepted", "FROM duplicates", lambda r: r["outcome"].startswith("duplicate"),
     lambda r: {**r, "outcome": r["outcome"].replace("duplicate", "accepted")}),
    ("a conflict is a duplicate", "FROM duplicates", lambda r: r["outcome"].startswith("conflict"),
     lambda r: {**r, "outcome": r["outcome"].replace("conflict", "duplicate")}),
    ("a reject has another reason", "FROM duplicates", lambda r: r["outcome"].startswith("rejected"),
     changed(outcome="rejected bad_time_of_day")),
    ("the audit counts one more", "FROM audit", lambda r: True, plus("duplicate", 1)),
    ("a time is a microsecond off", "AS t", lambda r: "viewable" in r, plus("t", 1)),
    ("a cost is a nano off", "cost AS amount", lambda r: True, last_digit("amount")),
    ("a user is another", "FROM conversions", lambda r: r.get("user_id"), changed(user_id="u-none")),
    ("an order id is lost", "FROM conversions", lambda r: r.get("order_id"), changed(order_id=None)),
    ("an engagement is of another impression", "FROM engagements", lambda r: "impression_id" in r, changed(impression_id="imp-x")),
    ("an orphan is joined", "is_double_click FROM clicks", lambda r: r["joined_by"] == "none", changed(joined_by="user_and_time")),
    ("a join is of another impression", "is_double_click FROM clicks", lambda r: r["joined_by"] == "user_and_time",
     changed(impression_id="imp-x")),
    ("a double click is valid", "is_double_click FROM clicks", lambda r: r["is_double_click"], changed(is_double_click=False)),
    ("a retracted conversion counts", "FROM attributed_conversions", lambda r: True, changed(event_id="cnv-retracted")),
    ("a restatement is a nano off", "FROM attributed_conversions", lambda r: r["value"], last_digit("value")),
    ("a credit is lost", CREDITS, lambda r: r["policy"] == "even" and r["credit"] > 0, lambda r: None),
    ("a loser is lost", CREDITS, lambda r: r["credit"] == 0, lambda r: None),
    ("a credit is a billionth off", CREDITS, lambda r: r["policy"] == "decay" and r["touch_id"], plus("credit", 1)),
    ("a share is a nano off", CREDITS, lambda r: r["policy"] == "ends" and r["value"], last_digit("value")),
    ("another touch wins", CREDITS, lambda r: r["policy"] == "default" and r["reason"] == "won", changed(touch_id="imp-x")),
    ("a repeat is outside the window", CREDITS, lambda r: r["reason"] == "repeat", changed(reason="outside_window")),
    ("a path is longer", CREDITS, lambda r: r["path_length"], plus("path_length", 1)),
    ("a cell is lost", "report by campaign_id,currency", lambda r: True, lambda r: None),
    ("an hour is another", "report by hour,currency", lambda r: True, changed(hour="2023-11-01T00:30")),
    ("shares of a policy are a nano off", "report by policy,currency", lambda r: r["attributed_revenue"],
     last_digit("attributed_revenue")),
    ("a feed's rate is off", "report by source", lambda r: r["reject_rate"], changed(reject_rate=0.5)),
]


def metric_bugs() -> list[tuple[str, str, Callable[[dict], bool], Alter]]:
    """Each metric wrong in its smallest step, and null instead of itself."""
    bugs = []
    for metric in kpis.EVENT_METRICS:
        if metric in kpis.UNMEASURED:
            bugs.append((f"{metric} is 0", "report by website", lambda r: True, changed(**{metric: 0})))
            continue
        money = metric in kpis.MONEY or metric in kpis.MONEY_RATIOS
        near = last_digit(metric) if money else (
            lambda row, name=metric: {**row, name: row[name] + (1 if name in kpis.COUNTS else 1e-6)})
        by = "report by campaign_id,currency" if metric not in ("bid_rate", "win_rate") else "report by day,currency"
        bugs.append((f"{metric} is off", by, lambda r, name=metric: r[name] is not None, near))
        bugs.append((f"{metric} is null", by, lambda r, name=metric: r[name], changed(**{metric: None})))
        if metric in kpis.RATIOS and metric != "late_rate":
            bugs.append((f"{metric} is 0 instead of null", "report by", lambda r, name=metric: name in r and r[name] is None,
                         changed(**{metric: 0})))
    return bugs


def part_of(compared: comparison.Comparison, words: str) -> Callable[[], None]:
    """The part of the comparison that reads such statements."""
    if words == "report by source":
        return compared.compare_feed_rates
    if words.startswith("report"):
        return compared.compare_reports
    parts = {"FROM impressions\n": compared.compare_outcomes, "FROM duplicates": compared.compare_outcomes,
             "FROM audit": compared.compare_outcomes, "is_double_click FROM clicks": compared.compare_clicks,
             "FROM attributed_conversions": compared.compare_conversions, CREDITS: compared.compare_credits}
    return parts.get(words, compared.compare_events)


class Oracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.logs, cls.engine = oracle.prepare(pathlib.Path(cls.folder.name), 40_000, 4)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def compared(self, engine) -> comparison.Comparison:
        found = comparison.Comparison(self.logs, engine, oracle.POLICIES, oracle.ONE_PER_CLICK)
        found.compare()
        return found

    def test_engine_is_right(self) -> None:
        found = self.compared(self.engine)
        self.assertEqual((found.differences, found.first), (0, []))
        self.assertGreater(found.checks, 80_000)

    def test_one_run_says_the_same_as_two(self) -> None:
        engine = oracle.Engine(PROGRAM, pathlib.Path(self.folder.name) / "at_once")
        engine.run(self.logs / "oracle.yaml")
        self.assertEqual(self.compared(engine).first, [])

    def test_every_planted_bug_is_found(self) -> None:
        recorded = Recorded(self.engine)
        clean = comparison.Comparison(self.logs, recorded, oracle.POLICIES, oracle.ONE_PER_CLICK)
        outcomes = clean.decisions.outcomes
        clean.work_out_cells()
        cells = clean.cells
        for name, words, fits, alter in BUGS + metric_bugs():
            with self.subTest(bug=name):
                planted = Planted(recorded, words, fits, alter)
                clean.engine, clean.checks, clean.differences, clean.first = planted, 0, 0, []
                clean.decisions.outcomes = dict(outcomes)
                clean.cells = {key: value for key, value in cells.items() if f"report by {','.join(key[0])} ".startswith(words)}
                part_of(clean, words)()
                self.assertTrue(planted.planted, "the logs have no such row")
                self.assertGreater(clean.differences, 0)
                self.assertTrue(clean.first)

    def test_the_logs_exercise_the_rules(self) -> None:
        """What is not in the logs proves nothing."""
        world = comparison.World(self.logs / "truth", oracle.ONE_PER_CLICK)
        clicks = world.events["click"]
        self.assertEqual({click["joined_by"] for click in clicks}, {"id", "user_and_time", "none"})
        self.assertTrue(any(click["double"] for click in clicks))
        adjusted = [c["adjustment"] for c in world.events["conversion"] if "adjustment" in c]
        self.assertEqual(set(adjusted), {"retraction", "restatement"})
        reasons = {row["reason"] for row in self.engine.sql("SELECT DISTINCT reason FROM credits")}
        self.assertEqual(reasons, {"won", "share", "outside_window", "lower_class", "superseded", "repeat", "unattributed"})
        facts = {row["fact"] for row in self.engine.sql("SELECT DISTINCT fact FROM facts")}
        self.assertEqual(facts, {"joined_impression", "double_click"})
        taken_back = [*self.engine.sql("SELECT count(*) AS n FROM credits_log WHERE sign = -1")][0]["n"]
        self.assertGreater(taken_back, 10)

    def test_every_metric_has_an_answer_here(self) -> None:
        known = {*kpis.EVENT_METRICS, *kpis.CREDIT_METRICS, *kpis.FEED_METRICS}
        page = (ROOT / "docs/reference/metrics.md").read_text()
        table = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
        self.assertEqual(set(table) - known, set())

    def test_the_command_tells_the_result(self) -> None:
        done = subprocess.run([sys.executable, ROOT / "tests/oracle/oracle.py", "--events", "2000", "--seed", "9", "--json"],
                              capture_output=True, text=True, check=False, env={**os.environ, "ADWEAVE": PROGRAM})
        result = json.loads(done.stdout)
        self.assertEqual((done.returncode, result["events"], result["seed"], result["differences"]), (0, 2000, 9, 0))


if __name__ == "__main__":
    unittest.main()
