# SPDX-License-Identifier: Apache-2.0
"""Prints "PASSED FAILED" over the GoogleTest results of a build.

A program that ended without leaving its result (a crash) counts as one failed test.
"""

import json
import pathlib
import sys


def count(build: pathlib.Path, results: pathlib.Path) -> tuple[int, int]:
    passed = failed = 0
    for program in sorted((build / "bin").glob("*_test")):
        result = results / f"{program.name}.json"
        if not result.exists():
            failed += 1
            continue
        report = json.loads(result.read_text())
        failed += report["failures"] + report["errors"]
        passed += report["tests"] - report["failures"] - report["errors"] - report["disabled"]
    return passed, failed


if __name__ == "__main__":
    print(*count(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
