# SPDX-License-Identifier: Apache-2.0
"""Prints "PASSED FAILED" over the GoogleTest results of a build.

A program that ended without leaving its result (a crash) or ran no test counts as one failed test.
"""

import json
import pathlib
import sys


def count(build: pathlib.Path, results: pathlib.Path) -> tuple[int, int]:
    passed = failed = 0
    programs = [*(build / "bin").glob("*_test"), *(build / "bin").glob("*_replay")]
    for program in programs:
        result = results / f"{program.name}.json"
        report = json.loads(result.read_text()) if result.exists() else {"tests": 0}
        if report["tests"] == 0:
            failed += 1
            continue
        failed += report["failures"] + report["errors"]
        passed += report["tests"] - report["failures"] - report["errors"] - report["disabled"]
    return passed, failed


if __name__ == "__main__":
    print(*count(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
