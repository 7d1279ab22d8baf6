# SPDX-License-Identifier: Apache-2.0
"""Rejects decoded again by a corrected configuration: exactly once, whatever the format, and a preview that holds."""

import io
import json
import os
import unittest

import fastavro

from adweave import AdweaveTest

GOOD_TIME = "2023-11-01T10:00:00Z"
BAD_TIME = "01.11.2023 10:00:00"
FORMS = '{from: t, time: ["iso", "%d.%m.%Y %H:%M:%S"]}'
SALES = """
  - {name: sales, files: "sales*.csv", format: csv, kind: conversion,
     fields: {event_id: id, event_time: TIME, user_id: u, conversion_type: {constant: buy}, value: v, currency: c}}
"""
CLICKS = """
  - {name: clicks, files: "clicks*.FORMAT", format: FORMAT, kind: click,
     fields: {event_id: id, event_time: TIME, user_id: u, campaign_id: k}}
"""


def row(number: int, bad: bool) -> dict:
    return {"id": f"c{number}", "t": BAD_TIME if bad else GOOD_TIME, "u": f"u{number % 3}", "k": "x"}


ROWS = [row(i, i % 4 == 1) for i in range(40)] + [row(1, True)]
BAD = sum(1 for r in ROWS if r["t"] == BAD_TIME)


def csv_bytes(rows: list[dict]) -> bytes:
    return ("id,t,u,k\r\n" + "".join(",".join(r.values()) + "\r\n" for r in rows)).encode()


def avro_bytes(rows: list[dict]) -> bytes:
    schema = {"type": "record", "name": "R", "fields": [{"name": name, "type": "string"} for name in rows[0]]}
    fastavro.writer(out := io.BytesIO(), schema, rows, sync_interval=200)
    return out.getvalue()


FEEDS = {
    "csv": csv_bytes(ROWS),
    "json": "".join(json.dumps(r) + "\n" for r in ROWS).encode(),
    "avro": avro_bytes(ROWS),
}


class Rejects(AdweaveTest):
    def config(self, sources: str, time: str) -> None:
        self.path = self.write("adweave.yaml", "sources:" + sources.replace("TIME", time))

    def put(self, name: str, content: bytes) -> None:
        os.utime(self.write(name, content), (1_698_850_000, 1_698_850_000))

    def replay(self, *words: object) -> list[dict]:
        done = self.adweave("rejects", "replay", "-c", self.path, "--data", self.data, "--output", "json", *words)
        return json.loads(done.stdout)

    def fix(self, *words: object) -> dict:
        done = self.adweave("rejects", "fix", "-c", self.path, "--data", self.data, "--output", "json", *words)
        return json.loads(done.stdout)

    def files(self) -> list[str]:
        return sorted(str(path) for path in self.data.rglob("*"))

    def check_conservation(self) -> None:
        for counts in self.rows("audit"):
            self.assertEqual(counts["received"], sum(counts[k] for k in ("accepted", "duplicate", "conflict", "rejected")))
            self.assertEqual(counts["difference"], 0)
        self.assertEqual(self.sql("SELECT * FROM audit WHERE received <> accepted + duplicate + conflict + rejected"), [])

    def test_every_format_is_replayed_once(self) -> None:
        for form, content in FEEDS.items():
            with self.subTest(form):
                self.data = self.folder / f"data-{form}"
                self.config(CLICKS.replace("FORMAT", form), "t")
                self.put(f"clicks.{form}", content)
                self.run_config(self.path)
                self.assertEqual(self.total()["open"], BAD)
                before = self.files()
                self.assertEqual([c["unchanged"] for c in self.replay()], [BAD])
                self.assertEqual(self.files(), before)

                self.config(CLICKS.replace("FORMAT", form), FORMS)
                shown = self.fix()
                self.assertEqual(self.files(), before)
                cause = self.replay()[0]
                self.assertEqual(shown["causes"], [cause])
                self.assertEqual((cause["rejects"], cause["accepted"], cause["duplicate"]), (BAD, BAD - 1, 1))
                self.check_conservation()
                audit = {counts["source"]: counts for counts in self.rows("audit")}
                self.assertEqual(audit["replay:clicks"]["received"], BAD)
                self.assertEqual((audit["clicks"]["rejected"], audit["clicks"]["open"]), (BAD, 0))
                self.assertEqual(self.rows("rejects", "list"), [])
                self.assertEqual(self.rows("rejects", "causes"), [])
                self.assertEqual(self.sql("SELECT count(DISTINCT event_id) AS n FROM clicks"), [{"n": 40}])
                self.assertEqual(self.rows("report", "--metrics", "reject_rate")[0]["reject_rate"], 0)
                after = self.files()
                self.assertEqual(self.replay(), [])
                self.run_config(self.path)
                self.assertEqual(self.files(), after)
                self.adweave("verify", "--data", self.data)

    def test_rows_keep_their_place_and_the_reject_tells_its_fate(self) -> None:
        self.config(CLICKS.replace("FORMAT", "csv"), "t")
        self.put("clicks.csv", FEEDS["csv"])
        self.run_config(self.path)
        rejects = self.rows("rejects", "list", "--limit", 100)
        self.config(CLICKS.replace("FORMAT", "csv"), FORMS)
        self.replay()
        for reject in rejects[:-1]:
            place = reject["source_position"]
            found = self.sql(f"SELECT source, received_time FROM clicks WHERE source_position = '{place}'")
            self.assertEqual(found, [{"source": "clicks", "received_time": "2023-11-01T14:46:40Z"}])
            shown = self.rows("rejects", "show", place)
            self.assertEqual([(s["state"], s["message"], s["attempt"]) for s in shown], [("replayed", "accepted by a replay", 1)])
        last = self.rows("rejects", "show", rejects[-1]["source_position"])
        self.assertEqual(last[0]["message"], "a duplicate of " + rejects[0]["source_position"])
        signs = self.sql("SELECT state, sign, count(*) AS n FROM rejects GROUP BY 1, 2 ORDER BY 1, 2")
        self.assertEqual([(s["state"], s["sign"], s["n"]) for s in signs],
                         [("open", -1, BAD), ("open", 1, BAD), ("replayed", 1, BAD)])
        first = self.sql("SELECT min(commit) AS n FROM rejects")[0]["n"]
        self.assertEqual(len(self.rows("rejects", "list", "--limit", 100, "--as-of", first)), BAD)

    def test_the_preview_shows_kpis_as_they_will_be(self) -> None:
        self.config(CLICKS.replace("FORMAT", "csv") + SALES, "t")
        self.put("clicks.csv", FEEDS["csv"])
        self.put("sales.csv", f"id,t,u,v,c\ns1,{GOOD_TIME},u1,5,EUR\ns2,{BAD_TIME},u1,7.5,EUR\ns3,{BAD_TIME},u2,1,USD\n".encode())
        self.run_config(self.path)
        self.config(CLICKS.replace("FORMAT", "csv") + SALES, FORMS)
        effect = {(e["metric"], e["currency"]): (e["before"], e["after"], e["difference"]) for e in self.fix()["effect"]}
        self.assertEqual(effect["clicks", ""], ("30", "40", "+10"))
        self.assertEqual(effect["conversions", ""], ("1", "3", "+2"))
        self.assertEqual(effect["revenue", "EUR"], ("5.000000000", "12.500000000", "+7.500000000"))
        self.assertEqual(effect["revenue", "USD"], ("0", "1.000000000", "+1.000000000"))
        self.assertEqual(self.fix("--source", "sales")["effect"][1]["difference"], "0")
        self.replay("--reason", "bad_time")
        self.assertEqual(self.rows("report", "--metrics", "clicks,conversions")[0], {"clicks": 40, "conversions": 3})
        self.check_conservation()

    def test_what_still_fails_stays_open_with_its_new_reason(self) -> None:
        self.config(CLICKS.replace("FORMAT", "csv"), "t")
        self.put("clicks.csv", FEEDS["csv"])
        self.run_config(self.path)
        self.config(CLICKS.replace("FORMAT", "csv"), FORMS + ", creative_id: {from: nothing, missing: reject}")
        self.assertEqual(self.replay()[0]["rejected"], BAD)
        causes = self.rows("rejects", "causes")
        self.assertEqual([(c["reason"], c["rejects"]) for c in causes], [("missing_field", BAD)])
        self.assertEqual(self.sql("SELECT DISTINCT attempt FROM current_rejects"), [{"attempt": 2}])
        before = self.files()
        self.replay()
        self.assertEqual(self.files(), before)
        self.check_conservation()
        self.config(CLICKS.replace("FORMAT", "csv"), FORMS)
        self.assertEqual(self.replay()[0]["accepted"], BAD - 1)
        self.check_conservation()

    def test_an_undeclared_encoding_is_undone(self) -> None:
        config = CLICKS.replace("FORMAT", "csv")
        self.config(config, "t")
        rows = [row(1, False), {**row(2, False), "k": "Zürich"}, {**row(3, False), "k": "Köln"}]
        self.put("clicks.csv", csv_bytes(rows).decode().encode("latin-1"))
        self.run_config(self.path)
        self.config(config.replace("kind:", "encoding: latin-1, kind:"), "t")
        self.assertEqual(self.replay()[0]["accepted"], 2)
        campaigns = self.sql("SELECT campaign_id FROM clicks ORDER BY event_id")
        self.assertEqual([c["campaign_id"] for c in campaigns], ["x", "Zürich", "Köln"])

    def test_an_element_of_a_record_is_replayed_alone(self) -> None:
        config = """
  - {name: bids, files: "bids.json", format: json, explode: imp, kind: impression,
     fields: {event_id: "imp.id", event_time: TIME, creative_id: "imp.c", cost: {from: "imp.p", unit: cents}}}
"""
        record = {"t": GOOD_TIME, "imp": [{"id": "a", "c": "x", "p": 1}, {"id": "b", "c": "x", "p": "-"}, {"id": "d", "c": "x"}]}
        self.put("bids.json", (json.dumps(record) + "\n").encode())
        self.config(config, "t")
        self.run_config(self.path)
        self.assertEqual(self.total()["accepted"], 2)
        self.config(config.replace("unit: cents", 'unit: cents, nulls: ["-"]'), "t")
        self.assertEqual(self.replay()[0]["accepted"], 1)
        self.assertEqual(self.sql("SELECT source_position FROM impressions WHERE event_id = 'b'"), [{"source_position": "bids.json:0#1"}])
        self.check_conservation()

    def test_what_was_cut_off_is_left_with_a_word(self) -> None:
        self.config(CLICKS.replace("FORMAT", "json"), "t")
        self.put("clicks.json", b'{"id":"1","t":"' + b"x" * (1 << 20) + b'"}\n')
        self.run_config(self.path)
        cause = self.replay()[0]
        self.assertEqual((cause["left"], cause["accepted"]), (1, 0))
        self.assertIn("only the first MiB", cause["message"])

    def test_a_replay_needs_a_data_folder_and_a_name_of_its_own(self) -> None:
        self.config(CLICKS.replace("FORMAT", "csv").replace("name: clicks", 'name: "replay:clicks"'), "t")
        self.assertIn("must not be named", self.adweave("validate", "-c", self.path, code=78).stderr)
        self.config(CLICKS.replace("FORMAT", "csv"), "t")
        self.adweave("rejects", "replay", "-c", self.path, "--data", self.folder / "none", code=1)
        self.assertFalse((self.folder / "none").exists())


if __name__ == "__main__":
    unittest.main()
