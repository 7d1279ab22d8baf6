# SPDX-License-Identifier: Apache-2.0
"""Generated logs: engine = truth for what is kept. (test_oracle.py: for every number.)"""

import hashlib
import json
import pathlib
import unittest

from adweave import AdweaveTest


class Generated(AdweaveTest):
    def generate(self, seed: int, events: int = 60_000) -> pathlib.Path:
        out = self.folder / f"logs{seed}"
        self.adweave("generate", "--events", events, "--seed", seed, "--out", out)
        return out

    def test_engine_equals_truth(self) -> None:
        for seed in (1, 2, 3):
            with self.subTest(seed=seed):
                logs = self.generate(seed)
                self.data = self.folder / f"data{seed}"
                self.run_config(logs / "adweave.yaml")
                self.check_audit(logs)

    def check_audit(self, logs: pathlib.Path) -> None:
        expected = json.loads((logs / "truth/expected.json").read_text())
        audit = {row["source"]: row for row in self.rows("audit")}
        for feed, counts in expected["feeds"].items():
            self.assertEqual({key: audit[feed][key] for key in counts}, counts, feed)
        self.assertEqual(audit["total"]["accepted"], expected["events"])
        self.assertEqual(audit["total"]["difference"], 0)
        reasons = self.sql("SELECT reason, count(*) AS n FROM rejects WHERE outcome = 'rejected' GROUP BY 1")
        self.assertEqual({r["reason"]: r["n"] for r in reasons}, expected["rejected_by_reason"])

    def test_the_same_seed_gives_the_same_bytes(self) -> None:
        digests = set()
        for name in ("a", "b"):
            out = self.folder / name
            self.adweave("generate", "--events", 5_000, "--seed", 7, "--out", out)
            digest = hashlib.sha256()
            for file in sorted(out.rglob("*")):
                if file.is_file():
                    digest.update(str(file.relative_to(out)).encode() + file.read_bytes())
            digests.add(digest.hexdigest())
        self.assertEqual(len(digests), 1)

    def test_a_folder_that_holds_something_is_refused(self) -> None:
        self.write("logs/precious", "x")
        self.adweave("generate", "--events", 10, "--out", self.folder / "logs", code=2)

    def test_reports_know_the_names_of_the_dimension_files(self) -> None:
        logs = self.generate(5, 20_000)
        self.run_config(logs / "adweave.yaml")
        by_id = self.rows("report", "--by", "campaign_id,currency", "--metrics", "impressions,spend")
        by_name = self.rows("report", "--by", "campaign_name,currency", "--metrics", "impressions,spend")
        number = {"Campaign " + row["campaign_id"][4:]: row for row in by_id if row["campaign_id"]}
        self.assertEqual(len(by_name), len(by_id))
        for row in by_name:
            if row["campaign_name"]:
                self.assertEqual(row["impressions"], number[row["campaign_name"]]["impressions"])
                self.assertEqual(row["spend"], number[row["campaign_name"]]["spend"])
        zones = {row["advertiser.time_zone"] for row in self.rows("report", "--by", "advertiser.time_zone")}
        self.assertIn("Asia/Tokyo", zones)

    def test_local_times_of_several_zones_are_the_same_instants(self) -> None:
        logs = self.generate(6, 20_000)
        text = (logs / "impressions.ndjson").read_text(errors="replace")
        for offset in ("+01:00", "-04:00", "+00:00", "+09:00", "+11:00"):
            self.assertIn(offset + '"', text)
        self.run_config(logs / "adweave.yaml")
        found = {row["event_id"]: row["t"] for row in
                 self.sql("SELECT event_id, epoch_us(event_time) AS t FROM impressions")}
        truth = [json.loads(line) for line in (logs / "truth/impressions.ndjson").read_text().splitlines()]
        self.assertEqual(found, {event["id"]: event["time_us"] for event in truth})

    def test_moved_creatives_change_ad_group_at_half_time(self) -> None:
        logs = self.generate(4)
        self.run_config(logs / "adweave.yaml")
        groups = self.sql("SELECT ad_group_id, max(event_time) < TIMESTAMPTZ '2023-11-01T12:00:00Z' AS before "
                          "FROM impressions WHERE creative_id = 'cr-6' GROUP BY 1 ORDER BY 1")
        self.assertEqual(groups, [{"ad_group_id": "grp-1", "before": False}, {"ad_group_id": "grp-2", "before": True}])


if __name__ == "__main__":
    unittest.main()
