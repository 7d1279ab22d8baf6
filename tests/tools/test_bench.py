# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks compare before they give a ratio."""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import stage_times  # noqa: E402
from rows import dashboard, yahoo  # noqa: E402

OURS = "window,kind,campaign_id,events\n2017-03-20T08:53:20Z,impression,a,3\n2017-03-20T08:53:30Z,impression,b,1\nnote: of 6 records\n"
THEIRS = '"window","campaign_id","events"\n1490000010,"b",1\n1490000000,"a",3\n'


class Bench(unittest.TestCase):
    def setUp(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self._folder.name)

    def tearDown(self) -> None:
        self._folder.cleanup()

    def write(self, name: str, text: str) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def test_windows_are_compared_one_by_one(self) -> None:
        self.write("ours/windows.csv", OURS)
        self.write("theirs/windows.csv", THEIRS)
        self.write("fewer/windows.csv", THEIRS.replace('1490000010,"b",1\n', ""))
        self.write("other/windows.csv", THEIRS.replace(',"a",3', ',"a",4'))
        self.write("none/windows.csv", THEIRS.splitlines()[0])
        ours = self.folder / "ours"
        self.assertEqual(yahoo.differences(ours, self.folder / "theirs"), [])
        self.assertEqual(yahoo.differences(ours, self.folder / "fewer"), ["(1490000010, 'b'): 1 and None"])
        self.assertEqual(yahoo.differences(ours, self.folder / "other"), ["(1490000000, 'a'): 3 and 4"])
        self.assertEqual(len(yahoo.differences(self.folder / "none", self.folder / "none")), 1)

    def test_live_files_are_those_that_the_log_has_not_removed(self) -> None:
        log = "lake/clicks/_delta_log"
        self.write(f"{log}/00.json", "\n".join(json.dumps({"add": {"path": name}}) for name in ("a", "b")))
        self.write(f"{log}/01.json", json.dumps({"remove": {"path": "a"}}) + "\n" + json.dumps({"add": {"path": "c"}}))
        found = dashboard.live_files(self.folder, "clicks")
        self.assertEqual([pathlib.Path(path).name for path in found], ["b", "c"])

    def test_the_99th_percentile_is_of_the_worst(self) -> None:
        self.assertEqual(dashboard.percentile_99([float(n) for n in range(1000, 0, -1)]), 991.0)
        self.assertEqual(dashboard.percentile_99([1.0, 5.0]), 5.0)

    def test_every_stage_of_a_profile_has_its_words_and_its_bar(self) -> None:
        stages = [{"stage": stage, "cpu_s": 1.0, "wait_s": 0.5, "rows": 10, "bytes": 0} for stage in stage_times.MEANING]
        profile = {"stages": stages, "cpu_s": float(len(stages))}
        self.assertEqual(stage_times.table(profile).count("\n"), len(stages) + 2)
        self.assertEqual(stage_times.picture(profile, "a < b").count('class="cpu"'), len(stages))
        names = (pathlib.Path(__file__).resolve().parents[2] / "src/engine/profile.cc").read_text()
        for stage in stage_times.MEANING:
            self.assertTrue(stage == "other" or f'"{stage}"' in names, stage)


if __name__ == "__main__":
    unittest.main()
