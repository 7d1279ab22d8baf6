# SPDX-License-Identifier: Apache-2.0
"""`serve`: deliveries over HTTP and watched folders; what is acknowledged is there once, however the server ends."""

import gzip
import hashlib
import http.client
import json
import random
import re
import signal
import threading
import time
import unittest

from adweave_server import ServerTest

CONFIG = """
sources:
  - name: impressions
    http: true
    files: in/*.ndjson
    format: json
    kind: impression
    fields: {event_id: id, event_time: timestamp, user_id: user_id, creative_id: creative_id}
  - name: clicks
    http: true
    format: csv
    kind: click
    fields: {event_time: timestamp, user_id: user_id, campaign_id: campaign_id}
"""


def impression(name: str, user: str = "u1") -> bytes:
    event = {"id": name, "timestamp": "2026-01-02T03:04:05Z", "user_id": user, "creative_id": "c1"}
    return json.dumps(event).encode() + b"\n"


class ServeTest(ServerTest):
    CONFIG = CONFIG

    def test_what_is_committed_is_told_and_seen(self) -> None:
        self.start()
        body = impression("a") + impression("b") + impression("a") + impression("b", "other") + b"garbage\n"
        value = self.post(body)
        self.assertEqual((value["received"], value["accepted"], value["duplicate"], value["conflict"], value["rejected"]),
                         (len(body), 2, 1, 1, 1))
        self.assertEqual(len(value["errors"]), 1)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM impressions"), [{"n": 2}])
        [row] = self.sql("SELECT source_position AS p FROM impressions WHERE event_id = 'b'")
        segment, offset = re.fullmatch(r"journal:(\d+):(\d+)", row["p"]).groups()
        bytes_kept = (self.data / "journal" / f"journal-{int(segment):020}.log").read_bytes()
        self.assertTrue(bytes_kept[int(offset):].startswith(impression("b").strip()), "the position is not the record's")
        self.assertEqual(self.stop(), 0)
        self.check_conservation()
        self.adweave("verify", "--data", self.data)

    def test_a_table_comes_whole_and_compressed(self) -> None:
        self.start()
        table = b"timestamp,user_id,campaign_id\n" + b"2026-01-02T03:04:05Z,u1,c1\n" * 3 + b"2 Jan 2026,u1,c1\n"
        for body, headers in ((table, {}), (gzip.compress(table), {"Content_Encoding": "gzip"})):
            value = self.post(body, Content_Type="text/csv; charset=utf-8", **headers)
            # Rows without an id: what is sent twice is two, and no row is like another.
            self.assertEqual((value["accepted"], value["duplicate"], value["rejected"]), (3, 0, 1), value)
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.sql("SELECT count(DISTINCT event_id) AS n FROM clicks"), [{"n": 6}])
        # Their rejects are decoded again where they lie, with the header row that came with them.
        corrected = CONFIG.replace("{event_time: timestamp, user_id: user_id, campaign", "{event_time: {from: timestamp, time: '%d %b %Y'}, user_id: user_id, campaign")
        self.adweave("rejects", "replay", "-c", self.write("corrected.yaml", corrected), "--data", self.data)
        self.assertEqual(self.sql("SELECT count(DISTINCT event_id) AS n FROM clicks"), [{"n": 8}])
        self.check_conservation()

    def test_a_key_makes_a_repeat_harmless(self) -> None:
        self.start()
        first = self.post(impression("a") + b"bad\n", Idempotency_Key="k1")
        again = self.post(impression("a") + b"bad\n", Idempotency_Key="k1")
        self.assertEqual((again["batch"], again["commit"], again["accepted"]), ("k1", first["commit"], 1))
        self.post(impression("c"), expect=422, Idempotency_Key="k1")
        self.stop(signal.SIGKILL)
        self.start()
        self.post(impression("c"), expect=422, Idempotency_Key="k1")
        self.assertEqual(self.post(impression("a") + b"bad\n", Idempotency_Key="k1")["batch"], "k1")
        self.post(impression("b"), Idempotency_Key="k2")
        self.assertEqual(self.stop(), 0)
        total = self.total()
        self.assertEqual((total["received"], total["accepted"], total["rejected"]), (3, 2, 1))

    def test_what_cannot_be_taken_is_refused(self) -> None:
        self.start()
        self.post(b"", expect=400)
        self.post(impression("a"), wait="forever", expect=400)
        self.post(impression("a"), expect=415, Content_Type="image/png")
        self.post(impression("a"), expect=415, Content_Encoding="br")
        self.post(impression("a"), expect=400, Idempotency_Key="~mine")
        for method, path, status in (("POST", "/v1/events?source=none", 400), ("POST", "/v1/events?source=clicks", 415),
                                     ("GET", "/v1/events", 405), ("GET", "/nowhere", 404)):
            found, value, answer = self.ask(method, path, b"x", Content_Type="application/json")
            self.assertEqual((found, value["status"]), (status, status))
            self.assertEqual(answer.getheader("Content-Type"), "application/problem+json")
            self.assertTrue(value["detail"] and value["fix"])
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM audit"), [{"n": 0}])

    def test_tokens_and_their_roles(self) -> None:
        tokens = [{"name": role, "role": role, "sha256": hashlib.sha256(role.encode()).hexdigest()} for role in ("ingest", "read", "admin")]
        self.config = self.write("adweave.yaml", CONFIG + f"serve: {{tokens: {json.dumps(tokens)}}}\n")
        self.start()
        self.post(impression("a"), expect=401)
        self.post(impression("a"), expect=401, Authorization="Bearer wrong")
        self.post(impression("a"), expect=403, Authorization="Bearer read")
        self.post(impression("a"), Authorization="Bearer ingest")
        self.post(impression("b"), Authorization="Bearer admin")
        for token, status in (("ingest", 403), ("read", 200), ("admin", 200)):
            self.assertEqual(self.ask("GET", "/metrics", Authorization=f"Bearer {token}")[0], status)
        self.assertEqual(self.ask("GET", "/livez")[0], 200)
        self.stop()
        open_to_all = self.write("open.yaml", CONFIG + "serve: {listen: '0.0.0.0:0'}\n")
        refused = self.adweave("serve", "-c", open_to_all, "--data", self.data, code=78)
        self.assertIn("no tokens", refused.stderr)

    def test_metrics(self) -> None:
        self.start()
        self.post(impression("a") * 2 + b"bad\n")
        status, text, _ = self.ask("GET", "/metrics", port=self.metrics_port)
        self.assertEqual(status, 200)
        for line in ('adweave_received_total{source="impressions"} 3', 'adweave_accepted_total{source="impressions"} 1',
                     'adweave_duplicate_total{source="impressions"} 1', "data_processing_errors_total 1", "data_processing_time_count 1",
                     "adweave_conservation_difference 0", "adweave_ready 1", "adweave_journal_bytes_behind 0"):
            self.assertIn(line + "\n", text)
        self.assertEqual(self.ask("GET", "/readyz")[0], 200)

    def test_files_that_appear_are_read(self) -> None:
        self.write("in/one.ndjson", impression("f1") + impression("f2"))
        self.start()
        self.wait_for("SELECT count(*) AS n FROM impressions", 2)
        self.write("in/two.ndjson", impression("f3") + impression("f1"))
        self.post(impression("h1"))
        self.wait_for("SELECT count(*) AS n FROM impressions", 4)
        with (self.folder / "in/one.ndjson").open("ab") as file:
            file.write(impression("f4"))
        self.wait_for("SELECT count(*) AS n FROM impressions", 5)
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.total()["duplicate"], 1)
        self.run_config(self.config)
        self.assertEqual(self.total()["received"], 6)

    def test_what_was_acknowledged_is_there_once_whatever_ends_the_server(self) -> None:
        """Senders repeat what they get no answer for, under its key, while the server is killed again and again."""
        luck = random.Random(7)
        acknowledged: list[set[str]] = [set() for _ in range(4)]
        done = threading.Event()

        def send(sender: int) -> None:
            number = 0
            while not done.is_set():
                names = [f"s{sender}-{number}-{i}" for i in range(5)]
                body = b"".join(impression(name) for name in names)
                while True:
                    try:
                        wait = "durable" if number % 3 else "committed"
                        answer = self.ask("POST", f"/v1/events?wait={wait}", body, Content_Type="application/x-ndjson",
                                          Idempotency_Key=f"s{sender}-{number}")
                        if answer[0] == 200:
                            break
                        self.assertIn(answer[0], (429, 503), answer)
                    except (OSError, http.client.HTTPException):
                        pass
                    if done.is_set():
                        return
                    time.sleep(0.02)
                acknowledged[sender].update(names)
                number += 1

        self.start()
        senders = [threading.Thread(target=send, args=(i,)) for i in range(len(acknowledged))]
        for sender in senders:
            sender.start()
        for _ in range(8):
            time.sleep(luck.uniform(0.2, 1.0))
            self.stop(luck.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
            self.start()
        time.sleep(0.5)
        done.set()
        for sender in senders:
            sender.join()
        self.assertEqual(self.stop(), 0)
        self.check_conservation()
        self.adweave("verify", "--data", self.data)
        kept = [row["event_id"] for row in self.sql("SELECT event_id FROM impressions")]
        told = set().union(*acknowledged)
        self.assertGreater(len(told), 50)
        self.assertEqual(len(kept), len(set(kept)), "twice")
        self.assertEqual(told - set(kept), set(), "lost")
        self.assertEqual(self.total()["duplicate"], 0, "a repeat was not harmless")


if __name__ == "__main__":
    unittest.main()
