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
        self.results = pathlib.Path(self.folder.name)

    def tearDown(self) -> None:
        self.folder.cleanup()

    def leave(self, test: str, **report: int) -> None:
        (self.results / f"{test}.json").write_text(json.dumps({"failures": 0, "errors": 0, "disabled": 0, **report}))

    def test_adds_up_passed_and_failed(self) -> None:
        self.leave("engine", tests=5, failures=1, disabled=1)
        self.leave("engine_rest", tests=4)
        self.assertEqual(count_tests.count(["engine", "engine_rest"], self.results), (7, 1))

    def test_a_program_that_ran_no_test_has_failed(self) -> None:
        self.leave("engine", tests=0)
        self.assertEqual(count_tests.count(["engine"], self.results), (0, 1))

    def test_a_program_without_result_has_failed(self) -> None:
        self.leave("engine", tests=5)
        self.assertEqual(count_tests.count(["engine", "engine_rest"], self.results), (5, 1))


if __name__ == "__main__":
    unittest.main()
