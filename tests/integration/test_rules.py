# SPDX-License-Identifier: Apache-2.0
"""Joins, double clicks, repeats, orders, adjustments, engagements, currencies and dates: from the feeds to the report."""

import unittest

from adweave import AdweaveTest

NOON = 1_698_840_000  # 2023-11-01T12:00:00Z
DAY = 86_400
CONFIG = """
sources:
  - {name: views, files: "views*.csv", format: csv, kind: impression, fields: {event_id: id, event_time: {from: t, time: epoch_s},
     user_id: user, creative_id: creative, campaign_id: campaign, cost: cost, currency: currency, viewable: viewable,
     time_on_ad_ms: ms}}
  - {name: clicks, files: "clicks*.csv", format: csv, kind: click, fields: {event_id: id, event_time: {from: t, time: epoch_ms},
     user_id: user, campaign_id: campaign, impression_id: view, cost: cost, currency: currency}}
  - {name: sales, files: "sales*.csv", format: csv, kind: conversion, fields: {event_id: id, event_time: {from: t, time: epoch_s},
     user_id: user, conversion_type: type, value: value, currency: currency, order_id: order, adjustment: adjustment,
     adjusts: adjusts}}
  - {name: engagements, files: "engagements*.csv", format: csv, kind: engagement, fields: {event_id: id,
     event_time: {from: t, time: epoch_s}, impression_id: view, engagement_type: type, duration_ms: ms}}
dimensions: {exchange_rates: rates.csv}
"""
HEADS = {
    "views": "id,t,user,creative,campaign,cost,currency,viewable,ms",
    "clicks": "id,t,user,campaign,view,cost,currency",
    "sales": "id,t,user,type,value,currency,order,adjustment,adjusts",
    "engagements": "id,t,view,type,ms",
}


class Rules(AdweaveTest):
    def setUp(self) -> None:
        super().setUp()
        self.config = self.write("c.yaml", CONFIG)
        self.write("rates.csv", "currency,valid_from,valid_to,EUR\nUSD,,2023-11-02,0.5\nUSD,2023-11-02,,0.25\n")
        for feed in HEADS:
            self.put(feed, [], "0")

    def put(self, feed: str, rows: list[tuple], part: str = "1") -> None:
        lines = [HEADS[feed]] + [",".join("" if v is None else str(v) for v in row) for row in rows]
        self.write(f"{feed}{part}.csv", "\n".join(lines) + "\n")

    def view(self, name: str, t: int = NOON, user: str = "u", **more: object) -> tuple:
        return (name, t, user, "cr", more.get("campaign", "x"), more.get("cost"), more.get("currency"), more.get("viewable"),
                more.get("ms"))

    def head(self) -> int:
        return self.sql("SELECT max(commit) AS n FROM audit")[0]["n"]

    def run_it(self) -> int:
        self.run_config(self.config)
        self.assertEqual(self.total()["difference"], 0)
        return self.head()

    def clicks(self, *words: str) -> dict:
        rows = self.rows("sql", "SELECT event_id, impression_id, joined_by, is_double_click FROM clicks", *words)
        return {row["event_id"]: (row["impression_id"], row["joined_by"], row["is_double_click"]) for row in rows}

    def report(self, metrics: str, *words: str) -> list[dict]:
        return self.rows("report", "--metrics", metrics, *words)

    def test_joins_found_later_are_facts_that_as_of_honours(self) -> None:
        ms = NOON * 1000
        self.put("views", [self.view("i1")])
        self.put("clicks", [("c1", ms + 1, "u", "x", "i1", None, None), ("c2", ms + 500, None, "x", "i1", None, None),
                            ("c3", ms + 1001, "u", "x", "i1", None, None), ("c4", ms + 5000, "u", "x", None, None, None),
                            ("c5", ms + 9000, "w", "x", "i9", None, None), ("c6", ms + 9000, "z", "x", None, None, None)])
        first = self.run_it()
        before = {"c1": ("i1", "id", False), "c2": ("i1", "id", True), "c3": ("i1", "id", False),
                  "c4": ("i1", "user_and_time", False), "c5": ("i9", "none", False), "c6": (None, "none", False)}
        self.assertEqual(self.clicks(), before)
        self.assertEqual(self.report("clicks,gross_clicks"), [{"clicks": 5, "gross_clicks": 6}])
        self.put("views", [self.view("i9"), self.view("i2", NOON + 4), self.view("i3", NOON + 9, "z")], "2")
        self.put("clicks", [("c0", ms, "u", "x", "i1", None, None)], "2")
        self.run_it()
        self.assertEqual(self.clicks(), {**before, "c0": ("i1", "id", False), "c1": ("i1", "id", True),
                                         "c4": ("i2", "user_and_time", False), "c5": ("i9", "id", False),
                                         "c6": ("i3", "user_and_time", False)})
        self.assertEqual(self.clicks("--as-of", str(first)), before)
        facts = self.sql("SELECT event_id, fact, fact_value, sign FROM facts ORDER BY 1")
        self.assertEqual([(f["event_id"], f["fact_value"], f["sign"]) for f in facts],
                         [("c1", "true", 1), ("c4", "i2", 1), ("c5", "i9", 1), ("c6", "i3", 1)])
        late = self.sql("SELECT event_id FROM clicks WHERE flags & 8 <> 0 ORDER BY 1")
        self.assertEqual([row["event_id"] for row in late], ["c4", "c5", "c6"])

    def test_orders_repeats_and_adjustments(self) -> None:
        ms = NOON * 1000
        self.put("clicks", [("c1", ms, "u", "x", None, None, None)])
        sale = "purchase"
        self.put("sales", [("s1", NOON + 1, "u", sale, 100, "EUR", "o1", None, None),
                           ("s2", NOON + 2, "u", sale, 50, "EUR", "o1", None, None),
                           ("s3", NOON + 3, "u", sale, 7, "EUR", "o2", None, None),
                           ("s4", NOON + 4, "u", "signup", None, None, None, None, None),
                           ("s5", NOON + 5, "u", "signup", None, None, None, None, None)])
        first = self.run_it()
        metrics = "conversions,click_through_conversions,unattributed_conversions,revenue,attributed_revenue"
        printed = self.report(metrics)
        self.assertEqual(printed, [{"conversions": 4, "click_through_conversions": 3, "unattributed_conversions": 1,
                                    "revenue": "107.000000000", "attributed_revenue": "107.000000000"}])
        self.assertEqual([row["event_id"] for row in self.sql("SELECT event_id FROM duplicates")], ["s2"])
        self.put("sales", [("a1", NOON + 9, None, sale, 60, "EUR", None, "restatement", "s1"),
                           ("a2", NOON + 8, None, sale, 10, "EUR", None, "restatement", "s1"),
                           ("a3", NOON + 9, None, sale, None, None, None, "retraction", "s3"),
                           ("a4", NOON + 9, None, sale, None, None, None, "retraction", "s9")], "2")
        self.run_it()
        self.assertEqual(self.report(metrics), [{"conversions": 3, "click_through_conversions": 2,
                                                 "unattributed_conversions": 1, "revenue": "60.000000000",
                                                 "attributed_revenue": "60.000000000"}])
        self.assertEqual(self.report(metrics, "--as-of", str(first)), printed)
        # A retraction that was there before its conversion.
        self.put("sales", [("s9", NOON + 6, "u", sale, 5, "EUR", None, None, None)], "3")
        self.run_it()
        self.assertEqual(self.report("conversions,revenue"), [{"conversions": 3, "revenue": "60.000000000"}])
        net = self.sql("SELECT sum(sign * credit)::BIGINT AS credit, sum(sign * value)::VARCHAR AS value FROM credits_log "
                       "GROUP BY policy")
        self.assertEqual(net, 5 * [{"credit": 3_000_000_000, "value": "60.000000000"}])

    def test_a_conversion_in_the_second_of_its_touch_is_flagged(self) -> None:
        ms = NOON * 1000
        self.put("clicks", [("c1", ms, "u", "x", None, None, None), ("c2", ms - 1, "v", "x", None, None, None)])
        self.put("sales", [("s1", NOON, "u", "purchase", 1, "EUR", None, None, None),
                           ("s2", NOON, "v", "purchase", 1, "EUR", None, None, None)])
        self.run_it()
        fast = self.sql("SELECT event_id FROM attributed_conversions WHERE flags & 64 <> 0")
        self.assertEqual(fast, [{"event_id": "s1"}])

    def test_every_rule_based_model_is_a_policy_unless_the_configuration_names_them(self) -> None:
        self.put("clicks", [("c1", NOON * 1000, "u", "x", None, None, None)])
        self.put("sales", [("s1", NOON, "u", "purchase", 1, "EUR", None, None, None)])
        self.run_it()
        policies = self.sql("SELECT DISTINCT policy FROM credits ORDER BY 1")
        self.assertEqual([row["policy"] for row in policies],
                         ["default", "first_touch", "linear", "position_based", "time_decay"])
        self.data = self.folder / "other"
        self.run_config(self.write("c2.yaml", CONFIG + "attribution: {policies: [last_touch, linear]}\n"))
        self.assertEqual(self.sql("SELECT DISTINCT policy FROM credits ORDER BY 1"), [{"policy": "default"}, {"policy": "linear"}])

    def test_each_policy_counts_conversions_in_its_way(self) -> None:
        self.put("clicks", [("c1", NOON * 1000, "u", "x", None, None, None)])
        self.put("sales", [(f"s{i}", NOON + i, "u", "purchase", 1, "EUR", None, None, None) for i in range(3)])
        self.run_config(self.write("c3.yaml", CONFIG + "attribution: {policies: [{name: one, model: linear, "
                                   "conversion_counting: {purchase: one}}]}\n"))
        self.assertEqual(self.report("attributed_conversions", "--by", "policy"),
                         [{"policy": "default", "attributed_conversions": 3}, {"policy": "one", "attributed_conversions": 1}])

    def test_engagements_add_to_what_impressions_say(self) -> None:
        self.put("views", [self.view("i1", viewable="false", ms=1000), self.view("i2"), self.view("i3")])
        self.put("engagements", [("e1", NOON, "i1", "viewable", 2000), ("e2", NOON, "i1", "hover", 500),
                                 ("e3", NOON, "i1", "hover", 500), ("e4", NOON, "i1", "expand", None),
                                 ("e5", NOON, "i2", "close", None), ("e6", NOON, "gone", "hover", 1)])
        self.run_it()
        metrics = "viewable_rate,measurable_rate,time_on_ad_s,interaction_depth,interaction_rate"
        self.assertEqual(self.report(metrics), [{"viewable_rate": 1, "measurable_rate": 1 / 3, "time_on_ad_s": 3,
                                                 "interaction_depth": 1, "interaction_rate": 0.5}])

    def test_money_is_converted_by_the_rate_of_the_day_and_rounded_once(self) -> None:
        self.put("views", [self.view("i1", cost="0.000000001", currency="USD"), self.view("i2", cost="0.000000001", currency="USD"),
                           self.view("i3", NOON + DAY, cost="0.000000004", currency="USD"),
                           self.view("i4", cost="1", currency="EUR")])
        self.run_it()
        self.assertEqual(self.report("spend,cpm", "--currency", "EUR"),
                         [{"spend": "1.000000002", "cpm": "250.000000500"}])
        by_day = self.report("spend", "--currency", "EUR", "--by", "day")
        self.assertEqual([row["spend"] for row in by_day], ["1.000000001", "0.000000001"])
        self.put("views", [self.view("i5", cost="1", currency="GBP")], "2")
        self.run_it()
        done = self.adweave("report", "--data", self.data, "--metrics", "spend,impressions", "--currency", "EUR", "--output",
                            "csv")
        self.assertEqual(done.stdout, "spend,impressions\n,5\n")
        self.assertIn("no exchange rate into EUR", done.stderr)
        wrong = self.adweave("report", "--data", self.data, "--currency", "XYZ", code=2)
        self.assertIn("columns for: EUR", wrong.stderr)

    def test_dated_by_conversion_and_by_touch(self) -> None:
        self.put("clicks", [("c1", (NOON - 2 * DAY) * 1000, "u", "x", None, None, None)])
        self.put("sales", [("s1", NOON, "u", "purchase", 9, "EUR", None, None, None),
                           ("s2", NOON, "v", "purchase", 1, "EUR", None, None, None)])
        self.run_it()
        metrics = "conversions,attributed_revenue"
        self.assertEqual(self.report(metrics, "--by", "day"),
                         [{"day": "2023-11-01", "conversions": 2, "attributed_revenue": "9.000000000"}])
        self.assertEqual(self.report(metrics, "--by", "day", "--date-by", "touch"),
                         [{"day": "2023-10-30", "conversions": 1, "attributed_revenue": "9.000000000"},
                          {"day": "2023-11-01", "conversions": 1, "attributed_revenue": None}])
        self.assertEqual(self.report(metrics, "--by", "day", "--date-by", "posting"),
                         [{"day": "2023-11-01", "conversions": 2, "attributed_revenue": "9.000000000"}])
        self.adweave("report", "--data", self.data, "--metrics", "conversion_lag_p50", "--date-by", "posting", code=2)

    def test_a_closed_day_never_changes_by_posting_date(self) -> None:
        self.put("clicks", [("c1", (NOON - DAY) * 1000, "u", "x", None, None, None)])
        self.put("sales", [("s1", NOON - DAY, "u", "purchase", 100, "EUR", None, None, None)])
        self.run_it()
        self.adweave("close", "--through", "2023-10-31", "--data", self.data)
        self.put("sales", [("a1", NOON, None, "purchase", 60, "EUR", None, "restatement", "s1"),
                           ("s2", NOON - DAY, "u", "purchase", 5, "EUR", None, None, None)], "2")
        self.run_it()
        metrics = "conversions,revenue,attributed_revenue"
        posted = self.report(metrics, "--by", "day", "--date-by", "posting")
        self.assertEqual(posted, [
            {"day": "2023-10-31", "conversions": 1, "revenue": "100.000000000", "attributed_revenue": "100.000000000"},
            {"day": "2023-11-01", "conversions": 1, "revenue": "-35.000000000", "attributed_revenue": "-35.000000000"}])
        self.assertEqual(self.report(metrics, "--by", "day"), [
            {"day": "2023-10-31", "conversions": 2, "revenue": "65.000000000", "attributed_revenue": "65.000000000"}])


if __name__ == "__main__":
    unittest.main()
