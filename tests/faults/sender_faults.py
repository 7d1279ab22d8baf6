# SPDX-License-Identifier: Apache-2.0
"""Senders that are slow on purpose, or send garbage."""

import json
import pathlib
import random
import socket
import subprocess
import threading
import time
from collections import Counter

import ledger
from events import Oracle, Tally
from server import PATIENCE_S, PROGRAM, Sender, Server, post

SLOW = 100  # connections
SERVED_S = 2  # another sender waits no longer than this
HEADER_S, BODY_S, SLACK_S = 10, 30, 5  # limits.h, and what a busy machine takes


def drip(port: int, head: bytes, drops: bytes, closed_after: list[float]) -> None:
    """Sends a byte each half second until the server closes the connection."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(0.5)
        connection.sendall(head)
        for drop in drops:
            try:
                connection.sendall(bytes([drop]))
                if not connection.recv(4096):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            return
    closed_after.append(time.monotonic() - began)


def slow_loris(tally: Tally, folder: pathlib.Path, rounds: int, _: random.Random) -> None:
    """Slow heads, and in rounds after the first slow bodies; meanwhile others are served, and in the end the connections are closed."""
    server, oracle = Server(folder), Oracle()
    server.run_on()
    head = b"POST /v1/events HTTP/1.1\r\nHost: here\r\n"
    for number in range(rounds):
        whole = b"Content-Type: application/x-ndjson\r\nContent-Length: 1000000\r\n\r\n" if number % 2 else b""
        limit = BODY_S if number % 2 else HEADER_S
        closed_after: list[float] = []
        slow = [threading.Thread(target=drip, args=(server.port, head + whole, b"x" * 4 * limit, closed_after)) for _ in range(SLOW)]
        for thread in slow:
            thread.start()
        while any(thread.is_alive() for thread in slow):
            ids, began = oracle.make("other", 5), time.monotonic()
            if post(server.port, oracle.body(ids))[0] == 200:
                oracle.promise(ids)
            if time.monotonic() - began > SERVED_S:
                tally.alter(f"another sender waited {time.monotonic() - began:.1f} s")
            time.sleep(0.1)
        if len(closed_after) < SLOW or max(closed_after) > limit + SLACK_S:
            tally.alter(f"{len(closed_after)} of {SLOW} slow connections were closed, within {max(closed_after, default=0):.0f} s")
        tally.rounds += 1
    server.settle(oracle, tally)
    oracle.compare(server.data, tally)


def garbage_of(n: int) -> dict[str, bytes]:
    """A line of each kind that no event can be made of; `late` can be, once its time is read in another form."""
    event = {"id": f"g{n}", "timestamp": "2026-01-02T03:04:05Z", "user_id": "u", "creative_id": "c", "cost": "1", "currency": "EUR"}
    sound = json.dumps(event).encode()

    def but(**changes: object) -> bytes:
        return json.dumps({name: value for name, value in {**event, **changes}.items() if value is not None}).encode()

    return {
        "cut off": sound[:-10], "no JSON": f"garbage {n}".encode(), "an array": b"[" + sound + b"]", "a number": str(n).encode(),
        "not UTF-8": sound.replace(b'"u"', b'"\xff\xfe"'), "a zero byte": sound.replace(b'"u"', b'"\0"'), "more behind it": sound + b"}",
        "too deep": b'{"id":"g","x":' + b"[" * 2000 + b"]" * 2000 + f',"n":{n}}}'.encode(), "no time": but(timestamp=None),
        "no such day": but(timestamp="2026-02-30T00:00:00Z"), "a negative cost": but(cost="-1"), "no currency": but(currency="XXQ"),
        "late": but(id=f"late-{n}", timestamp="02 Jan 2026 03:04:05"),
    }


def garbage(tally: Tally, folder: pathlib.Path, rounds: int, luck: random.Random) -> None:
    """One line in ten is garbage. All is sent again under the keys, then anew; then the rejects are replayed twice."""
    server, oracle = Server(folder), Oracle()
    server.run_on()
    kinds = list(garbage_of(0))
    bodies, sound = [], 0
    for number in range(rounds):
        ids = oracle.make("e", 9 * len(kinds))
        bad = list(garbage_of(number).values())
        lines = [oracle.lines[name] for name in ids] + bad
        luck.shuffle(lines)
        bodies.append(b"".join(line + b"\n" for line in lines))
        oracle.promise(ids)
        oracle.garbage.update(bad)
        sound += len(ids)
    for again in range(2):
        for number, body in enumerate(bodies):
            if (status := post(server.port, body, "committed", f"key {number}")[0]) != 200:
                tally.alter(f"delivery {number} was answered with {status}")
    check_counts(server, tally, {"accepted": sound, "duplicate": 0, "rejected": oracle.garbage.total()})
    for body in bodies:
        post(server.port, body, "committed")
    oracle.garbage += oracle.garbage
    check_counts(server, tally, {"accepted": sound, "duplicate": sound, "rejected": oracle.garbage.total()})
    server.settle(oracle, tally)
    oracle.compare(server.data, tally)
    replay_twice(server, tally, rounds)
    tally.rounds = rounds


def check_counts(server: Server, tally: Tally, expected: dict[str, int]) -> None:
    counted = ledger.read(server.data).counted("http")
    if any(counted[name] != number for name, number in expected.items()):
        tally.alter(f"counted {counted}, and not {expected}")


def replay_twice(server: Server, tally: Tally, late: int) -> None:
    """With a mapping that reads the late ones' time the first replay adds each of them once, and the second nothing."""
    config = json.loads(server.config.read_text())
    for source in config["sources"]:
        source["fields"] = {**source["fields"], "event_time": {"from": "timestamp", "time": "%d %b %Y %H:%M:%S"}}
    corrected = server.folder / "corrected.yaml"
    corrected.write_text(json.dumps(config))
    before = ledger.read(server.data)
    for replay in range(2):
        done = subprocess.run([PROGRAM, "rejects", "replay", "-c", corrected, "--data", server.data], capture_output=True, text=True)
        if done.returncode != 0:
            tally.alter(f"the replay has ended with {done.returncode}: {done.stderr}")
        after = ledger.read(server.data)
        ids = Counter(row["event_id"] for row in after.impressions)
        if len(after.impressions) != len(before.impressions) + late or max(ids.values()) != 1:
            tally.alter(f"replay {replay + 1}: {len(after.impressions)} rows, and not {len(before.impressions)} and {late}")
