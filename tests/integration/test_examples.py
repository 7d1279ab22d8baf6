# SPDX-License-Identifier: Apache-2.0
"""The example configurations on real input, with the answers that are known from outside the program."""

import gzip
import json
import unittest

from adweave import ROOT, AdweaveTest

EXAMPLES = ROOT / "config/examples"
SEEDS = ROOT / "tests/data/seeds"


class EveryExample(AdweaveTest):
    def test_is_without_mistakes(self) -> None:
        for example in sorted(EXAMPLES.glob("*.yaml")):
            with self.subTest(example.name):
                self.adweave("validate", "-c", example)


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
            "FROM conversions c JOIN credits w ON w.conversion_id = c.event_id WHERE w.reason = 'won' "
            "AND w.policy = 'default' ORDER BY 1"
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


def without_nulls(value):
    """JSON in which a null member is no member: a schema can't tell the two apart."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


class OpenRtb(AdweaveTest):
    maxDiff = 3000

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

    # What undoes the Avro schema of the same requests: `ext` holds JSON, `unmapped` what has no field.
    UNDO = "json_text: [ext]\n    merge: [unmapped]\n    ignore: [channel]\n"
    # Requests that differ in spelling alone (key order, 1 and 1.0) are possible duplicates (flag 1) once a schema has
    # spelled them alike.
    COMPARED = ("SELECT * EXCLUDE (flags, source_position, source_length, content_hash, event_id, received_time, commit, extra), "
                "extra, flags & ~1 AS flags FROM bid_requests ORDER BY regexp_extract(source_position, ':(\\d+)', 1)::BIGINT, "
                "coalesce(try_cast(regexp_extract(source_position, '#(\\d+)', 1) AS BIGINT), -1)")

    def bid_rows(self, data: str, files: str, form: str) -> list[dict]:
        config = (EXAMPLES / "openrtb.yaml").read_text()
        config = config.replace("../../tests/data/openrtb/bid_requests.ndjson", str(ROOT / "tests/data/openrtb" / files))
        self.data = self.folder / data
        self.run_config(self.write(f"{data}.yaml", config.replace("format: json\n", form)))
        rows = self.sql(self.COMPARED)
        for row in rows:
            row["extra"] = without_nulls(json.loads(row["extra"] or "{}"))
        return rows

    def test_the_same_requests_as_json_containers_and_messages_are_the_same_rows(self) -> None:
        expected = self.bid_rows("json", "bid_requests.ndjson", "format: json\n")
        self.assertEqual(len(expected), 4_300)
        for codec in ("snappy", "deflate"):
            found = self.bid_rows(codec, f"bid_requests.{codec}.avro", "format: avro\n    " + self.UNDO)
            self.compare(found, expected)
        framed = gzip.open(ROOT / "tests/data/openrtb/bid_requests.framed.ndjson.gz", "rt").read().splitlines()
        lines = (ROOT / "tests/data/openrtb/bid_requests.ndjson").read_text().splitlines()
        self.assertEqual(len(framed), 500)
        chosen = self.write("chosen.ndjson", "\n".join(lines[json.loads(line)["row"] - 1] for line in framed))
        messages = (f"format: avro\n    framing: confluent\n    envelope: message\n    schemas: {{7: "
                    f"{ROOT}/tests/data/openrtb/schema_id_7.json}}\n    {self.UNDO}")
        found = self.bid_rows("framed", "bid_requests.framed.ndjson.gz", messages)
        self.compare(found, self.bid_rows("chosen", str(chosen), "format: json\n"))

    def compare(self, found: list[dict], expected: list[dict]) -> None:
        self.assertEqual(len(found), len(expected))
        for one, other in zip(found, expected, strict=True):
            self.assertEqual(one, other)


if __name__ == "__main__":
    unittest.main()
