# SPDX-License-Identifier: Apache-2.0
"""Sources whose messages' schemas are in another registry: one of ours, and one that does as it is told."""

import base64
import http.server
import json
import os
import signal
import struct
import subprocess
import threading
import time
import unittest

from adweave import PROGRAM
from adweave_server import ServerTest

SCHEMA = {"type": "record", "name": "Click", "fields": [{"name": name, "type": "string"} for name in ("id", "campaign")]}
SECRET = "not-to-be-told"


def message(schema_id: int, name: str) -> bytes:
    texts = b"".join(bytes([2 * len(text)]) + text for text in (name.encode(), b"c"))
    return struct.pack(">bI", 0, schema_id) + texts


class OtherRegistry(http.server.ThreadingHTTPServer):
    """Knows the schemas that it is given; `trouble`: what it does first, a status or seconds that it waits, once each."""

    def __init__(self) -> None:
        served = self
        self.schemas: dict[int, dict] = {}
        self.trouble: list[int | float] = []
        self.asked: list[tuple[str, str | None]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.asked.append((self.path, self.headers["Authorization"]))
                trouble = served.trouble.pop(0) if served.trouble else None
                if isinstance(trouble, float):
                    time.sleep(trouble)
                number = int(self.path.rpartition("/")[2])
                if isinstance(trouble, int):
                    self.answer(trouble, {"error_code": 50001, "message": "trouble"})
                elif number in served.schemas:
                    self.answer(200, {"schema": json.dumps(served.schemas[number])})
                else:
                    self.answer(404, {"error_code": 40403, "message": "Schema not found"})

            def answer(self, status: int, body: dict) -> None:
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self) -> None:
        self.shutdown()
        self.server_close()


class RemoteRegistryTest(ServerTest):
    CLICKS = "SELECT event_id AS id FROM clicks ORDER BY 1"

    def setUp(self) -> None:
        super().setUp()
        self.registry = OtherRegistry()
        self.addCleanup(self.registry.end)

    def configure(self, registry: object, **more: object) -> None:
        """JSON is YAML."""
        source = {"name": "clicks", "http": True, "files": "in/*.avro", "format": "avro", "framing": "confluent", "registry": registry,
                  "kind": "click", "fields": {"event_id": "id", "campaign_id": "campaign", "event_time": {"receipt": True}}, **more}
        self.config = self.write("adweave.yaml", json.dumps({"sources": [source]}))

    def give(self, name: str, *messages: bytes) -> None:
        self.write(f"in/{name}.avro", b"".join(messages))

    def ids(self) -> list[str]:
        return [row["id"] for row in self.sql(self.CLICKS)]

    def rejects(self) -> list[dict]:
        return self.sql("SELECT reason, count(*) AS n FROM current_rejects WHERE state = 'open' GROUP BY ALL")

    def deliver(self, body: bytes, wait: str = "committed") -> dict:
        status, answer, _ = self.ask("POST", f"/v1/events?source=clicks&wait={wait}", body, Content_Type="application/avro")
        self.assertIn(status, (200, 202), answer)
        return answer

    def test_schemas_are_fetched_once_and_kept(self) -> None:
        self.registry.schemas[7] = SCHEMA
        self.configure(self.registry.url + "/")
        self.give("a", message(7, "1"), message(7, "2"))
        self.run_config(self.config)
        self.assertEqual(self.ids(), ["1", "2"])
        self.assertEqual(self.registry.asked, [("/schemas/ids/7", None)])
        self.registry.end()
        self.give("b", message(7, "3"))
        self.run_config(self.config)
        self.assertEqual(self.ids(), ["1", "2", "3"])
        self.start()  # and the server needs no registry either
        self.assertEqual(self.deliver(message(7, "4") + message(7, "5"))["accepted"], 2)
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.ids(), ["1", "2", "3", "4", "5"])

    def test_another_server_of_ours_is_the_registry(self) -> None:
        registry = ServerTest()
        registry.CONFIG = self.CONFIG
        registry.setUp()
        self.addCleanup(registry.doCleanups)
        try:
            registry.config = registry.write("adweave.yaml", json.dumps({"sources": [
                {"name": "x", "http": True, "format": "json", "kind": "click", "fields": {"event_id": "id", "event_time": "t"}}]}))
            registry.start()
            _, answer, _ = registry.ask("POST", "/subjects/clicks-value/versions", json.dumps({"schema": json.dumps(SCHEMA)}).encode(),
                                        Content_Type="application/json")
            self.configure(f"http://127.0.0.1:{registry.port}")
            self.start()
            accepted = self.deliver(message(answer["id"], "1"))
            self.assertEqual((accepted["accepted"], accepted["rejected"]), (1, 0), accepted)
            self.assertEqual(self.deliver(message(answer["id"] + 1, "2"))["rejected"], 1)
            self.assertEqual(self.stop(), 0)
        finally:
            registry.tearDown()

    def test_a_registry_in_trouble_is_waited_for(self) -> None:
        self.registry.schemas[7] = SCHEMA
        self.registry.trouble = [500, 503, 0.5, 401]
        self.configure(self.registry.url)
        self.give("a", message(7, "1"))
        done = self.run_config(self.config)
        self.assertEqual(self.ids(), ["1"])
        self.assertEqual(len(self.registry.asked), 3)
        self.assertIn("it answers 500 to schema id 7", done.stderr)

    def test_a_large_file_is_cut_by_schemas_that_come(self) -> None:
        """Where its records end only schemas tell that nobody had when it was begun."""
        self.registry.schemas |= {7: SCHEMA, 8: SCHEMA}
        self.registry.trouble = [500]
        self.configure(self.registry.url, deduplicate="off")
        self.give("a", message(7, "a" * 30) * 400_000, message(8, "b") * 10)
        self.run_config(self.config)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM clicks"), [{"n": 400_010}])
        self.assertEqual(self.rejects(), [])

    def test_a_server_that_waits_goes_on_when_the_registry_comes(self) -> None:
        self.registry.schemas[7] = SCHEMA
        self.registry.trouble = [500] * 3
        self.configure(self.registry.url)
        self.start()
        self.assertEqual(self.deliver(message(7, "1"))["accepted"], 1)
        self.assertEqual(len(self.registry.asked), 4)
        self.assertTrue(any("it answers 500 to schema id 7" in line for line in self.said), self.said)
        self.assertEqual(self.stop(), 0)
        self.check_conservation()

    def test_a_server_that_waits_can_be_ended(self) -> None:
        """What was not committed is read again, and no delivery is lost."""
        self.registry.schemas[7] = SCHEMA
        self.registry.trouble = [500] * 1000
        self.configure(self.registry.url)
        self.start()
        self.deliver(message(7, "1"), wait="durable")
        deadline = time.monotonic() + 30
        while not self.registry.asked:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.assertEqual(self.stop(), 0)
        self.registry.trouble = []
        self.start()
        self.deliver(message(7, "2"))
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.ids(), ["1", "2"])
        self.check_conservation()

    def test_what_the_registry_does_not_know_comes_back(self) -> None:
        self.registry.schemas[7] = SCHEMA
        self.configure(self.registry.url)
        self.give("a", message(7, "1"), message(8, "2"))
        self.run_config(self.config)
        self.assertEqual(self.ids(), ["1"])
        self.assertEqual(self.rejects(), [{"reason": "unknown_schema", "n": 1}])
        self.registry.schemas[8] = SCHEMA
        asked = len(self.registry.asked)
        self.adweave("rejects", "fix", "-c", self.config, "--data", self.data)
        self.assertEqual(len(self.registry.asked), asked)  # who only looks asks nobody
        self.adweave("rejects", "replay", "-c", self.config, "--data", self.data)
        self.assertEqual(self.ids(), ["1", "2"])
        self.assertEqual(self.rejects(), [])
        self.check_conservation()

    def test_messages_may_be_rejects_while_it_cannot_be_reached(self) -> None:
        self.registry.schemas[7] = SCHEMA
        self.registry.trouble = [500]
        self.configure(self.registry.url, unknown_schema="reject")
        self.give("a", message(7, "1"))
        self.run_config(self.config)
        self.assertEqual(self.rejects(), [{"reason": "unknown_schema", "n": 1}])
        self.adweave("rejects", "replay", "-c", self.config, "--data", self.data)
        self.assertEqual(self.ids(), ["1"])
        self.assertEqual(self.rejects(), [])

    def test_secrets_are_sent_and_never_told(self) -> None:
        self.registry.schemas[7] = SCHEMA
        self.registry.trouble = [401]
        self.write("token", SECRET + "\n")
        self.give("a", message(7, "1"))
        self.configure({"url": self.registry.url, "token": {"file": "token"}})
        done = self.run_config(self.config)
        self.configure({"url": self.registry.url, "user": "ads", "password": {"variable": "REGISTRY_PASSWORD"}})
        self.give("b", message(9, "2"))
        failed = self.adweave("run", "-c", self.config, "--data", self.data, code=78)
        self.assertIn("REGISTRY_PASSWORD", failed.stderr)
        self.adweave("run", "-c", self.config, "--data", self.data, env={"REGISTRY_PASSWORD": SECRET})
        basic = base64.b64encode(f"ads:{SECRET}".encode()).decode()
        self.assertEqual([authorization for _, authorization in self.registry.asked], [f"Bearer {SECRET}"] * 2 + [f"Basic {basic}"])
        self.assertNotIn(SECRET, done.stdout + done.stderr)
        for path in self.data.rglob("*"):
            if path.is_file():
                self.assertNotIn(SECRET.encode(), path.read_bytes(), path)

    def test_a_run_that_waits_can_be_ended(self) -> None:
        self.registry.trouble = [500] * 1000
        self.configure(self.registry.url)
        self.give("a", message(7, "1"))
        running = subprocess.Popen([PROGRAM, "run", "-c", self.config, "--data", self.data], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, env=os.environ)
        deadline = time.monotonic() + 30
        while not self.registry.asked:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=30)
        self.registry.trouble = []
        self.registry.schemas[7] = SCHEMA
        self.run_config(self.config)
        self.assertEqual(self.ids(), ["1"])

    def test_wrong_addresses_are_named(self) -> None:
        for registry in ("registry", "ftp://a", {"url": "http://a?b"}, {"url": "http://a", "token": {}}, {"user": "a"}):
            self.configure(registry)
            self.adweave("validate", "-c", self.config, code=78)


if __name__ == "__main__":
    unittest.main()
