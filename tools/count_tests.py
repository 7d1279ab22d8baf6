# SPDX-License-Identifier: Apache-2.0
"""Prints "PASSED FAILED" over the GoogleTest results of a build; standard input is ctest's list of its tests (--show-only=json-v1).

A test program that ended without leaving its result (a crash) or ran no test counts as one failed test.
"""

import json
import pathlib
import sys


def count(tests: list[str], results: pathlib.Path) -> tuple[int, int]:
    passed = failed = 0
    for test in tests:
        result = results / f"{test}.json"
        report = json.loads(result.read_text()) if result.exists() else {"tests": 0}
        if report["tests"] == 0:
            failed += 1
            continue
        failed += report["failures"] + report["errors"]
        passed += report["tests"] - report["failures"] - report["errors"] - report["disabled"]
    return passed, failed


if __name__ == "__main__":
    print(*count([test["name"] for test in json.load(sys.stdin)["tests"]], pathlib.Path(sys.argv[1])))
