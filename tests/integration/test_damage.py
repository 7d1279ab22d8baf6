# SPDX-License-Identifier: Apache-2.0
"""Damage of every kind to every kind of file: `verify` finds it, and no query gives a wrong number."""

import os
import pathlib
import random
import unittest

from adweave import AdweaveTest

PAGE = 4096
QUERY = ("SELECT count(*) AS n, sum(cost) AS cost, count(DISTINCT event_id) AS ids, sum(hash(creative_id)) AS creatives, "
         "max(event_time) AS latest FROM impressions")


def flip(path: pathlib.Path, luck: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[luck.randrange(len(data))] ^= 1 << luck.randrange(8)
    path.write_bytes(data)


def zero_page(path: pathlib.Path, luck: random.Random) -> None:
    data = bytearray(path.read_bytes())
    at = luck.randrange(len(data)) // PAGE * PAGE
    data[at : at + PAGE] = bytes(len(data[at : at + PAGE]))
    path.write_bytes(data)


def cut(path: pathlib.Path, luck: random.Random) -> None:
    os.truncate(path, luck.randrange(path.stat().st_size))


class DamageTest(AdweaveTest):
    def setUp(self) -> None:
        super().setUp()
        logs = self.folder / "logs"
        self.adweave("generate", "--events", 6000, "--seed", 3, "--out", logs)
        config = logs / "adweave.yaml"
        config.write_text(config.read_text() + "\nlimits: {ids_memory_max: 64KiB}\n")
        lines = (logs / "impressions.ndjson").read_bytes().splitlines(keepends=True)
        for i in range(12):  # enough versions for a checkpoint
            (logs / "impressions.ndjson").write_bytes(b"".join(lines[: len(lines) * (i + 1) // 12]))
            self.run_config(config)
        self.adweave("seal", "--data", self.data, "--all")
        self.adweave("rebuild", "warehouse", "--data", self.data)

    def files(self) -> dict[str, pathlib.Path]:
        """One file of each kind that is there, the newest."""
        kinds = {"record": "ledger/*.commit", "format": "format_version",
                 "sealed file": "lake/impressions/_sealed/dt=2023-11-01/*.parquet", "completeness": "lake/clicks/dt=*/_complete.json",
                 "dimension": "lake/_dimensions/creatives*", "snapshot": "state/*.snapshot", "run of ids": "state/ids/*.run",
                 "Delta version": "lake/impressions/_delta_log/*.json", "warehouse": "warehouse.duckdb",
                 "Delta checkpoint": "lake/impressions/_delta_log/*.checkpoint.parquet",
                 "Delta hint": "lake/impressions/_delta_log/_last_checkpoint"}
        found = {kind: sorted(self.data.glob(pattern)) for kind, pattern in kinds.items()}
        return {kind: paths[-1] for kind, paths in found.items() if paths}

    def test_verify_finds_it(self) -> None:
        self.assertIn("all sound", self.adweave("verify", "--data", self.data).stdout)
        luck = random.Random(1)
        names = {"run of ids": "snapshot", "Delta version": "_delta_log"}  # what is told of instead of the file
        for kind, path in self.files().items():
            whole = path.read_bytes()
            for damage in (flip, zero_page, cut):
                for _ in range(3):
                    with self.subTest(kind=kind, damage=damage.__name__):
                        damage(path, luck)
                        if path.read_bytes() != whole:
                            told = self.adweave("verify", "--data", self.data, code=1).stderr
                            self.assertIn(names.get(kind, path.name.split(".")[0]), told)
                    path.write_bytes(whole)
        self.assertIn("all sound", self.adweave("verify", "--data", self.data).stdout)

    def test_what_is_derived_is_repaired(self) -> None:
        self.assertIn("nothing", self.adweave("repair", "--data", self.data).stdout)
        luck = random.Random(4)
        plain = sorted(self.data.glob("lake/clicks/dt=*/*.parquet"))[0]
        files = self.files()
        plain.unlink()  # the link alone
        plain.write_bytes(b"not the file")
        kinds = ["completeness", "snapshot", "run of ids", "Delta version", "Delta checkpoint", "Delta hint", "warehouse"]
        for kind in kinds:
            flip(files[kind], luck)
        before = self.sql(QUERY)
        self.adweave("verify", "--data", self.data, code=1)
        self.adweave("repair", "--data", self.data)
        self.assertIn("all sound", self.adweave("verify", "--data", self.data).stdout)
        self.assertEqual(self.sql(QUERY), before)
        self.assertEqual(self.adweave("report", "--by", "day", "--data", self.data).returncode, 0)
        self.adweave("rebuild", "state", "--data", self.data)
        for kind in [kind for kind in kinds if kind in self.files()]:  # each alone
            with self.subTest(kind=kind):
                flip(self.files()[kind], luck)
                self.adweave("verify", "--data", self.data, code=1)
                self.adweave("repair", "--data", self.data)
                self.assertIn("all sound", self.adweave("verify", "--data", self.data).stdout)

    def test_no_wrong_number(self) -> None:
        good = self.sql(QUERY)
        luck = random.Random(2)
        path = self.files()["sealed file"]
        whole = path.read_bytes()
        for damage in (flip, zero_page, cut):
            for _ in range(6):
                damage(path, luck)
                told = self.adweave("sql", "--data", self.data, QUERY, code=1).stderr
                self.assertIn(str(path), told)
                self.assertIn("adweave verify", told)
                self.adweave("report", "--by", "campaign_id", "--as-of", 3, "--data", self.data, code=1)
                self.assertEqual(self.sql("SELECT count(*) > 0 AS some FROM clicks_as_committed"), [{"some": True}])
                path.write_bytes(whole)
        self.assertEqual(self.sql(QUERY), good)

    def test_a_damaged_dimension_file_answers_nothing(self) -> None:
        flip(self.files()["dimension"], random.Random(3))
        self.assertIn("checksum", self.adweave("sql", "--data", self.data, "SELECT * FROM creatives", code=1).stderr)


if __name__ == "__main__":
    unittest.main()
