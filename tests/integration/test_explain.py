# SPDX-License-Identifier: Apache-2.0
"""`explain` tells the life of every event, whatever became of it."""

import unittest

from adweave import AdweaveTest


class Explain(AdweaveTest):
    def setUp(self) -> None:
        super().setUp()
        self.adweave("generate", "--events", 20000, "--seed", 1, "--out", self.folder / "logs")
        self.run_config(self.folder / "logs/adweave.yaml")

    def steps(self, name: str, *words: str) -> dict[str, list[dict]]:
        found: dict[str, list[dict]] = {}
        for row in self.rows("explain", name, *words):
            found.setdefault(row["step"], []).append(row)
        return found

    def one(self, statement: str) -> dict:
        return self.sql(statement + " LIMIT 1")[0]

    def test_every_kind_of_event_by_id_and_by_position(self) -> None:
        for table in ("impressions", "clicks", "conversions", "bid_requests", "engagements", "auction_outcomes"):
            for row in self.sql(f"SELECT event_id, source_position, commit FROM {table} LIMIT 1"):
                by_id = self.steps(row["event_id"])
                self.assertEqual(by_id["came"][0]["commit"], row["commit"])
                self.assertEqual(by_id["came"][0]["detail"]["source_position"], row["source_position"])
                self.assertIn("came", self.steps(row["source_position"]))

    def test_a_conversion_tells_every_touch_and_its_credit(self) -> None:
        row = self.one("SELECT conversion_id FROM credits WHERE reason = 'superseded' ORDER BY 1")
        found = self.steps(row["conversion_id"])
        touches = self.one(f"SELECT count(*) AS n FROM credits WHERE conversion_id = '{row['conversion_id']}'")["n"]
        self.assertEqual(len(found["touch"]), touches)
        ours = [step["detail"] for step in found["touch"] if step["detail"]["policy"] == "default"]
        self.assertEqual([detail["reason"] for detail in ours].count("won"), 1)
        credits = [step["detail"] for step in found["credit"]]
        for policy in {detail["policy"] for detail in credits}:
            self.assertEqual(sum(d["credit"] for d in credits if d["policy"] == policy), 1_000_000_000, policy)
        won = next(step for step in found["touch"] if step["detail"] in ours and step["detail"]["reason"] == "won")
        of_touch = self.steps(won["detail"]["touch_id"])
        self.assertIn(row["conversion_id"], [step["detail"]["conversion_id"] for step in of_touch["touch"]])
        metrics = {step["detail"]["metric"]: step["detail"] for step in found["cell"]}
        self.assertEqual(metrics["conversions"]["campaign_id"], won["detail"]["campaign_id"])

    def test_repeats_conflicts_and_rejects(self) -> None:
        row = self.one("SELECT event_id, source_position FROM duplicates ORDER BY 1")
        self.assertIn(row["source_position"],
                      [step["detail"]["source_position"] for step in self.steps(row["event_id"])["duplicate"]])
        self.assertIn("duplicate", self.steps(row["source_position"]))
        row = self.one("SELECT event_id, source_position FROM rejects WHERE outcome = 'conflict' ORDER BY 1")
        self.assertIn("conflict", self.steps(row["event_id"]))
        row = self.one("SELECT source_position, reason FROM rejects WHERE outcome = 'rejected' ORDER BY 1")
        self.assertEqual(self.steps(row["source_position"])["reject"][0]["detail"]["reason"], row["reason"])

    def test_in_words_and_when_there_is_nothing(self) -> None:
        row = self.one("SELECT event_id, advertiser_id FROM clicks")
        told = self.adweave("explain", row["event_id"], "--data", self.data).stdout
        self.assertTrue(told.startswith(f"click {row['event_id']} of advertiser {row['advertiser_id']}\n  came"), told)
        failed = self.adweave("explain", "no-such-id", "--data", self.data, code=2)
        self.assertIn("'no-such-id'", failed.stderr)
        self.assertIn("fix:", failed.stderr)

    def test_a_join_that_is_found_later_is_told_by_commit(self) -> None:
        self.data = self.folder / "late"
        config = self.write("c.yaml", """
sources:
  - {name: views, files: "views*.csv", format: csv, kind: impression, fields: {event_id: id, event_time: {from: t, time: epoch_s},
     user_id: user, creative_id: creative, campaign_id: campaign}}
  - {name: clicks, files: "clicks*.csv", format: csv, kind: click, fields: {event_id: id, event_time: {from: t, time: epoch_s},
     user_id: user, campaign_id: campaign, impression_id: view}}
""")
        self.write("clicks.csv", "id,t,user,campaign,view\nc1,1698840000,u,x,v1\n")
        self.write("views.csv", "id,t,user,creative,campaign\n")
        self.run_config(config)
        self.assertIn("names impression v1, which is not known", self.steps("c1")["join"][0]["what"])
        self.write("views2.csv", "id,t,user,creative,campaign\nv1,1698839990,u,k,x\n")
        self.run_config(config)
        found = self.steps("c1")
        self.assertIn("belongs to impression v1, by its id", found["join"][0]["what"])
        self.assertEqual(found["fact"][0]["detail"]["fact"], "joined_impression")
        self.assertGreater(found["fact"][0]["commit"], found["came"][0]["commit"])
        self.assertEqual(self.steps("v1")["join"][0]["detail"]["click_id"], "c1")


if __name__ == "__main__":
    unittest.main()
