# SPDX-License-Identifier: Apache-2.0
"""Checks the includes of src/ against layers.txt: no upward or sideways include, heavy libraries each in one folder."""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^#include ["<]([^">]+)[">]', re.MULTILINE)


def read_layers(text: str) -> tuple[dict[str, int], dict[str, set[str]], dict[str, str]]:
    """Floors by folder, allowed neighbours by folder, folder by library prefix."""
    floors: dict[str, int] = {}
    neighbours: dict[str, set[str]] = {}
    libraries: dict[str, str] = {}
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if not words[0].isdigit():
            libraries[words[0]] = words[1]
            continue
        for word in words[1:]:
            folder, _, allowed = word.partition("+")
            floors[folder] = int(words[0])
            neighbours[folder] = set(allowed.split(",")) - {""}
    return floors, neighbours, libraries


def problems_of(root: pathlib.Path, layers: str) -> list[str]:
    floors, neighbours, libraries = read_layers(layers)
    problems = [f"src/{d.name}: not in layers.txt" for d in (root / "src").iterdir() if d.is_dir() and d.name not in floors]
    for file in sorted((root / "src").rglob("*")):
        if file.suffix not in (".h", ".cc") or file.name.endswith(("_test.cc", "_test_support.h")):
            continue
        folder = file.relative_to(root / "src").parts[0]
        for included in INCLUDE.findall(file.read_text()):
            where = f"{file.relative_to(root)}: includes {included}"
            for prefix, owner in libraries.items():
                if included.startswith(prefix) and folder != owner:
                    problems.append(f"{where}: only src/{owner} may")
            target = included.split("/")[0]
            if target not in floors or target == folder or "/" not in included:
                continue
            if floors[target] >= floors.get(folder, 0) and target not in neighbours.get(folder, set()):
                problems.append(f"{where}: {target} is not below {folder}")
    return problems


if __name__ == "__main__":
    here = pathlib.Path(__file__).resolve().parents[1]
    found = problems_of(here, (here / "tools/layers.txt").read_text())
    print("\n".join(found))
    sys.exit(1 if found else 0)
