# SPDX-License-Identifier: Apache-2.0
"""`status`: what is sealed, pending, behind and damaged; `rebuild state`: the same state from the rows alone."""

import json
import unittest

from adweave import AdweaveTest


class StatusTest(AdweaveTest):
    """Logs of sixty hours."""

    def setUp(self) -> None:
        super().setUp()
        self.logs = self.folder / "logs"
        self.adweave("generate", "--events", 3000, "--hours", 60, "--seed", 5, "--out", self.logs)
        self.run_config(self.logs / "adweave.yaml")

    def status(self, *words: object) -> dict:
        return json.loads(self.adweave("status", "--data", self.data, "--output", "json", *words).stdout)

    def test_days_are_pending_until_they_are_sealed(self) -> None:
        before = self.status()
        self.assertGreater(len(before["days"]), 2)
        for day in before["days"]:
            self.assertEqual((day["sealed"], day["pending"], day["complete_through"]), (0, day["rows"], None))
        self.adweave("seal", "--data", self.data)
        after = self.status()
        for old, day in zip(before["days"], after["days"], strict=True):
            self.assertEqual((day["day"], day["rows"], day["pending"]), (old["day"], old["rows"], 0))
            self.assertEqual(day["sealed"], day["files"])
            self.assertGreaterEqual(day["complete_through"], before["commit"])
        more = self.folder / "more"
        self.adweave("generate", "--events", 300, "--hours", 60, "--seed", 6, "--out", more)
        (self.logs / "late-1").mkdir()
        (more / "impressions.ndjson").rename(self.logs / "late-1" / "impressions.ndjson")
        self.run_config(self.logs / "adweave.yaml")
        late = self.status()
        pending = sum(day["pending"] for day in late["days"])
        self.assertGreater(pending, 0)
        self.assertEqual(sum(day["rows"] for day in late["days"]), sum(day["rows"] for day in after["days"]) + pending)

    def test_tables_add_up_to_days(self) -> None:
        whole, parts = self.status()["days"], self.status("--by", "table")["days"]
        for name in ("files", "rows", "pending"):
            self.assertEqual(sum(day[name] for day in whole), sum(part[name] for part in parts), name)
        [shown] = self.sql("SELECT count(*) AS n FROM impressions")
        self.assertEqual(sum(part["rows"] for part in parts if part["table"] == "impressions"), shown["n"])

    def test_what_is_behind_or_damaged(self) -> None:
        status = self.status()
        self.assertEqual((status["delta_behind"], status["delta_damage"], status["warehouse_commit"]), ([], [], None))
        self.assertEqual(status["open_rejects"], self.total()["open"])
        self.adweave("rebuild", "warehouse", "--data", self.data)
        self.assertEqual(self.status()["warehouse_commit"], status["commit"])
        (self.data / "warehouse.duckdb").write_bytes(b"no database")
        self.assertIsNone(self.status()["warehouse_commit"])
        (self.data / "lake/clicks/_delta_log/00000000000000000000.json").write_text("{")
        (self.data / "lake/audit/_delta_log/00000000000000000000.json").unlink()
        damaged = self.status()
        self.assertEqual(damaged["delta_behind"], ["audit"])
        self.assertIn("lake/clicks/_delta_log", damaged["delta_damage"][0])
        text = self.adweave("status", "--data", self.data).stdout
        self.assertIn("damaged: ", text)
        self.assertIn("not used: ", text)
        self.adweave("rebuild", "delta", "--data", self.data)
        self.assertEqual(self.status()["delta_damage"], [])

    def test_retention_and_closing(self) -> None:
        day = self.status()["days"][1]["day"]
        self.adweave("close", "--through", day, "--data", self.data)
        self.adweave("retain", "--from", day, "--data", self.data, "--yes")
        status = self.status()
        self.assertEqual((status["closed_through"], status["retained_from"]), (day, day))
        self.assertEqual(status["days"][0]["day"], day)

    def test_state_is_made_anew_from_the_rows(self) -> None:
        [snapshot] = (self.data / "state").glob("*.snapshot")
        size = snapshot.stat().st_size
        snapshot.write_bytes(snapshot.read_bytes()[:100])
        self.assertIn("as of commit 3", self.adweave("rebuild", "state", "--data", self.data).stdout)
        self.assertGreater(snapshot.stat().st_size, size // 2)
        renamed = self.folder / "again"
        self.logs.rename(renamed)
        for file in renamed.rglob("*.ndjson"):  # other contents, the same events: all are known
            file.write_bytes(file.read_bytes() + b"\n")
        accepted = self.total()["accepted"]
        self.run_config(renamed / "adweave.yaml")
        self.assertEqual(self.total()["accepted"], accepted)


if __name__ == "__main__":
    unittest.main()
