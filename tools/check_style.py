# SPDX-License-Identifier: Apache-2.0
"""What clang-format does not check: licence line, file size, includes from the root of src/, no leftover words, names that a
room uses once."""

import collections
import pathlib
import re
import subprocess
import sys

LINES_MAX = 500
ANONYMOUS = re.compile(r"^namespace \{$(.*?)^\}  // namespace$", re.MULTILINE | re.DOTALL)
TYPE, CONSTANT = r"(?:class|struct|union|enum class|enum) (\w+) ", r"(?:constexpr|const) [^(={]*?\b(\w+)(?:\[\w*\])? ?[={]"
NAMED = re.compile(f"^(?:{TYPE}|{CONSTANT})", re.MULTILINE)
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


def named_twice(texts: dict[str, str]) -> list[str]:
    """Constants and types that two files of a room keep to themselves. The preset asan compiles such files as one."""
    places = collections.defaultdict(list)
    for name, text in texts.items():
        if name.startswith("src/") and name.endswith(".cc"):
            room, kind = name.split("/")[1], re.search(r"(_test|_bench|_fuzz|)\.cc$", name)[1]
            found = {type_name or constant for part in ANONYMOUS.findall(text) for type_name, constant in NAMED.findall(part)}
            for entity in found:
                places[room, kind, entity].append(name)
    return [f"{', '.join(files)}: each has its own {entity}; in a room a name stands for one thing"
            for (_, kind, entity), files in places.items() if len(files) > 1 and kind != "_fuzz"]


def main(root: pathlib.Path) -> int:
    names = subprocess.run(["git", "ls-files", "src", "tests", "tools", "bench"], cwd=root, capture_output=True, text=True, check=True)
    texts = {name: (root / name).read_text() for name in names.stdout.split() if name.endswith((".h", ".cc", ".def", ".py"))}
    found = [problem for name, text in texts.items() for problem in problems_of(name, text)] + named_twice(texts)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(__file__).resolve().parents[1]))
