# SPDX-License-Identifier: Apache-2.0
"""Attribution policies side by side, from the configuration to the report."""

import csv
import decimal
import gzip
import unittest
from fractions import Fraction

from adweave import ROOT, AdweaveTest

POLICIES = """
attribution:
  windows: [{conversion_type: lead, click_window: 1h}]
  policies:
    - {name: first, model: first_touch}
    - {name: even, model: linear}
    - {name: once, model: linear, repeats: once}
    - {name: decay, model: time_decay, half_life: 7d}
    - {name: ends, model: position_based, first_weight: 40, last_weight: 40}
"""
FEEDS = """
sources:
  - {name: clicks, files: clicks.csv, format: csv, kind: click, fields: {event_id: id, event_time: {from: t, time: epoch_s},
     user_id: user, campaign_id: campaign}}
  - {name: sales, files: sales.csv, format: csv, kind: conversion, fields: {event_id: id, event_time: {from: t, time: epoch_s},
     user_id: user, conversion_type: type, value: value, currency: {constant: EUR}}}
"""
NOON = 1_698_840_000
DAY = 86_400


class Policies(AdweaveTest):
    def put(self, clicks: list[tuple], sales: list[tuple]) -> None:
        for name, head, rows in (("clicks.csv", "id,t,user,campaign", clicks), ("sales.csv", "id,t,user,type,value", sales)):
            self.write(name, "\n".join([head] + [",".join(map(str, row)) for row in rows]) + "\n")

    def run_policies(self) -> None:
        self.run_config(self.write("c.yaml", FEEDS + POLICIES))

    def report(self, by: str, metrics: str = "attributed_conversions,attributed_revenue") -> dict:
        rows = self.rows("report", "--by", by, "--metrics", metrics)
        keys = by.split(",")
        return {tuple(row[key] for key in keys): tuple(row[name] for name in metrics.split(",")) for row in rows}

    def test_each_policy_shares_in_its_way_and_to_the_nano(self) -> None:
        self.put([("c1", NOON - 14 * DAY, "u", "x"), ("c2", NOON - 7 * DAY, "u", "y"), ("c3", NOON, "u", "z")],
                 [("s1", NOON, "u", "sale", 100)])
        self.run_policies()
        found = self.report("policy,campaign_id")
        want = {
            "default": {"z": "100.000000000"},
            "first": {"x": "100.000000000"},
            "even": {"x": "33.333333334", "y": "33.333333333", "z": "33.333333333"},
            "once": {"x": "33.333333334", "y": "33.333333333", "z": "33.333333333"},
            "decay": {"x": "14.285714286", "y": "28.571428571", "z": "57.142857143"},
            "ends": {"x": "40.000000000", "y": "20.000000000", "z": "40.000000000"},
        }
        values = {key: revenue for key, (_, revenue) in found.items()}
        self.assertEqual(values, {(p, c): v for p, shares in want.items() for c, v in shares.items()})
        # Without the dimension it is the default policy alone.
        self.assertEqual(self.report("campaign_id"), {("z",): (1, "100.000000000")})
        models = {row["policy"]: row["model"] for row in self.sql("SELECT DISTINCT policy, model FROM credits")}
        self.assertEqual(models["ends"], "position_based")

    def test_windows_by_conversion_type_at_their_edges(self) -> None:
        hour = 3600
        self.put([("c1", NOON - hour, "u", "x"), ("c2", NOON - hour, "v", "x"), ("c3", NOON - hour + 1, "w", "x")],
                 [("s1", NOON, "u", "lead", 1), ("s2", NOON, "v", "sale", 1), ("s3", NOON, "w", "lead", 1)])
        self.run_policies()
        rows = self.sql("SELECT conversion_id, reason FROM credits WHERE policy = 'default' AND credit > 0 ORDER BY 1")
        self.assertEqual(rows, [{"conversion_id": "s1", "reason": "unattributed"},
                                {"conversion_id": "s2", "reason": "won"}, {"conversion_id": "s3", "reason": "won"}])

    def test_a_late_touch_changes_every_policy_by_signed_rows(self) -> None:
        self.put([("c1", NOON - DAY, "u", "x")], [("s1", NOON, "u", "sale", 9)])
        self.run_policies()
        first = self.sql("SELECT max(commit) AS n FROM credits_log")[0]["n"]
        self.put([("c1", NOON - DAY, "u", "x"), ("c0", NOON - 2 * DAY, "u", "y"), ("c2", NOON - DAY - 1, "u", "x")],
                 [("s1", NOON, "u", "sale", 9)])
        self.run_policies()
        found = self.report("policy,campaign_id")
        self.assertEqual(found[("even", "x")][1], "6.000000000")
        self.assertEqual(found[("once", "x")][1], "4.500000000")
        self.assertEqual(found[("first", "y")][1], "9.000000000")
        self.assertNotIn(("first", "x"), found)
        reasons = self.sql("SELECT touch_id, reason FROM credits WHERE policy = 'once' ORDER BY 1")
        self.assertEqual([row["reason"] for row in reasons], ["share", "share", "repeat"])
        net = self.sql("SELECT policy, sum(sign * value)::VARCHAR AS value FROM credits_log GROUP BY 1")
        self.assertEqual({row["value"] for row in net}, {"9.000000000"})
        before = self.rows("report", "--by", "policy", "--metrics", "attributed_revenue", "--as-of", str(first))
        self.assertEqual({row["attributed_revenue"] for row in before}, {"9.000000000"})

    def test_ten_thousand_paths_keep_their_totals_under_every_policy(self) -> None:
        """Each path is one person's, with its value; the weights of the file are applied here."""
        with gzip.open(ROOT / "tests/data/attribution/data.csv.gz", "rt", encoding="utf-8") as file:
            paths = list(csv.DictReader(file))
        clicks, sales, weights, nulls = [], [], {}, 0
        total = Fraction(0)
        for i, row in enumerate(paths):
            channels = row["path"].split(" > ")
            clicks += [(f"c{i}-{k}", NOON + k, f"u{i}", channel) for k, channel in enumerate(channels)]
            value = decimal.Decimal(row["total_conversion_value"]).quantize(decimal.Decimal("1e-9"), decimal.ROUND_HALF_EVEN)
            sales.append((f"s{i}", NOON + len(channels), f"u{i}", "sale", value))
            weights[f"s{i}"] = int(row["total_conversions"])
            nulls += int(row["total_null"])
            total += Fraction(value)
        self.put(clicks, sales)
        self.run_policies()
        rows = self.sql("SELECT policy, conversion_id, sum(credit)::BIGINT AS credit FROM credits GROUP BY 1, 2")
        self.assertEqual({row["credit"] for row in rows}, {1_000_000_000})
        conversions = {}
        for row in rows:
            conversions[row["policy"]] = conversions.get(row["policy"], 0) + weights[row["conversion_id"]]
        self.assertEqual(set(conversions), {"default", "first", "even", "once", "decay", "ends"})
        self.assertEqual(set(conversions.values()), {19_785})
        self.assertEqual(nulls, 68_602)
        values = {row["value"] for row in self.sql("SELECT policy, sum(value)::VARCHAR AS value FROM credits GROUP BY 1")}
        self.assertEqual({Fraction(value) for value in values}, {total})
        self.assertEqual(values, {"74802.971587208"})


if __name__ == "__main__":
    unittest.main()
