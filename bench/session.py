# SPDX-License-Identifier: Apache-2.0
"""A peer whose session stays for all rounds, so that its start and warm-up are not counted."""

import pathlib
import subprocess
import time

from measure import Cost


class Session:
    """Its program takes an output folder a line and answers with a line "cpu_seconds N". It starts with the first."""

    def __init__(self, command: list[str], log: pathlib.Path, environment: dict[str, str]) -> None:
        self.command = command
        self.log = log
        self.environment = environment
        self.process: subprocess.Popen | None = None

    def run(self, out: pathlib.Path) -> Cost:
        if self.process is None:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                            stderr=open(self.log, "w"), env=self.environment)
        start = time.monotonic()
        self.process.stdin.write(f"{out}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("cpu_seconds "):
                return Cost(float(line.split()[1]), time.monotonic() - start)
        raise RuntimeError(f"{self.command[1]} ended: see {self.log}")

    def close(self) -> None:
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process = None
