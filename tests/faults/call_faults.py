# SPDX-License-Identifier: Apache-2.0
"""System calls that do not return, or fail, and a disk that is full."""

import contextlib
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator

from events import Oracle, Tally
from server import PATIENCE_S, Sender, Server, put_file

CALLS = ("write", "fdatasync", "fsync", "rename", "link", "unlink", "mkdir")
ERRORS = ("EIO", "ENOSPC")
DISK_BYTES = 48 << 20
PIECE_BYTES, LEFT_BYTES = 1 << 20, 64 << 10  # it is filled in such pieces, and up to so much is left


def strace(*words: str) -> tuple[str, ...]:
    program = shutil.which("strace")
    if not program:
        raise RuntimeError("strace is not installed: ./dev setup installs it")
    # Beside the program and not above it: signals reach the program itself.
    return (program, "--daemonize", "--follow-forks", "--seccomp-bpf", "--quiet=all", *words)


def serve_a_little(server: Server, oracle: Oracle, tally: Tally, before: tuple[str, ...]) -> bool:
    """A server with two senders and a file until all is taken, or until it ends. Whether it has begun."""
    put_file(server, oracle, "file", 20)
    has_begun = server.start(before=before)
    senders = [Sender(f"s{i}", server, oracle, deliveries=4) for i in range(2)]
    until = time.monotonic() + PATIENCE_S
    while server.process.poll() is None and (any(sender.is_alive() for sender in senders) or oracle.missing(server.data) != 0):
        if time.monotonic() > until:
            tally.alter("it neither ends nor takes what it is sent")
            break
        time.sleep(0.1)
    if server.process.poll() is None:
        server.stop()
    server.run_on()
    for sender in senders:
        sender.join(PATIENCE_S)
        sender.end(tally)
    server.settle(oracle, tally)
    oracle.compare(server.data, tally)
    return has_begun


def calls_of(folder: pathlib.Path, tally: Tally) -> dict[str, int]:
    """How often the busiest thread of an undisturbed server makes each call: `when` counts by thread."""
    log = folder / "calls"
    server = Server(folder / "calm")
    serve_a_little(server, Oracle(), tally, strace("--trace=" + ",".join(CALLS), f"--output={log}"))
    by_thread = Counter(re.findall(r"^(\d+) +(\w+)\(", log.read_text(), re.M))
    return {call: max((n for (_, name), n in by_thread.items() if name == call), default=0) for call in CALLS}


def disturb_calls(tally: Tally, folder: pathlib.Path, per_call: int, luck: random.Random, effects: list[str]) -> None:
    """`per_call` of the moments of each call, or all of them."""
    for call, count in calls_of(folder, tally).items():
        if count == 0:
            tally.alter(f"an undisturbed server never calls {call}")
        for when in sorted(luck.sample(range(1, count + 1), min(per_call, count))):
            for effect in effects:
                place = folder / "round"
                shutil.rmtree(place, ignore_errors=True)
                notes = len(tally.notes)
                serve_a_little(Server(place), Oracle(), tally, strace(f"--trace={call}", f"--inject={call}:{effect}:when={when}"))
                tally.notes[notes:] = [f"{call} {when}, {effect}: {note}" for note in tally.notes[notes:]]
                tally.rounds += 1


def kill_at_call(tally: Tally, folder: pathlib.Path, rounds: int, luck: random.Random) -> None:
    disturb_calls(tally, folder, rounds, luck, ["signal=KILL"])


def failing_call(tally: Tally, folder: pathlib.Path, rounds: int, luck: random.Random) -> None:
    disturb_calls(tally, folder, rounds, luck, [f"error={error}" for error in ERRORS])


@contextlib.contextmanager
def small_disk(folder: pathlib.Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", folder], check=True)  # root only: it says so
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def disk_full(tally: Tally, folder: pathlib.Path, rounds: int, luck: random.Random) -> None:
    """The disk fills up under load, and has room again. What runs the server starts it again when it ends."""
    with small_disk(folder / "disk"):
        server, oracle = Server(folder / "disk"), Oracle()
        server.run_on()
        senders = [Sender(f"s{i}", server, oracle) for i in range(2)]
        ballast = folder / "disk" / "ballast"
        for number in range(rounds):
            put_file(server, oracle, f"f{number}", 20)
            with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
                while file.write(bytes(PIECE_BYTES)) == PIECE_BYTES:
                    pass
            os.truncate(ballast, max(ballast.stat().st_size - luck.randrange(LEFT_BYTES), 0))
            until = time.monotonic() + luck.uniform(0.5, 1.5)
            while time.monotonic() < until:
                if server.process.poll() is not None:
                    server.start()
                time.sleep(0.05)
            ballast.unlink()
            before = sum(sender.sent for sender in senders)
            until = time.monotonic() + PATIENCE_S
            while sum(sender.sent for sender in senders) < before + 4:
                if server.process.poll() is not None:
                    server.run_on()
                if time.monotonic() > until:
                    tally.alter(f"it takes nothing once there is room again: {server.said[-3:]}")
                    break
                time.sleep(0.05)
            tally.rounds += 1
        for sender in senders:
            sender.end(tally)
        server.settle(oracle, tally)
        oracle.compare(server.data, tally)


def clock_steps(tally: Tally, folder: pathlib.Path, rounds: int, luck: random.Random) -> None:
    """The wall clock is set, by up to 30 days either way, and the server killed now and then."""
    offset = folder / "offset"
    offset.write_bytes((0).to_bytes(8, "little", signed=True))
    library = pathlib.Path(os.environ["ADWEAVE"]).parents[1] / "lib/libstep_clock.so"
    env = {"LD_PRELOAD": str(library), "STEP_CLOCK": str(offset)}
    server, oracle = Server(folder), Oracle()
    server.start(env=env)
    senders = [Sender(f"s{i}", server, oracle) for i in range(2)]
    stepped = set()
    for number in range(rounds):
        put_file(server, oracle, f"f{number}", 20)
        seconds = luck.choice([-1, 1]) * luck.choice([1, 60, 3600, 86_400, 30 * 86_400])
        with offset.open("r+b") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))
        time.sleep(luck.uniform(0.2, 0.8))
        stepped.add(seconds)
        if number % 3 == 2:
            server.stop(signal.SIGKILL)
            server.start(env=env)
        tally.rounds += 1
    for sender in senders:
        sender.end(tally)
    server.settle(oracle, tally)
    times = [record["committed_at"] // 1_000_000 - time.time() for record in oracle.compare(server.data, tally).records]
    if max(times) - min(times) < (max(stepped) - min(stepped)) / 2:
        tally.alter("the server has not seen the clock step")
