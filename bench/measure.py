# SPDX-License-Identifier: Apache-2.0
"""What a process costs: CPU-seconds of its whole tree, and wall time. Probes of the machine itself."""

import ctypes
import dataclasses
import os
import pathlib
import resource
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36
PROBE_BYTES = 64 << 20
PROBE_DIFFERENCE_MAX = 0.05


@dataclasses.dataclass(frozen=True)
class Cost:
    cpu: float = 0.0  # seconds, user and system, of the process and all that it started
    wall: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.cpu + other.cpu, self.wall + other.wall)


def adopt_orphans() -> None:
    """Makes this process the parent of what its children leave behind, so that no CPU time is lost."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans() -> None:
    """Takes in what the children that ended have left, without waiting for those that stay (session.py)."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command: list[str], log: pathlib.Path, **options) -> Cost:
    """Runs a program to its end; its output goes to `log`. Call adopt_orphans() before the first."""
    before, start = children_cpu(), time.monotonic()
    with open(log, "wb") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False, **options)
    wall = time.monotonic() - start
    reap_orphans()
    if done.returncode != 0:
        tail = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{tail}")
    return Cost(children_cpu() - before, wall)


@dataclasses.dataclass(frozen=True)
class Probe:
    """What the machine does at the moment: CPU-seconds of a fixed loop and of copying memory."""

    spin: float
    memcpy: float

    def drift(self, other: "Probe") -> float:
        pairs = ((self.spin, other.spin), (self.memcpy, other.memcpy))
        return max(abs(a - b) / min(a, b) for a, b in pairs)


def probe() -> Probe:
    return Probe(min(_spin() for _ in range(3)), min(_memcpy() for _ in range(3)))


def _spin() -> float:
    start, number = time.process_time(), 1
    for _ in range(1_000_000):
        number = number * 6364136223846793005 + 1442695040888963407 & 0xFFFFFFFFFFFFFFFF
    return time.process_time() - start


def _memcpy() -> float:
    source, target = bytearray(PROBE_BYTES), bytearray(PROBE_BYTES)
    start = time.process_time()
    for _ in range(4):
        target[:] = source
    return time.process_time() - start
