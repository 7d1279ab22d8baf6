# SPDX-License-Identifier: Apache-2.0
"""What the programs that decode print: "rows N", then "<column> <values> <sum>"."""

import pathlib


def sums(path: pathlib.Path) -> dict[str, tuple[str, ...]]:
    """Of our columns those that a peer has not: `extra`, and ids that we compose."""
    found = {}
    for line in path.read_text().splitlines():
        name, *numbers = line.split()
        found[name] = tuple(numbers)
    return found


def differences(mine: pathlib.Path, theirs: pathlib.Path) -> list[str]:
    """Every column of the peer must be in ours with the same count and sum."""
    ours, other = sums(mine), sums(theirs)
    if "rows" not in other or len(other) < 2:
        return [f"{theirs} holds no result"]
    return [f"{name}: {ours.get(name)} and {found}" for name, found in other.items() if ours.get(name) != found]
