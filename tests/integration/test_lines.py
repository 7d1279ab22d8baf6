# SPDX-License-Identifier: Apache-2.0
"""Lines over TCP ports and by standard input: kept in the journal, committed, once."""

import json
import re
import signal
import socket
import subprocess
import unittest

from adweave import PROGRAM
from adweave_server import ServerTest

CONFIG = """
sources:
  - name: impressions
    tcp: 127.0.0.1:0
    format: json
    kind: impression
    fields: {event_id: id, event_time: timestamp, creative_id: creative_id}
  - name: clicks
    stdin: true
    format: csv
    header: false
    columns: [id, time, campaign]
    kind: click
    fields: {event_id: id, event_time: time, campaign_id: campaign}
"""


def impression(name: str) -> bytes:
    return json.dumps({"id": name, "timestamp": "2026-01-02T03:04:05Z", "creative_id": "c1"}).encode() + b"\n"


class LinesTest(ServerTest):
    CONFIG = CONFIG

    def start(self) -> None:
        self.server = subprocess.Popen(
            [PROGRAM, "serve", "-c", self.config, "--data", self.data, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for line in self.server.stderr:
            if found := re.search(rb"lines on port (\d+)", line):
                self.line_port = int(found[1])
                return
        self.fail("the server has not begun")

    def stop(self, how: int = signal.SIGTERM) -> int:
        self.server.send_signal(how)
        code = self.server.wait(60)
        self.server.stderr.close()
        self.server.stdin.close()
        self.server = None
        return code

    def test_lines_of_several_streams_become_events(self) -> None:
        self.start()
        streams = [socket.create_connection(("127.0.0.1", self.line_port)) for _ in range(3)]
        for n in range(300):
            text = impression(f"i{n}")
            streams[n % 3].sendall(text[:20])  # a line in two pieces
            streams[n % 3].sendall(text[20:])
        streams[0].sendall(b"broken\n" + impression("last")[:-1])  # its end is the stream's end
        for stream in streams:
            stream.close()
        for n in range(50):
            self.server.stdin.write(f"c{n},2026-01-02T03:04:05Z,camp\n".encode())
        self.server.stdin.write(b'"q""uoted",2026-01-02T03:04:05Z,"two\nlines"\n')
        self.server.stdin.flush()
        self.wait_for("SELECT count(*) AS n FROM impressions", 301)
        self.wait_for("SELECT count(*) AS n FROM clicks", 51)
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.sql("SELECT count(DISTINCT source_position) AS n FROM impressions"), [{"n": 301}])
        self.assertEqual(self.sql("SELECT count(*) AS n FROM clicks WHERE campaign_id = 'two\nlines'"), [{"n": 1}])
        self.assertEqual(self.sql("SELECT reason FROM rejects"), [{"reason": "malformed"}])
        self.check_conservation()

    def test_what_came_before_the_end_is_there_after_it(self) -> None:
        self.start()
        for n in range(20):
            self.server.stdin.write(f"c{n},2026-01-02T03:04:05Z,camp\n".encode())
        self.server.stdin.close()
        self.wait_for("SELECT count(*) AS n FROM clicks", 20)
        with socket.create_connection(("127.0.0.1", self.line_port)) as stream:
            stream.sendall(impression("a"))
            self.wait_for("SELECT count(*) AS n FROM impressions", 1)
        self.stop(signal.SIGKILL)
        self.start()
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM clicks"), [{"n": 20}])
        self.assertEqual(self.sql("SELECT count(*) AS n FROM impressions"), [{"n": 1}])

    def test_what_is_not_of_lines_is_refused(self) -> None:
        for change, said in (("header: false", "the source clicks is not of lines"), ("127.0.0.1:0", "lines carry no token")):
            text = CONFIG.replace(change, {"header: false": "header: true", "127.0.0.1:0": "0.0.0.0:0"}[change])
            done = self.adweave("validate", "-c", self.write("bad.yaml", text), code=78)
            self.assertIn(said, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
