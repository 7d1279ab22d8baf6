# SPDX-License-Identifier: Apache-2.0
"""The example configurations on real input, with the answers that are known from outside the program."""

import json
import unittest

from adweave import ROOT, AdweaveTest

EXAMPLES = ROOT / "config/examples"
SEEDS = ROOT / "tests/data/seeds"


class CaseStudy(AdweaveTest):
    def test_gives_the_golden_answer(self) -> None:
        expected = json.loads((SEEDS / "expected.json").read_text())
        self.run_config(EXAMPLES / "case_study.yaml")
        metrics = "impressions,clicks,conversions,bid_requests,view_through_conversions,click_through_conversions,ctr,cvr,win_rate"
        row = self.rows("report", "--metrics", metrics)[0]
        self.assertEqual(row["impressions"], expected["impressions"])
        self.assertEqual(row["clicks"], expected["clicks"])
        self.assertEqual(row["conversions"], expected["conversions"])
        self.assertEqual(row["bid_requests"], expected["bid_requests"])
        self.assertEqual(row["ctr"], expected["ctr"])
        self.assertIsNone(row["cvr"])
        self.assertIsNone(row["win_rate"])
        self.assertEqual(row["view_through_conversions"], 2)
        self.assertEqual(row["click_through_conversions"], 0)
        winners = self.sql(
            "SELECT c.user_id, c.conversion_type, w.campaign_id, w.creative_id, w.website, w.lag_us // 1000000 AS lag "
            "FROM conversions c JOIN credits w ON w.conversion_id = c.event_id WHERE w.reason = 'won' ORDER BY 1"
        )
        for winner, truth in zip(winners, expected["view_through_conversions"], strict=True):
            self.assertEqual(winner["user_id"], str(truth["user_id"]))
            self.assertEqual(winner["conversion_type"], truth["conversion_type"])
            self.assertEqual(winner["campaign_id"], str(truth["campaign_id"]))
            self.assertEqual(winner["creative_id"], str(truth["creative_id"]))
            self.assertEqual(winner["website"], truth["website"])
            self.assertEqual(winner["lag"], truth["lag_seconds"])

    def test_bid_users_have_no_impression(self) -> None:
        self.run_config(EXAMPLES / "case_study.yaml")
        users = self.sql(
            "SELECT user_id FROM bid_requests WHERE user_id NOT IN (SELECT user_id FROM impressions) ORDER BY 1"
        )
        self.assertEqual([u["user_id"] for u in users], ["201", "202"])
        self.assertEqual(self.sql("SELECT bid_amount FROM bid_requests ORDER BY 1")[0]["bid_amount"], "0.000100000")

    def test_a_second_run_adds_nothing_and_says_so(self) -> None:
        self.run_config(EXAMPLES / "case_study.yaml")
        before = self.rows("audit")
        again = self.run_config(EXAMPLES / "case_study.yaml")
        self.assertIn("nothing new", again.stdout)
        self.assertEqual(self.rows("audit"), before)
        self.run_config(EXAMPLES / "case_study.yaml", "--detailed-exitcode", code=99)

    def test_by_campaign_the_sums_equal_the_total(self) -> None:
        self.run_config(EXAMPLES / "case_study.yaml")
        rows = self.rows("report", "--by", "campaign_id", "--metrics", "impressions,conversions")
        self.assertEqual({r["campaign_id"]: r["conversions"] for r in rows}, {"1": 1, "2": 1})


class AccessLog(AdweaveTest):
    def test_counts(self) -> None:
        self.run_config(EXAMPLES / "access_log.yaml")
        audit = self.rows("audit")
        self.assertEqual(audit[0]["source"], "access_log")
        self.assertEqual(audit[-1]["source"], "total")
        for key, value in {
            "records_read": 10_000, "received": 10_000, "accepted": 9_999, "duplicate": 0, "conflict": 0,
            "rejected": 1, "difference": 0,
        }.items():
            self.assertEqual(audit[-1][key], value, key)
        flagged = self.sql("SELECT count(*) AS n FROM clicks WHERE flags & 1 = 1")
        self.assertEqual(flagged[0]["n"], 19)

    def test_the_rejected_line_is_8899(self) -> None:
        self.run_config(EXAMPLES / "access_log.yaml", "--detailed-exitcode", code=3)
        reject = self.rows("rejects", "list")[0]
        offset = int(reject["source_position"].rsplit(":", 1)[1])
        log = (ROOT / "tests/data/access_log/apache_logs").read_bytes()
        self.assertEqual(log[:offset].count(b"\n") + 1, 8_899)
        shown = self.rows("rejects", "show", reject["source_position"])[0]
        self.assertEqual(shown["raw"].encode(), log.splitlines()[8_898])
        self.assertEqual(shown["raw_length"], len(log.splitlines()[8_898]))

    def test_an_overlapping_part_under_another_name_adds_nothing(self) -> None:
        config = (EXAMPLES / "access_log.yaml").read_text()
        log = (ROOT / "tests/data/access_log/apache_logs").read_bytes()
        self.write("logs/all", log)
        path = self.write("a.yaml", config.replace("../../tests/data/access_log/apache_logs", "logs/*"))
        self.run_config(path)
        self.assertEqual(self.total()["accepted"], 9_999)
        self.write("logs/part", b"".join(log.splitlines(keepends=True)[3_000:7_000]))
        self.write("logs/whole again", log)
        self.run_config(path)
        self.assertEqual(self.total()["accepted"], 9_999)
        self.assertEqual(self.total()["duplicate"], 4_000)


class OpenRtb(AdweaveTest):
    def test_counts(self) -> None:
        self.run_config(EXAMPLES / "openrtb.yaml")
        total = self.total()
        self.assertEqual((total["records_read"], total["accepted"], total["rejected"]), (3_771, 4_300, 0))
        self.assertEqual(self.sql("SELECT count(*) AS n FROM bid_requests WHERE source_position NOT LIKE '%#%'")[0]["n"], 15)

    def test_what_makes_no_sense_is_null_and_flagged_and_kept(self) -> None:
        self.run_config(EXAMPLES / "openrtb.yaml")
        floors = self.sql("SELECT extra FROM bid_requests WHERE flags & 16 != 0 AND floor IS NULL AND currency IS NOT NULL")
        self.assertEqual([json.loads(r["extra"])["imp.bidfloor"] for r in floors], [-3, -3])
        currencies = self.sql("SELECT extra FROM bid_requests WHERE flags & 16 != 0 AND currency IS NULL")
        words = sorted(json.loads(r["extra"])["imp.bidfloorcur"] for r in currencies)
        self.assertEqual(words, ["INVALID", "XYZ", "XYZ", "test"])


if __name__ == "__main__":
    unittest.main()
