# SPDX-License-Identifier: Apache-2.0
"""Runs the unittest files of a folder and writes "PASSED FAILED" to a file.

A skipped test counts as failed: a test that cannot run proves nothing.
"""

import pathlib
import sys
import unittest


def main(folder: str, output: str) -> int:
    sys.path.insert(0, str(pathlib.Path(folder).resolve()))
    suite = unittest.TestLoader().discover(folder, pattern="test_*.py")
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)
    bad = len(result.failures) + len(result.errors) + len(result.skipped)
    passed = result.testsRun - bad
    pathlib.Path(output).write_text(f"{max(passed, 0)} {bad}\n")
    return 0 if bad == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
