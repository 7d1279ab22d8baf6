# SPDX-License-Identifier: Apache-2.0
"""Checks that the code map in ARCHITECTURE.md names exactly the folders of src/, on their floors, and is one page."""

import pathlib
import re
import sys

from check_layers import read_layers

ROW = re.compile(r"^\| (\d) \| `src/(\w+)` \|", re.MULTILINE)
LINES_MAX = 200


def problems_of(root: pathlib.Path) -> list[str]:
    text = (root / "ARCHITECTURE.md").read_text()
    mapped = {folder: int(floor) for floor, folder in ROW.findall(text)}
    floors, _, _ = read_layers((root / "tools/layers.txt").read_text())
    folders = {d.name for d in (root / "src").iterdir() if d.is_dir()}
    problems = [f"src/{name}: not in the code map of ARCHITECTURE.md" for name in sorted(folders - set(mapped))]
    problems += [f"ARCHITECTURE.md: src/{name} does not exist" for name in sorted(set(mapped) - folders)]
    problems += [f"ARCHITECTURE.md: src/{n} is on floor {floors.get(n)}" for n in mapped if floors.get(n) != mapped[n]]
    if len(text.splitlines()) > LINES_MAX:
        problems.append(f"ARCHITECTURE.md: over {LINES_MAX} lines")
    return problems


if __name__ == "__main__":
    found = problems_of(pathlib.Path(__file__).resolve().parents[1])
    print("\n".join(found))
    sys.exit(1 if found else 0)
