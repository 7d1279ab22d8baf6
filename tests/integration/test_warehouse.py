# SPDX-License-Identifier: Apache-2.0
"""Reports from the warehouse are those from the tables, whatever happens to the file."""

import unittest

from adweave import AdweaveTest

ASKED = ("--by", "campaign_id,hour,currency", "--metrics", "impressions,clicks,conversions,spend,revenue,attributed_revenue,ctr,cpa,cpm",
         "--zone", "Asia/Kathmandu")
TOTAL = "SELECT sum(clicks)::BIGINT AS clicks, sum(spend)::VARCHAR AS spend FROM kpi"


class Warehouse(AdweaveTest):
    def setUp(self) -> None:
        super().setUp()
        self.adweave("generate", "--events", 20000, "--seed", 3, "--out", self.folder / "logs")
        self.file = self.data / "warehouse.duckdb"
        source = self.folder / "logs/clicks_conversions.csv"
        lines = source.read_text().splitlines(keepends=True)
        source.write_text("".join(lines[: len(lines) // 2]))
        self.run_config(self.folder / "logs/adweave.yaml")
        source.write_text("".join(lines))

    def rebuild(self, *words: str) -> str:
        return self.adweave("rebuild", "warehouse", "--data", self.data, *words).stdout

    def test_no_answer_depends_on_the_file(self) -> None:
        before, total = self.rows("report", *ASKED), self.sql(TOTAL)
        self.assertIn("computed afresh", self.rebuild())
        self.assertEqual(self.rows("report", *ASKED), before)
        self.assertEqual(self.sql(TOTAL), total)
        # A report brings the file up to date.
        self.run_config(self.folder / "logs/adweave.yaml")
        stamp = self.file.stat().st_mtime_ns
        after, total = self.rows("report", *ASKED), self.sql(TOTAL)
        self.assertNotEqual(after, before)
        self.assertNotEqual(self.file.stat().st_mtime_ns, stamp)
        self.assertIn(" 0 of them computed\n", self.rebuild("--update"))
        for damage in (lambda: self.file.unlink(), lambda: self.file.write_bytes(b"no database"),
                       lambda: self.file.write_bytes(self.file.read_bytes()[:20000])):
            damage()
            self.assertEqual(self.rows("report", *ASKED), after)
            self.assertEqual(self.sql(TOTAL), total)
            self.rebuild()

    def test_the_file_cannot_be_reached_past_the_views(self) -> None:
        self.rebuild()
        for statement in ("SELECT * FROM read_csv('/etc/passwd') kpi", f"ATTACH '{self.file}' AS kpi", "DROP VIEW kpi"):
            self.adweave("sql", statement, "--data", self.data, code=1)


if __name__ == "__main__":
    unittest.main()
