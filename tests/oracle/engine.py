# SPDX-License-Identifier: Apache-2.0
"""What adweave says: its commands run on a folder, their output read line by line."""

import json
import pathlib
import subprocess
from collections.abc import Iterator


class Engine:
    def __init__(self, program: str, data: pathlib.Path) -> None:
        self.program = program
        self.data = data

    def run(self, config: pathlib.Path) -> None:
        subprocess.run([self.program, "run", "-c", str(config), "--data", str(self.data)], check=True,
                       stdout=subprocess.DEVNULL)

    def sql(self, statement: str) -> Iterator[dict]:
        return self._rows("sql", statement)

    def report(self, by: tuple[str, ...], metrics: tuple[str, ...], *words: str) -> Iterator[dict]:
        grouping = ["--by", ",".join(by)] if by else []
        return self._rows("report", *grouping, "--metrics", ",".join(metrics), *words)

    def _rows(self, *words: str) -> Iterator[dict]:
        command = [self.program, *words, "--data", str(self.data), "--output", "ndjson"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            for line in process.stdout:
                yield json.loads(line)
        if process.returncode != 0:
            raise RuntimeError(f"{command} ended with {process.returncode}")
