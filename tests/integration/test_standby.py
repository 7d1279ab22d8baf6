# SPDX-License-Identifier: Apache-2.0
"""`serve --standby` waits while another process serves the data folder, and goes on when that one ends, however it ends."""

import json
import re
import signal
import subprocess
import threading
import time
import unittest

from adweave import PROGRAM
from adweave_server import ServerTest

CONFIG = """sources:
  - {name: clicks, http: true, format: json, kind: click, fields: {event_id: id, event_time: {receipt: true}, campaign_id: c}}
"""


class Standby:
    """A second server of the same data folder, on ports of its own, and what it writes to the standard error."""

    def __init__(self, test: ServerTest) -> None:
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "-c", test.config, "--data", test.data, "--standby", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0",
             "--log-format", "json"], stderr=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self.reader = threading.Thread(target=self.said.extend, args=(self.process.stderr,))
        self.reader.start()
        test.addCleanup(self.end)

    def end(self, how: int = signal.SIGKILL) -> int:
        self.process.send_signal(how)  # nothing, once it has ended
        code = self.process.wait(60)
        self.reader.join()
        self.process.stderr.close()
        return code

    def wait_for_said(self, pattern: str) -> re.Match:
        until = time.monotonic() + 60
        while True:
            for line in list(self.said):
                if found := re.search(pattern, line):
                    return found
            if time.monotonic() > until:
                raise AssertionError(f"{pattern} is not in {self.said}")
            time.sleep(0.02)


class StandbyTest(ServerTest):
    CONFIG = CONFIG

    def deliver(self, number: int) -> None:
        status, answer, _ = self.ask("POST", "/v1/events?wait=committed", json.dumps({"id": f"c{number}", "c": "x"}).encode(),
                                     Content_Type="application/x-ndjson")
        self.assertEqual((status, answer["accepted"]), (200, 1), answer)

    def test_it_waits_and_goes_on(self) -> None:
        self.start()
        self.deliver(1)
        waiting = Standby(self)
        port = int(waiting.wait_for_said(r'standby: .*held by.*"metrics_port":(\d+)')[1])
        self.assertEqual(self.ask("GET", "/livez", port=port)[0], 200)
        status, answer, _ = self.ask("GET", "/readyz", port=port)
        self.assertEqual((status, answer["title"]), (503, "standby"))
        self.assertEqual(self.ask("GET", "/metrics", port=port)[0], 503)
        self.deliver(2)  # it does not disturb the first
        self.stop(signal.SIGKILL)
        self.port = int(waiting.wait_for_said(r'"port":(\d+),"metrics_port"')[1])
        waiting.wait_for_said('"ready"')
        self.deliver(3)
        self.assertEqual(self.ask("GET", "/readyz")[0], 200)
        self.assertEqual(waiting.end(signal.SIGTERM), 0)
        self.assertEqual(self.sql("SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM clicks"), [{"n": 3, "ids": 3}])
        self.adweave("verify", "--data", self.data)

    def test_of_several_one_goes_on(self) -> None:
        self.start()
        several = [Standby(self) for _ in range(3)]
        for each in several:
            each.wait_for_said("standby: ")
        self.assertEqual(self.stop(), 0)
        until = time.monotonic() + 60
        while not (ready := [each for each in several if any('"ready"' in line for line in list(each.said))]):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)
        time.sleep(0.5)
        self.assertEqual([each.process.poll() for each in several], [None] * 3)
        self.assertEqual(len(ready), 1)
        self.assertEqual([each.end(signal.SIGTERM) for each in several if each not in ready], [0, 0])  # while they wait

    def test_without_another_it_serves_at_once(self) -> None:
        self.WORDS = ("--standby",)
        self.start()
        self.deliver(1)
        self.assertEqual(self.stop(), 0)

    def test_without_standby_it_ends(self) -> None:
        self.start()
        self.adweave("serve", "-c", self.config, "--data", self.data, code=75)


if __name__ == "__main__":
    unittest.main()
