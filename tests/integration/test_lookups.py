# SPDX-License-Identifier: Apache-2.0
"""Look-ups by id say what SQL and `explain` say, while events come, after a kill and after sealing."""

import json
import pathlib
import signal
import subprocess
import threading
import time
import unittest
import urllib.parse

from adweave import PROGRAM
from adweave_server import IMPRESSIONS, ServerTest

TABLES = ("impressions", "clicks", "conversions", "bid_requests", "engagements", "auction_outcomes")


class LookupsTest(ServerTest):
    def look(self, path: str, expect: int = 200, **headers: str) -> dict:
        status, value, _ = self.ask("GET", path, **headers)
        self.assertEqual(status, expect, value)
        return value

    def wait_until_found(self) -> None:
        """Until look-ups answer as of the newest commit."""
        until = time.monotonic() + 60
        head = self.head()
        while self.look("/v1/users/nobody/timeline")["commit"] < head:
            self.assertLess(time.monotonic(), until, "look-ups stay behind the commits")
            time.sleep(0.05)

    def explained(self, name: str) -> list[dict]:
        """As the command tells it, but for what it reads in the journal."""
        return [step for step in self.rows("explain", name) if step["step"] != "delivered"]


class GeneratedLookups(LookupsTest):
    def setUp(self) -> None:
        super().setUp()
        logs = self.folder / "logs"
        self.adweave("generate", "--events", 20_000, "--seed", 3, "--out", logs)
        self.config = logs / "adweave.yaml"
        # Half is there before the server is; it is of 2023.
        self.config.write_text(self.config.read_text() + "serve: {lookups: {days: 3660}}\n")
        self.run_config(self.config)
        self.start()
        self.wait_until_found()

    def path(self, kind: str, name: str, rest: str = "") -> str:
        return f"/v1/{kind}/{urllib.parse.quote(name, safe='')}{rest}"

    def check_timelines(self) -> None:
        users = self.sql("SELECT user_id, count(*) AS n FROM (" + " UNION ALL ".join(
            f"SELECT user_id FROM {table}" for table in TABLES) + ") WHERE user_id IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1")
        for row in users[:5] + users[len(users) // 2:len(users) // 2 + 5] + users[-5:]:
            user = row["user_id"]
            expected = self.sql(" UNION ALL ".join(
                f"SELECT '{table}' AS \"table\", event_id, event_time, \"commit\" FROM {table} WHERE user_id = '{user}'" for table in TABLES))
            found, before = [], ""
            while True:
                answer = self.look(self.path("users", user, f"/timeline?limit=7{before}"))
                found += answer["events"]
                if answer["next_before"] is None:
                    break
                before = "&before=" + answer["next_before"]
            times = [event["event_time"] for event in found]
            self.assertEqual(times, sorted(times, reverse=True))
            self.assertEqual(sorted((e["kind"] + "s", e["event_id"], e["event_time"], e["commit"]) for e in found),
                             sorted((e["table"], e["event_id"], e["event_time"], e["commit"]) for e in expected), user)

    def check_rows(self) -> None:
        """Every column of an event, as SQL shows it; numbers as numbers, money as text."""
        for table in TABLES:
            for row in self.sql(f"SELECT * FROM {table} WHERE user_id IS NOT NULL ORDER BY event_id LIMIT 3"):
                [event] = [e for e in self.look(self.path("users", row["user_id"], "/timeline?limit=1000"))["events"]
                           if e["kind"] + "s" == table and e["event_id"] == row["event_id"]]
                del event["kind"]
                self.assertEqual(event, {name: value for name, value in row.items() if value is not None})

    def check_explain(self) -> None:
        names = [row["event_id"] for table in TABLES for row in self.sql(f"SELECT event_id FROM {table} ORDER BY md5(event_id) LIMIT 4")]
        names += [row["p"] for table in (*TABLES, "duplicates", "rejects")
                  for row in self.sql(f"SELECT source_position AS p FROM {table} ORDER BY md5(source_position) LIMIT 2")]
        names += [row["id"] for row in self.sql("SELECT conversion_id AS id FROM credits WHERE reason = 'superseded' ORDER BY 1 LIMIT 3")]
        names += [row["id"] for row in self.sql("SELECT event_id AS id FROM facts ORDER BY 1 LIMIT 5")]
        names += [row["id"] for row in self.sql("SELECT adjusts AS id FROM conversions WHERE adjusts IS NOT NULL ORDER BY 1 LIMIT 3")]
        names += [row["id"] for row in self.sql("SELECT fact_value AS id FROM facts WHERE fact = 'joined_impression' ORDER BY 1 LIMIT 3")]
        self.assertGreater(len(names), 40)
        for name in names:
            with self.subTest(name=name):
                self.assertEqual(self.look(self.path("explain", name))["steps"], self.explained(name))

    def check_impressions(self) -> None:
        rows = self.sql("SELECT event_id, advertiser_id, auction_id FROM impressions ORDER BY md5(event_id) LIMIT 4")
        rows += self.sql("SELECT i.event_id, i.advertiser_id, i.auction_id FROM impressions i JOIN clicks c ON c.impression_id = i.event_id ORDER BY 1 LIMIT 4")
        rows += self.sql("SELECT i.event_id, i.advertiser_id, i.auction_id FROM impressions i JOIN facts f ON f.fact_value = i.event_id ORDER BY 1 LIMIT 4")
        rows += self.sql("SELECT i.event_id, i.advertiser_id, i.auction_id FROM impressions i JOIN engagements e ON e.impression_id = i.event_id ORDER BY 1 LIMIT 4")
        rows += self.sql("SELECT i.event_id, i.advertiser_id, i.auction_id FROM impressions i JOIN credits c ON c.touch_id = i.event_id ORDER BY 1 LIMIT 4")
        for row in rows:
            name = row["event_id"]
            answers = [self.look(self.path("impressions", name))]
            if row["auction_id"]:
                answers.append(self.look(self.path("auctions", row["auction_id"])))
            for answer in answers:
                self.check_life(name, row, answer)

    def check_life(self, name: str, row: dict, answer: dict) -> None:
        self.assertIn(name, [event["event_id"] for event in answer["impressions"]])
        auction = row["auction_id"] or ""
        expected = {
            "clicks": f"SELECT event_id FROM clicks WHERE impression_id = '{name}'",
            "engagements": f"SELECT event_id FROM engagements WHERE impression_id = '{name}'",
            "bid_requests": f"SELECT event_id FROM bid_requests WHERE auction_id = '{auction}'",
            "auction_outcomes": f"SELECT event_id FROM auction_outcomes WHERE auction_id = '{auction}'",
            "credits": "SELECT conversion_id || policy || touch_id || credit || value AS event_id FROM credits WHERE "
                       f"(touch_id = '{name}' AND touch_kind <> 'click') OR (touch_kind = 'click' AND touch_id IN "
                       f"(SELECT event_id FROM clicks WHERE impression_id = '{name}'))",
        }
        if len(answer["impressions"]) > 1:
            return  # of an auction with several: each is looked at by itself
        for key, statement in expected.items():
            found = [e["conversion_id"] + e["policy"] + e["touch_id"] + str(e["credit"]) + e["value"] if key == "credits" else e["event_id"]
                     for e in answer[key]]
            self.assertEqual(sorted(found), sorted(r["event_id"] for r in self.sql(statement)), f"{key} of {name}")

    def test_they_say_what_sql_says(self) -> None:
        self.check_timelines()
        self.check_rows()
        self.check_impressions()
        self.check_explain()

    def test_nothing_changes_by_a_kill_or_by_sealing(self) -> None:
        self.stop(signal.SIGKILL)
        self.start()
        self.wait_until_found()
        self.check_timelines()
        self.adweave("seal", "--data", self.data)
        self.wait_until_found()
        self.check_timelines()
        self.check_impressions()
        self.assertEqual(self.stop(), 0)
        kept = json.loads((self.data / "index/runs.json").read_text())
        self.assertEqual(kept["through"], self.head())
        self.damage(self.data / "index" / kept["runs"][0])
        done = subprocess.run([PROGRAM, "verify", "--data", self.data], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("index/" + kept["runs"][0], done.stdout + done.stderr)
        self.adweave("repair", "--data", self.data)
        self.adweave("verify", "--data", self.data)
        self.start()
        self.wait_until_found()
        self.check_timelines()

    def damage(self, path: pathlib.Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    def test_what_is_not_there(self) -> None:
        self.assertEqual(self.look("/v1/users/nobody/timeline")["events"], [])
        for path in ("auctions", "impressions", "explain"):
            self.assertIn("up to commit", self.look(f"/v1/{path}/nothing%20of%20this", 404)["detail"])
        for words in ("limit=0", "limit=x", "limit=1001", "before=yesterday"):
            self.look(f"/v1/users/nobody/timeline?{words}", 400)


class LateLookups(LookupsTest):
    CONFIG = IMPRESSIONS + """
  - name: clicks
    http: true
    format: json
    kind: click
    fields: {event_id: id, event_time: timestamp, user_id: user_id, campaign_id: campaign_id}
serve: {lookups: {}}
"""

    def deliver(self, source: str, **event: str) -> None:
        status, value, _ = self.ask("POST", f"/v1/events?source={source}&wait=committed", json.dumps(event).encode(),
                                    Content_Type="application/json")
        self.assertEqual((status, value.get("accepted")), (200, 1), value)

    def test_what_is_delivered_is_found_a_moment_later(self) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M", time.gmtime())
        self.start()
        for i in range(30):
            self.deliver("impressions", id=f"i{i}", timestamp=f"{now}:{i:02}Z", user_id=f"u{i % 3}", creative_id="c")
            self.wait_until_found()
            self.assertEqual(len(self.look(f"/v1/users/u{i % 3}/timeline")["events"]), i // 3 + 1)
        self.deliver("clicks", id="k", timestamp=f"{now}:59Z", user_id="u1", campaign_id="m")
        self.wait_until_found()
        self.assertEqual(self.look("/v1/users/u1/timeline")["events"][0]["event_id"], "k")
        self.assertEqual(self.look("/v1/explain/k")["steps"], self.explained("k"))
        metrics = self.ask("GET", "/metrics")[1]
        self.assertIn("adweave_lookup_rows 31\n", metrics)

    def test_questions_while_events_come(self) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.start()
        done = threading.Event()
        failures: list[str] = []

        def ask() -> None:
            seen = 0
            while not done.is_set():
                answer = self.ask("GET", "/v1/users/u/timeline?limit=1000")
                if answer[0] != 200 or len(answer[1]["events"]) < seen:
                    failures.append(str(answer))
                seen = len(answer[1]["events"])

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for i in range(100):
            self.deliver("impressions", id=f"i{i}", timestamp=now, user_id="u", creative_id="c")
        self.wait_until_found()
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(len(self.look("/v1/users/u/timeline?limit=1000")["events"]), 100)


class WithTokens(LookupsTest):
    # sha256 of "reader" and of "sender"
    CONFIG = IMPRESSIONS + """
serve:
  lookups: {days: 7}
  tokens:
    - {name: reader, role: read, sha256: 3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30}
    - {name: sender, role: ingest, sha256: 0a367b92cf0b037dfd89960ee832d56f7fc151681bb41e53690e776f5786998a}
"""

    def test_who_may_ask(self) -> None:
        self.start()
        self.look("/v1/users/u/timeline", 401)
        self.look("/v1/users/u/timeline", 403, Authorization="Bearer sender")
        self.look("/v1/users/u/timeline", 200, Authorization="Bearer reader")


class WithoutLookups(LookupsTest):
    CONFIG = IMPRESSIONS

    def test_there_are_none_unless_they_are_asked_for(self) -> None:
        self.start()
        self.look("/v1/users/u/timeline", 404)
        self.assertFalse((self.data / "index").exists())
        for words in ("{days: 0}", "{days: 4000}", "{weeks: 1}"):
            config = self.write("wrong.yaml", IMPRESSIONS + f"serve: {{lookups: {words}}}\n")
            self.run_config(config, code=78)


if __name__ == "__main__":
    unittest.main()
