# SPDX-License-Identifier: Apache-2.0
"""What clang-format does not check: licence line, file size, includes from the root of src/, no leftover words."""

import pathlib
import re
import subprocess
import sys

LINES_MAX = 500
WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|/root/|/home/")


def problems_of(name: str, text: str) -> list[str]:
    problems = []
    code = name.endswith((".h", ".cc", ".def", ".py"))
    if code and "SPDX-License-Identifier: Apache-2.0" not in text.split("\n", 1)[0]:
        problems.append(f"{name}: the first line is not the SPDX line")
    if code and text.count("\n") > LINES_MAX:
        problems.append(f"{name}: over {LINES_MAX} lines")
    if name.endswith(".h") and "#pragma once" not in text:
        problems.append(f"{name}: no #pragma once")
    if code and not name.endswith("check_style.py"):
        for number, line in enumerate(text.splitlines(), 1):
            if WORDS.search(line):
                problems.append(f"{name}:{number}: {WORDS.search(line).group(0)}")
    return problems


def main(root: pathlib.Path) -> int:
    names = subprocess.run(["git", "ls-files", "src", "tests", "tools", "bench"], cwd=root, capture_output=True, text=True, check=True)
    found = []
    for name in names.stdout.split():
        if name.endswith((".h", ".cc", ".def", ".py")):
            found += problems_of(name, (root / name).read_text())
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(__file__).resolve().parents[1]))
