# SPDX-License-Identifier: Apache-2.0
"""inspect against what other people say of their files: labels.ndjson (tests/tools/make_labels.py)."""

import collections
import csv
import functools
import json
import re
import subprocess
import unittest

from adweave import PROGRAM, ROOT, AdweaveTest

DATA = ROOT / "tests/data"
HIT_RATE_MIN = 0.95
LABELS = [json.loads(line) for line in (DATA / "labels.ndjson").read_text().splitlines()]


@functools.cache
def inspect(file: str) -> dict:
    done = subprocess.run([PROGRAM, "inspect", DATA / file, "--output", "json"], capture_output=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def read(file: str) -> tuple[list, list[str]]:
    """The file's rows, and what inspect says of those it cannot read."""
    done = subprocess.run([PROGRAM, "inspect", DATA / file, "--rows", "all", "--output", "ndjson"],
                          capture_output=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode().splitlines()


def label_format(file: str) -> str:
    return inspect(file)["format"]


def misses(label: dict) -> list[str]:
    """The labels that inspect did not hit. A label without a value says nothing; a file without quotes tells no
    quote."""
    found = inspect(label["file"])
    pairs = [(key, label.get(key), found.get(key)) for key in ("format", "compression", "encoding", "codec")]
    dialect = label.get("dialect") or {}
    pairs += [(key, value, found.get("dialect", {}).get(key)) for key, value in dialect.items()
              if key not in ("quote", "escape") or value is not None]
    return [f"{key}: {have!r}, not {want!r}" for key, want, have in pairs
            if want != have and (want is not None or key == "comment")]


class Inspect(AdweaveTest):
    def test_the_hit_rate(self) -> None:
        hits, files = collections.Counter(), collections.Counter()
        for label in LABELS:
            folder = label["file"].split("/")[0]
            files[folder] += 1
            missed = misses(label)
            hits[folder] += not missed
            if missed:
                print(f"miss: {label['file']}: {'; '.join(missed)}")
        for folder, count in files.items():
            print(f"inspect: {hits[folder]} of {count} in {folder}")
        rate = hits.total() / files.total()
        print(f"inspect: hit rate {rate:.1%} of {files.total()} files")
        self.assertGreaterEqual(rate, HIT_RATE_MIN)

    def test_every_configuration_it_prints_works(self) -> None:
        """All of them as one: it validates, runs, and takes as many records as the file has."""
        sources, records = [], {}
        for i, label in enumerate(LABELS):
            rows, refused = read(label["file"])
            config = inspect(label["file"])["config"].split("sources:\n")[1]
            sources.append(re.sub("name: .*", f"name: source{i}", config, count=1))
            records[f"source{i}"] = (label["file"], len(rows), len(refused), sum(isinstance(r, dict) for r in rows))
        config = self.write("all.yaml", "sources:\n" + "".join(sources))
        self.adweave("validate", "-c", config)
        self.run_config(config)
        known = set()
        for row in self.rows("audit"):
            if row["source"] not in records:
                continue
            file, rows, refused, objects = records[row["source"]]
            known.add(row["source"])
            with self.subTest(file):
                self.assertEqual(row["records_read"], rows + refused)
                self.assertEqual(row["difference"], 0)
                exploded = "openrtb/bid_requests" in file
                if not exploded:
                    # A JSON record that is no object has no fields; an Avro record has at least one.
                    plain = 0 if label_format(file) == "avro" else rows - objects
                    self.assertEqual(row["rejected"], refused + plain)
        # A file that is the same as another, or holds nothing, has no row.
        self.assertGreater(len(known), len(LABELS) * 0.8)

    def test_the_kinds_of_the_known_feeds(self) -> None:
        for file, kind in {"seeds/impressions.ndjson": "impression", "seeds/clicks_conversions.csv": "conversion",
                           "seeds/bid_requests.avro": "bid_request", "access_log/apache_logs": "click",
                           "openrtb/bid_requests.ndjson": "bid_request",
                           "openrtb/bid_requests.framed.ndjson.gz": "bid_request",
                           "openrtb/beeswax/headers/win_log_headers.csv": "auction_outcome",
                           "openrtb/beeswax/headers/conversion_log_headers.csv": "conversion"}.items():
            with self.subTest(file):
                self.assertEqual(inspect(file)["kind"], kind)

    def test_the_text_for_people(self) -> None:
        text = self.adweave("inspect", DATA / "seeds/clicks_conversions.csv").stdout
        for line in ("format       csv (delimiter ',', quote '\"', header)", "conversion_type  signup",
                     "      - when: {conversion_type: [\"\", click]}"):
            self.assertIn(line, text)

    def test_what_cannot_be_read_is_said(self) -> None:
        self.assertIn("neither text nor an Avro container",
                      self.adweave("inspect", self.write("x.bin", b"\x7fELF" + bytes(range(256)) * 10), code=1).stderr)
        self.adweave("inspect", self.folder / "none.csv", code=1)
        message = self.write("m.bin", (DATA / "avro/apache/messageV1/test_message.bin").read_bytes())
        self.assertIn("--schema FILE", self.adweave("inspect", message).stdout)
        schema = DATA / "avro/apache/messageV1/test_schema.avsc"
        done = self.adweave("inspect", message, "--schema", schema, "--output", "ndjson")
        self.assertEqual(json.loads(done.stdout), json.loads((DATA / "avro/apache/messageV1/expected.json").read_text())["datum"])


class DuckdbPool(AdweaveTest):
    def test_columns_and_rows_are_duckdbs_but_for_listed_differences(self) -> None:
        with open(DATA / "csv_duckdb_differences.csv", encoding="utf-8", newline="") as file:
            reasons = {row["file"]: row["reason"] for row in csv.DictReader(file)}
        differences = set()
        for line in (DATA / "csv_duckdb/expected.ndjson").read_text().splitlines():
            want = json.loads(line)
            rows, refused = read("csv_duckdb/" + want["file"])
            if "error" in want:
                same = bool(refused)
            else:
                columns = [name for name, _ in want["columns"]]
                same = not refused and len(rows) == want["rows"] and (not rows or list(rows[0]) == columns)
            if not same or inspect("csv_duckdb/" + want["file"])["format"] != "csv":
                differences.add(want["file"])
        self.assertEqual(differences, set(reasons))


class JsonSamples(AdweaveTest):
    def test_iab_samples(self) -> None:
        with open(DATA / "openrtb/iab/index.csv", encoding="utf-8", newline="") as file:
            samples = list(csv.DictReader(file))
        found = collections.Counter()
        for sample in samples:
            path = DATA / "openrtb/iab" / sample["file"]
            # Each file is one document, whatever it seems to be.
            source = (f"sources: [{{name: s, files: '{path}', format: json, framing: document, unread: drop, "
                      "kind: click, fields: {event_time: {receipt: true}, campaign_id: {constant: x}}}]")
            self.data = self.folder / path.name
            self.run_config(self.write("c.yaml", source))
            total = self.total()
            valid = sample["valid_json"] == "yes"
            with self.subTest(sample["file"]):
                self.assertEqual((total["accepted"], total["rejected"]), (1, 0) if valid else (0, 1))
            found[valid] += 1
        self.assertEqual(found, {True: 29, False: 6})

    def test_broken_requests_are_refused_with_their_position_and_stop_nothing(self) -> None:
        broken = DATA / "openrtb/broken"
        source = "{name: %s, files: '%s', format: json, framing: document, kind: bid_request, fields: %s}"
        fields = "{event_time: {receipt: true}, auction_id: id}"
        good = DATA / "openrtb/iab/2.6_6.2.1_simple_banner.json"
        self.run_config(self.write("c.yaml", "sources: [%s, %s]" % (
            source % ("broken", f"{broken}/*.json", fields), source % ("good", good, fields))))
        rejects = self.rows("rejects", "list")
        self.assertEqual(sorted(r["source_position"].rsplit("/", 1)[-1] for r in rejects),
                         ["bad_incoming_1.json:0", "bad_incoming_imp.json:0"])
        self.assertTrue(all(r["reason"] == "malformed" for r in rejects))
        for reject in rejects:
            name = reject["source_position"].rsplit("/", 1)[-1].split(":")[0]
            text = (broken / name).read_text()
            with self.assertRaises(json.JSONDecodeError) as python:
                json.loads(text)
            at = int(re.search("at byte ([0-9]+)", reject["message"]).group(1))
            # Python names the same place, or the blank before it.
            self.assertEqual(text[python.exception.pos:at].strip(" \n,"), "")
        self.assertEqual((self.total()["accepted"], self.total()["rejected"]), (1, 2))


if __name__ == "__main__":
    unittest.main()
