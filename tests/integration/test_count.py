# SPDX-License-Identifier: Apache-2.0
"""`adweave count` beside the tables of a run on the same files."""

import json

from adweave import AdweaveTest


class Count(AdweaveTest):
    def setUp(self) -> None:
        super().setUp()
        self.logs = self.folder / "logs"
        self.adweave("generate", "--events", 5000, "--seed", 3, "--out", self.logs)
        self.config = self.logs / "adweave.yaml"

    def count(self, *words: object) -> list[dict]:
        return json.loads(self.adweave("count", "-c", self.config, "--output", "json", *words).stdout)

    def test_counts_are_those_of_the_tables_where_nothing_repeats(self) -> None:
        text = self.config.read_text().replace("format: ", "deduplicate: off\n    format: ")
        self.config = self.logs / "all.yaml"
        self.config.write_text(text)
        found = self.count("--by", "campaign_id,part_of_day", "--window", "10s")
        self.run_config(self.config)
        windows = "strftime(time_bucket(INTERVAL 10 SECOND, event_time), '%Y-%m-%dT%H:%M:%SZ')"
        for kind, table in (("impression", "impressions"), ("click", "clicks_as_committed")):
            rows = self.sql(f"""SELECT {windows} AS "window", '{kind}' AS kind, campaign_id, part_of_day, count(*) AS events
                                FROM {table} GROUP BY ALL ORDER BY ALL""")
            key = lambda row: (row["window"], row["campaign_id"] or "", row["part_of_day"])  # noqa: E731
            self.assertGreater(len(rows), 10)
            self.assertEqual(sorted(rows, key=key), sorted((row for row in found if row["kind"] == kind), key=key))

    def test_it_stores_nothing_and_tells_the_rejects(self) -> None:
        before = sorted(self.logs.rglob("*"))
        done = self.adweave("count", "-c", self.config, "--output", "csv")
        self.assertEqual(done.stdout.split("\n")[0], "kind,events")
        self.assertRegex(done.stderr, r"note: of \d+ records are rejected: .*\d+ missing_field")
        self.assertEqual(sorted(self.logs.rglob("*")), before)

    def test_what_cannot_be_counted_by_is_told(self) -> None:
        done = self.adweave("count", "-c", self.config, "--by", "campain_id", code=2)
        self.assertIn("did you mean 'campaign_id'?", done.stderr)
        self.adweave("count", "-c", self.config, "--by", "user_id", code=2)
        for window in ("10", "-1s", "0s", "ten"):
            self.adweave("count", "-c", self.config, "--window", window, code=2)
