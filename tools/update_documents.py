# SPDX-License-Identifier: Apache-2.0
"""Fills the `<!-- run -->` blocks of the documents with what their commands print now. Read the difference before a commit.

    ADWEAVE=build/release/bin/adweave python3 tools/update_documents.py README.md docs/tour.md
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
RUN_BLOCK = re.compile(r"(<!-- run -->\n```\n)(.*?)(```)", re.DOTALL)


def steps_of(block: str) -> list[tuple[str, str]]:
    """Commands of a block, each with the output that is shown."""
    return [step.partition("\n")[::2] for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]


def output_of(command: str, data: str, program: str) -> str:
    path = f"{os.path.dirname(os.path.abspath(program))}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command.replace("$DATA", data)],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path},
    )
    return done.stdout.replace(data, "$DATA")


def filled(block: str, program: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        data = folder + "/data"
        return "".join(f"$ {command}\n{output_of(command, data, program)}" for command, _ in steps_of(block))


if __name__ == "__main__":
    binary = os.environ.get("ADWEAVE", str(ROOT / "build/release/bin/adweave"))
    for name in sys.argv[1:]:
        document = ROOT / name
        document.write_text(RUN_BLOCK.sub(lambda m: m[1] + filled(m[2], binary) + m[3], document.read_text()))
