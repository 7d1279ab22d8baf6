# SPDX-License-Identifier: Apache-2.0
"""`run --profile`: every stage, for people and for programs."""

import json

from adweave import AdweaveTest


class Profile(AdweaveTest):
    def setUp(self) -> None:
        super().setUp()
        self.adweave("generate", "--events", 5000, "--seed", 3, "--out", self.folder / "logs")
        self.config = self.folder / "logs/adweave.yaml"

    def test_a_profile_names_every_stage_and_the_bottleneck(self) -> None:
        path = self.folder / "profile.json"
        done = self.run_config(self.config, "--profile", "--profile-json", path)
        profile = json.loads(path.read_text())
        stages = {stage["stage"]: stage for stage in profile["stages"]}
        for stage in ("read", "decode", "prepare", "deduplicate", "attribute", "write", "commit", "publish", "other"):
            self.assertIn(f"\n{stage} ", done.stdout)
            self.assertGreaterEqual(stages[stage]["cpu_s"], 0)
        self.assertEqual(stages["decode"]["rows"], self.total()["records_read"])
        self.assertEqual(stages["read"]["bytes"], stages["identify"]["bytes"])
        self.assertAlmostEqual(sum(stage["cpu_s"] for stage in stages.values()), profile["cpu_s"], delta=0.02)
        self.assertIn(f"bottleneck: {profile['bottleneck']}\n", done.stdout)
        self.assertTrue(all(len(line) <= 80 for line in done.stdout.split("\n\n")[1].splitlines()), done.stdout)

    def test_without_it_nothing_is_shown(self) -> None:
        self.assertNotIn("cpu", self.run_config(self.config).stdout)

    def test_a_file_that_cannot_be_written_is_told(self) -> None:
        done = self.run_config(self.config, "--profile-json", self.folder / "nowhere/profile.json", code=1)
        self.assertIn("nowhere/profile.json: cannot be written", done.stderr)
