# SPDX-License-Identifier: Apache-2.0
"""Days that are gone and days that are closed: numbers of the days that are left stay what they were."""

import os
import unittest

from adweave import AdweaveTest

CONFIG = """
sources:
  - {name: clicks, files: "clicks*.csv", format: csv, kind: click,
     fields: {event_id: id, event_time: t, campaign_id: c, user_id: u}}
  - {name: sales, files: "sales*.csv", format: csv, kind: conversion,
     fields: {event_id: id, event_time: t, user_id: u, conversion_type: {constant: buy}, value: v, currency: {constant: EUR}}}
"""


class Retention(AdweaveTest):
    def setUp(self) -> None:
        super().setUp()
        self.config = self.write("adweave.yaml", CONFIG)
        self.write("clicks.csv", "id,t,c,u\n" + "".join(
            f"c{day},2023-{9 + day // 31:02}-{day % 31 or 30:02}T10:00:00Z,x,u{day}\n" for day in (28, 29, 32, 33)))
        self.write("sales.csv", "id,t,u,v\ns1,2023-09-29T11:00:00Z,u29,5\ns2,2023-10-02T12:00:00Z,u33,7\nbad\n")
        for name in ("clicks.csv", "sales.csv"):
            os.utime(self.folder / name, (1_697_000_000, 1_697_000_000))
        self.run_config(self.config)

    def retain(self, day: str, *words: str, code: int = 0):
        return self.adweave("retain", "--from", day, "--data", self.data, *words, code=code)

    def report(self, *words: object):
        return self.adweave("report", "--by", "day", "--metrics", "clicks,conversions,revenue", "--data", self.data,
                            "--output", "csv", *words)

    def test_days_before_are_gone_and_the_others_as_they_were(self) -> None:
        head = self.sql("SELECT max(commit) AS n FROM clicks")[0]["n"]
        before = self.report().stdout.splitlines()
        done = self.retain("2023-10-01", "--yes")
        self.assertIn("days before 2023-10-01 are gone: 3 events", done.stdout)
        for words in ((), ("--as-of", head)):
            after = self.report(*words)
            self.assertEqual(after.stdout.splitlines(), [line for line in before if "2023-09" not in line])
            self.assertRegex(after.stderr, r"days before 2023-10-01 are gone since commit \d+")
            audit = self.adweave("audit", "--data", self.data, *words)
            self.assertIn("3 accepted events are gone", audit.stderr)
        self.assertEqual([row["difference"] for row in self.rows("audit")], [0, 0, 0])
        self.assertEqual(self.total()["accepted"], 6)
        self.adweave("verify", "--data", self.data)
        self.assertEqual(list(self.data.glob("lake/*/_recent/dt=2023-09*/*")), [])
        self.assertIn("are gone", self.adweave("sql", "--data", self.data, "SELECT 1").stderr)

    def test_it_asks_first_and_never_goes_back(self) -> None:
        self.assertIn("--yes", self.retain("2023-10-01", code=2).stderr)
        self.assertEqual(len(self.report().stdout.splitlines()), 5)
        self.assertIn("is no day", self.retain("10/01/2023", code=2).stderr)
        self.assertIn("has not come yet", self.retain("9999-01-01", "--yes", code=2).stderr)
        self.retain("2023-10-01", "--yes")
        self.assertIn("do not come back", self.retain("2023-09-30", "--yes", code=2).stderr)
        self.assertIn("nothing to do", self.retain("2023-10-01").stdout)

    def test_an_older_event_is_rejected_and_the_next_run_goes_on(self) -> None:
        self.retain("2023-10-01", "--yes")
        path = self.write("clicks2.csv", "id,t,c,u\no1,2023-09-30T23:59:59.999999Z,x,u1\no2,2023-10-01T00:00:00Z,x,u1\n"
                          "c33,2023-10-02T10:00:00Z,x,u33\n")
        os.utime(path, (1_697_000_000, 1_697_000_000))
        self.run_config(self.config)
        row = self.rows("rejects", "list", "--reason", "older_than_retention")
        self.assertEqual([reject["source_position"] for reject in row], ["clicks2.csv:9"])
        self.assertEqual([row["difference"] for row in self.rows("audit")], [0, 0, 0])
        self.assertEqual(self.total()["duplicate"], 1)

    def test_a_period_is_closed_once(self) -> None:
        close = lambda day, code=0: self.adweave("close", "--through", day, "--data", self.data, code=code)  # noqa: E731
        self.assertIn("closed through 2023-09-30", close("2023-09-30").stdout)
        self.assertIn("nothing to do", close("2023-09-30").stdout)
        self.assertIn("do not open again", close("2023-09-29", code=2).stderr)
        self.assertIn("is not over yet", close("9000-01-01", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
