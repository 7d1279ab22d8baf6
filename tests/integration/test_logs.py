# SPDX-License-Identifier: Apache-2.0
"""What a server says on its standard error: the form for the reader, what is in a line, and what must never be."""

import datetime
import json
import os
import pty
import re
import shlex
import signal
import socket
import subprocess
import unittest

from adweave import PROGRAM
from adweave_server import IMPRESSIONS, ServerTest

SECRETS = ("person-4711", "no-json-4711", "token-4711")


class LogsTest(ServerTest):
    CONFIG = IMPRESSIONS

    def serve(self, *words: str, **env: str) -> str:
        """Starts a server, sends it an event and what is none, stops it; all that it said."""
        self.WORDS = words
        self.start(**env)
        event = {"id": "a", "timestamp": "2026-01-02T03:04:05Z", "user_id": SECRETS[0], "creative_id": "c1"}
        body = f"{json.dumps(event)}\n{SECRETS[1]}\n".encode()
        status, value, _ = self.ask("POST", "/v1/events?wait=committed", body, Content_Type="application/x-ndjson",
                                    Authorization=f"Bearer {SECRETS[2]}")
        self.assertEqual((status, value["accepted"], value["rejected"]), (200, 1, 1), value)
        self.ask("GET", f"/nowhere/{SECRETS[0]}")
        self.assertEqual(self.stop(), 0)
        said = "".join(self.said)
        for secret in (*SECRETS, "127.0.0.1"):
            self.assertNotIn(secret, said)
        return said

    def configure(self, log: str) -> None:
        self.config = self.write("adweave.yaml", f"{IMPRESSIONS}serve: {{log: {log}}}\n")

    def test_objects_where_nobody_looks(self) -> None:
        lines = [json.loads(line) for line in self.serve().splitlines()]
        self.assertEqual([line["msg"] for line in lines],
                         [f"events on port {self.port}, metrics on port {self.metrics_port}", "ready",
                          "stopping: what has been read is committed"])
        self.assertEqual((lines[0]["port"], lines[0]["metrics_port"]), (self.port, self.metrics_port))
        for line in lines:
            self.assertEqual(list(line)[:4], ["ts", "level", "msg", "component"])
            self.assertEqual((line["level"], line["component"]), ("info", "serve"))
            self.assertRegex(line["ts"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
            age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(line["ts"])
            self.assertLess(abs(age.total_seconds()), 600)

    def test_each_commit_when_it_is_asked_for(self) -> None:
        self.configure("{level: debug}")
        lines = [json.loads(line) for line in self.serve().splitlines()]
        [commit] = [line for line in lines if line["level"] == "debug" and line["component"] == "ledger"]
        self.assertEqual((commit["msg"], commit["component"], commit["commit"]), ("commit 2", "ledger", 2))
        self.assertEqual([commit[name] for name in ("accepted", "duplicate", "conflict", "rejected")], [1, 0, 0, 1])

    def test_the_command_line_goes_before_the_configuration(self) -> None:
        self.configure("{format: text}")
        self.assertIn("adweave: ready\n", self.serve())
        self.data = self.folder / "again"
        for line in self.serve("--log-format", "logfmt").splitlines():
            self.assertRegex(line, r'^ts=\S+Z level=info msg=("[^"]+"|\w+) component=serve')
            self.assertEqual({word.partition("=")[0] for word in shlex.split(line)} - {"port", "metrics_port"},
                             {"ts", "level", "msg", "component"})

    def test_what_is_below_the_level_is_not_said(self) -> None:
        self.configure("{level: warning, format: logfmt}")
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        failed = self.adweave("serve", "-c", self.config, "--data", self.data, "--listen", address, code=1).stderr
        [line] = failed.splitlines()
        self.assertRegex(line, r"^ts=\S+Z level=error msg=\"[^\"]+\" component=serve code=io")

    def test_an_error_has_its_code_and_its_fix(self) -> None:
        failed = self.adweave("serve", "-c", self.config, "--data", self.data, "--listen", "0.0.0.0:0", code=78).stderr
        line = json.loads(failed)
        self.assertEqual((line["level"], line["code"]), ("error", "config"))
        self.assertIn("has no tokens", line["msg"])
        self.assertIn("tokens", line["fix"])

    def test_text_on_a_terminal(self) -> None:
        ours, theirs = pty.openpty()
        words = [PROGRAM, "serve", "-c", self.config, "--data", self.data, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
        with subprocess.Popen([*map(str, words)], stderr=theirs) as running:
            os.close(theirs)
            text = b""
            try:
                while chunk := os.read(ours, 4096):
                    text += chunk
                    if b"ready" in chunk:
                        running.send_signal(signal.SIGTERM)
            except OSError:  # the other end is closed
                pass
            os.close(ours)
        self.assertEqual(running.returncode, 0, text)
        lines = text.decode().splitlines()
        self.assertTrue(re.fullmatch(r"adweave: events on port \d+, metrics on port \d+", lines[0]), lines)
        self.assertEqual(lines[1:], ["adweave: ready", "adweave: stopping: what has been read is committed"])

    def test_unknown_words(self) -> None:
        self.configure("{format: xml, level: loud, colour: red}")
        said = self.adweave("validate", "-c", self.config, code=78).stderr
        for word in ("xml", "loud", "colour"):
            self.assertIn(f"'{word}'", said)
        self.adweave("serve", "-c", self.config, "--data", self.data, "--log-format", "xml", code=2)


if __name__ == "__main__":
    unittest.main()
