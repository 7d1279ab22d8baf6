# SPDX-License-Identifier: Apache-2.0
"""Runs the server and asks it, for the tests of it."""

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time

from adweave import PROGRAM, AdweaveTest


# One source that takes impressions as JSON.
IMPRESSIONS = """
sources:
  - name: impressions
    http: true
    format: json
    kind: impression
    fields: {event_id: id, event_time: timestamp, user_id: user_id, creative_id: creative_id}
"""


def impressions(first: int, count: int, day: str = "2026-01-02") -> bytes:
    """Lines for that source, with the ids i<first> and on."""
    return b"".join(
        json.dumps({"id": f"i{n}", "timestamp": f"{day}T03:04:05Z", "user_id": f"u{n}", "creative_id": "c1"}).encode() + b"\n"
        for n in range(first, first + count)
    )


class ServerTest(AdweaveTest):
    """A server of CONFIG on any free port."""

    CONFIG = ""
    WORDS: tuple[str, ...] = ()  # more of the command line
    listen = "127.0.0.1:0"

    def setUp(self) -> None:
        super().setUp()
        self.config = self.write("adweave.yaml", self.CONFIG)
        self.server: subprocess.Popen | None = None

    def tearDown(self) -> None:
        if self.server:
            self.stop(signal.SIGKILL)
        super().tearDown()

    def start(self, program: object = PROGRAM, **env: str) -> None:
        self.server = subprocess.Popen(
            [program, "serve", "-c", self.config, "--data", self.data, "--listen", self.listen, "--metrics", "127.0.0.1:0", *self.WORDS],
            stderr=subprocess.PIPE, text=True, env={**os.environ, **env},
        )
        self.said: list[str] = []  # what it writes to the standard error, line by line
        for line in self.server.stderr:
            self.said.append(line)
            # In every format of the log.
            if ports := re.search(r"events on port (\d+), metrics on port (\d+)", line):
                self.port, self.metrics_port = int(ports[1]), int(ports[2])
                break
        else:
            self.fail(f"the server has not begun: {self.said}")
        self.rest = threading.Thread(target=self.said.extend, args=(self.server.stderr,))
        self.rest.start()

    def stop(self, how: int = signal.SIGTERM) -> int:
        self.server.send_signal(how)
        code = self.server.wait(60)
        self.rest.join()
        self.server.stderr.close()
        self.server = None
        return code

    def ask(self, method: str, path: str, body: bytes = b"", port: int | None = None, **headers: str):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        is_json = text and "json" in answer.getheader("Content-Type", "")
        return answer.status, json.loads(text) if is_json else text.decode("latin-1"), answer

    def post(self, body: bytes, wait: str = "committed", expect: int = 200, **headers: str) -> dict:
        status, value, _ = self.ask("POST", f"/v1/events?wait={wait}", body, **{"Content_Type": "application/x-ndjson", **headers})
        self.assertEqual(status, expect, value)
        return value

    def wait_for(self, statement: str, value: int) -> None:
        until = time.monotonic() + 60
        while (found := self.sql(statement)[0]["n"]) != value:
            self.assertLess(time.monotonic(), until, f"{found} and not {value}")
            time.sleep(0.1)
