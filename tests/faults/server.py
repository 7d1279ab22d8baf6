# SPDX-License-Identifier: Apache-2.0
"""A server that is disturbed, and those who send to it."""

import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

from events import FIELDS, Oracle, Tally

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("ADWEAVE", str(ROOT / "build/release/bin/adweave"))
PATIENCE_S = 60
TAKEN_OVER = 75  # exit code: another writer holds the data folder, or has taken it over


class Server:
    """One data folder, and the process that serves it, when there is one."""

    def __init__(self, folder: pathlib.Path, kafka: str | None = None) -> None:
        self.folder, self.data, self.port = folder, folder / "data", 0
        self.process: subprocess.Popen | None = None
        (folder / "in").mkdir(parents=True, exist_ok=True)
        source = {"format": "json", "kind": "impression", "fields": FIELDS}
        # What was delivered is compared with its rows at the end, however far the clock was put forward.
        config = {"serve": {"raw_days": 365},
                  "sources": [{"name": "http", "http": True, **source}, {"name": "files", "files": "in/*.ndjson", **source}]}
        if kafka:
            config |= {"kafka": {"brokers": kafka, "group": "faults"}}
            config["sources"].append({"name": "kafka", "kafka": {"topic": "events"}, **source})
        self.config = folder / "adweave.yaml"
        self.config.write_text(json.dumps(config))  # JSON is YAML

    def start(self, *words: str, before: tuple[str, ...] = (), env: dict[str, str] | None = None, until: str = "events on port") -> bool:
        """False: it has ended before it said so."""
        self.process = subprocess.Popen(
            [*before, PROGRAM, "serve", "-c", self.config, "--data", self.data, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0",
             "--log-format", "text", *words], stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        self.said: list[str] = []  # by this process
        self.told = threading.Condition()
        self.reader = threading.Thread(target=self._read, args=(self.process, self.said, self.told), daemon=True)
        self.reader.start()
        return self.wait_for_said(until)

    def _read(self, process: subprocess.Popen, said: list[str], told: threading.Condition) -> None:
        for line in process.stderr:
            with told:
                said.append(line)
                if found := re.search(r"events on port (\d+)", line):
                    self.port = int(found[1])
                told.notify_all()
        process.stderr.close()
        with told:
            said.append("ended")
            told.notify_all()

    def wait_for_said(self, words: str) -> bool:
        with self.told:
            self.told.wait_for(lambda: any(words in line for line in self.said) or self.said[-1:] == ["ended"], PATIENCE_S)
            return any(words in line for line in self.said)

    def stop(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE_S)
        self.reader.join()
        return code

    def run_on(self) -> None:
        """As a service manager: until it stays, it is started again."""
        until = time.monotonic() + PATIENCE_S
        while not self.start():
            self.process.wait()
            if time.monotonic() > until:
                raise RuntimeError(f"it does not start: {self.said}")
            time.sleep(0.1)

    def settle(self, oracle: Oracle, tally: Tally) -> None:
        """Waits until every promised event has a row, then ends it."""
        until = time.monotonic() + PATIENCE_S
        while oracle.missing(self.data) != 0 and time.monotonic() < until:
            time.sleep(0.1)
        if (code := self.stop()) != 0:
            tally.alter(f"the last server has ended with {code}: {self.said[-3:]}")


def post(port: int, body: bytes, wait: str = "durable", key: str | None = None, timeout: float = PATIENCE_S) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = {"Content-Type": "application/x-ndjson"} | ({"Idempotency-Key": key} if key else {})
        connection.request("POST", f"/v1/events?source=http&wait={wait}", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Sender(threading.Thread):
    """Sends deliveries, and repeats one under its key until it is acknowledged."""

    def __init__(self, name: str, server: Server, oracle: Oracle, deliveries: int = 0, events: int = 5) -> None:
        super().__init__(name=name, daemon=True)
        self.server, self.oracle, self.deliveries, self.events = server, oracle, deliveries, events
        self.ending, self.refused, self.sent = threading.Event(), [], 0
        self.start()

    def port(self) -> int:
        return self.server.port

    def run(self) -> None:
        while not self.ending.is_set() and (self.deliveries == 0 or self.sent < self.deliveries):
            ids = self.oracle.make(self.name, self.events)
            if not self.deliver(self.oracle.body(ids), f"{self.name}-{self.sent}"):
                return
            self.oracle.promise(ids)
            self.sent += 1

    def deliver(self, body: bytes, key: str) -> bool:
        until = None  # it repeats as long as it is not told to end, and then once more for a while
        while until is None or time.monotonic() < until:
            try:
                status, answer = post(self.port(), body, ("durable", "committed")[self.sent % 2], key, timeout=10)
                if status == 200:
                    return True
                if status not in (429, 503):
                    self.refused.append((status, answer))
                    return False
            except (OSError, http.client.HTTPException):
                pass
            if until is None and self.ending.is_set():
                until = time.monotonic() + PATIENCE_S / 2
            time.sleep(0.02)
        return False

    def end(self, tally: Tally) -> None:
        self.ending.set()
        self.join()
        for status, answer in self.refused:
            tally.alter(f"a sound delivery was answered with {status}: {answer[:200]}")


def put_file(server: Server, oracle: Oracle, name: str, count: int) -> None:
    """A file that is there whole from its first moment on."""
    ids = oracle.make(name, count)
    new = server.folder / f"{name}.new"
    new.write_bytes(oracle.body(ids))
    new.rename(server.folder / "in" / f"{name}.ndjson")
    oracle.promise(ids)
