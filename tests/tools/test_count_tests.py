# SPDX-License-Identifier: Apache-2.0
"""The counter of test results: a crashed program must show as a failure."""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import count_tests  # noqa: E402


class CountTests(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.build = pathlib.Path(self.folder.name)
        self.results = self.build / "results"
        (self.build / "bin").mkdir()
        self.results.mkdir()
        (self.build / "bin" / "a_test").touch()

    def tearDown(self) -> None:
        self.folder.cleanup()

    def test_adds_up_passed_and_failed(self) -> None:
        report = {"tests": 5, "failures": 1, "errors": 0, "disabled": 1}
        (self.results / "a_test.json").write_text(json.dumps(report))
        self.assertEqual(count_tests.count(self.build, self.results), (3, 1))

    def test_replays_of_fuzzers_count(self) -> None:
        report = {"tests": 1, "failures": 1, "errors": 0, "disabled": 0}
        (self.build / "bin" / "a_test").rename(self.build / "bin" / "a_replay")
        (self.results / "a_replay.json").write_text(json.dumps(report))
        self.assertEqual(count_tests.count(self.build, self.results), (0, 1))

    def test_a_program_that_ran_no_test_has_failed(self) -> None:
        report = {"tests": 0, "failures": 0, "errors": 0, "disabled": 0}
        (self.results / "a_test.json").write_text(json.dumps(report))
        self.assertEqual(count_tests.count(self.build, self.results), (0, 1))

    def test_a_program_without_result_has_failed(self) -> None:
        self.assertEqual(count_tests.count(self.build, self.results), (0, 1))


if __name__ == "__main__":
    unittest.main()
