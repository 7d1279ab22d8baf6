# SPDX-License-Identifier: Apache-2.0
"""Runs the unittest files of a folder, or one file, as many at once as there are processors, and writes "PASSED FAILED" to a file.

A skipped test counts as failed: a test that cannot run proves nothing.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest


def run_file(file: str, output: str) -> int:
    """Runs one file in this process."""
    sys.path.insert(0, str(pathlib.Path(file).resolve().parent))
    suite = unittest.TestLoader().loadTestsFromName(pathlib.Path(file).stem)
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)
    bad = len(result.failures) + len(result.errors) + len(result.skipped)
    pathlib.Path(output).write_text(f"{max(result.testsRun - bad, 0)} {bad}\n")
    return 0


def run_apart(file: pathlib.Path) -> tuple[int, int]:
    """Runs one file in a process of its own and shows what it said, in one piece. No counts: it died."""
    with tempfile.TemporaryDirectory() as folder:
        counts = pathlib.Path(folder) / "counts"
        done = subprocess.run([sys.executable, __file__, "--file", str(file), str(counts)], capture_output=True, text=True,
                              check=False)
        print(f"-- {file.name}\n{done.stdout}{done.stderr}", file=sys.stderr, flush=True)
        passed, bad = counts.read_text().split() if counts.exists() else ("0", "1")
        return int(passed), int(bad)


def main(folder: str, output: str) -> int:
    # The largest first: no long one is left for the end.
    named = pathlib.Path(folder)
    files = [named] if named.is_file() else sorted(named.glob("test_*.py"), key=lambda file: -file.stat().st_size)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = list(pool.map(run_apart, files))
    passed, bad = (sum(column) for column in zip(*counts, strict=True))
    pathlib.Path(output).write_text(f"{passed} {bad}\n")
    return 0 if bad == 0 else 1


if __name__ == "__main__":
    if sys.argv[1] == "--file":
        sys.exit(run_file(sys.argv[2], sys.argv[3]))
    sys.exit(main(sys.argv[1], sys.argv[2]))
