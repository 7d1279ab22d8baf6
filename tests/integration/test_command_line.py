# SPDX-License-Identifier: Apache-2.0
"""The command line: outputs, exit codes, errors that help."""

import csv
import hashlib
import io
import json
import os
import pty
import signal
import subprocess
import time
import unittest

from adweave import PROGRAM, ROOT, AdweaveTest

CLICKS = """
sources:
  - name: clicks
    files: clicks*.csv
    format: csv
    kind: click
    fields: {event_id: id, event_time: t, user_id: u, campaign_id: c, cost: {from: cost}, currency: cur}
"""


class Outputs(AdweaveTest):
    def setUp(self) -> None:
        super().setUp()
        self.write(
            "clicks.csv",
            "id,t,u,c,cost,cur\n"
            'a,2023-11-01T10:00:00Z,1,"x,""y""",0.10,EUR\n'
            "b,2023-11-01T11:00:00Z,2,z,0.20,USD\n"
            "b,2023-11-01T11:00:00Z,2,z,0.20,USD\n"
            "b,2023-11-01T11:00:00Z,3,z,0.20,USD\n",
        )
        self.config = self.write("c.yaml", CLICKS)
        self.run_config(self.config)

    def test_the_four_formats_say_the_same(self) -> None:
        query = ["sql", "--data", self.data, "SELECT event_id, event_time, campaign_id, cost FROM clicks ORDER BY 1"]
        rows = json.loads(self.adweave(*query, "--output", "json").stdout)
        lines = [json.loads(line) for line in self.adweave(*query, "--output", "ndjson").stdout.splitlines()]
        table = list(csv.DictReader(io.StringIO(self.adweave(*query, "--output", "csv").stdout)))
        self.assertEqual(rows, lines)
        self.assertEqual(rows, table)
        self.assertEqual(
            rows[0],
            {"event_id": "a", "event_time": "2023-11-01T10:00:00Z", "campaign_id": 'x,"y"', "cost": "0.100000000"},
        )
        self.assertIn("2023-11-01T10:00:00Z", self.adweave(*query).stdout)

    def test_duplicate_and_conflict(self) -> None:
        total = self.total()
        self.assertEqual((total["accepted"], total["duplicate"], total["conflict"]), (2, 1, 1))
        self.assertEqual(self.sql("SELECT first_position FROM duplicates"), [{"first_position": "clicks.csv:62"}])
        reject = self.rows("rejects", "list")[0]
        self.assertEqual((reject["outcome"], reject["reason"]), ("conflict", "conflict"))

    def test_rejects_are_listed_in_the_order_of_their_positions(self) -> None:
        self.write("clicks3.csv", "id,t,u,c,cost,cur\n" + "x,yesterday,1,z,0.1,EUR\n" * 60)
        self.run_config(self.config)
        rows = self.rows("rejects", "list", "--reason", "bad_time", "--limit", 60)
        offsets = [int(row["source_position"].split(":")[1]) for row in rows]
        self.assertEqual(offsets, sorted(offsets))
        self.assertEqual(len(offsets), 60)

    def test_causes_count_every_reject_and_say_what_to_do(self) -> None:
        self.write("clicks3.csv", "id,t,u,c,cost,cur\n" + "x,yesterday,1,z,0.1,EUR\n" * 60 + "y,2023-11-01T10:00:00Z,1,z,-1,EUR\n")
        self.run_config(self.config)
        causes = self.rows("rejects", "causes")
        total = self.total()
        self.assertEqual(sum(row["rejects"] for row in causes), total["rejected"] + total["conflict"])
        self.assertEqual([(row["reason"], row["rejects"]) for row in causes][:1], [("bad_time", 60)])
        self.assertEqual({row["reason"] for row in causes}, {"bad_time", "negative_money", "conflict"})
        self.assertTrue(all(row["fix"] for row in causes))
        sample = causes[0]["sample"]
        self.assertIn("yesterday", self.adweave("rejects", "show", "--data", self.data, sample).stdout)

    def test_rejects_are_exported_byte_for_byte(self) -> None:
        bad = b'x,yesterday,1,"z\nz",0.1,EUR\n' * 3 + b"y,\xff\xfe,1,z,1,EUR\n"
        self.write("clicks3.csv", b"id,t,u,c,cost,cur\n" + bad)
        self.run_config(self.config)
        out = self.folder / "rejected.csv"
        words = ["rejects", "export", "--data", self.data, "--out", out]
        self.assertIn("3 reject(s)", self.adweave(*words, "--reason", "bad_time").stdout)
        self.assertEqual(out.read_bytes(), b'x,yesterday,1,"z\nz",0.1,EUR\n' * 3)
        self.adweave(*words, code=1)  # never over a file
        out.unlink()
        self.adweave(*words, "--reason", "bad_encoding")
        self.assertEqual(out.read_bytes(), b"y,\xff\xfe,1,z,1,EUR\n")

    def test_amounts_of_several_currencies_are_never_added(self) -> None:
        done = self.adweave("report", "--data", self.data, "--metrics", "spend,cpc", "--output", "json")
        self.assertEqual(json.loads(done.stdout), [{"spend": None, "cpc": None}])
        self.assertIn("--by currency", done.stderr)
        rows = self.rows("report", "--metrics", "spend,cpc", "--by", "currency")
        self.assertEqual([(r["currency"], r["spend"], r["cpc"]) for r in rows],
                         [("EUR", "0.100000000", "0.100000000"), ("USD", "0.200000000", "0.200000000")])

    def test_time_dimensions_follow_the_zone(self) -> None:
        rows = self.rows("report", "--by", "day,hour_of_day", "--metrics", "clicks", "--zone", "Pacific/Auckland")
        self.assertEqual([(r["day"], r["hour_of_day"]) for r in rows], [("2023-11-01", 23), ("2023-11-02", 0)])

    def test_as_of_an_earlier_commit(self) -> None:
        self.write("clicks2.csv", "id,t,u,c,cost,cur\nz,2023-11-01T12:00:00Z,1,z,0.1,EUR\n")
        self.run_config(self.config)
        self.assertEqual(self.rows("report", "--metrics", "clicks")[0]["clicks"], 3)
        self.assertEqual(self.rows("report", "--metrics", "clicks", "--as-of", "2")[0]["clicks"], 2)
        self.adweave("report", "--data", self.data, "--as-of", "99", code=2)

    def test_sql_reads_only(self) -> None:
        for statement in ("DROP VIEW clicks", "COPY clicks TO '/tmp/x.csv'", "SELECT 1; SELECT 2",
                          "SELECT * FROM read_csv('/etc/passwd')", "INSTALL httpfs", "SET threads = 1"):
            self.adweave("sql", "--data", self.data, statement, code=1)

    def test_unknown_names_are_answered_with_the_nearest(self) -> None:
        done = self.adweave("report", "--data", self.data, "--metrics", "crt", code=2)
        self.assertIn("did you mean 'ctr'", done.stderr)
        done = self.adweave("report", "--data", self.data, "--by", "campain_id", code=2)
        self.assertIn("did you mean 'campaign_id'", done.stderr)

    def test_verify_finds_damage(self) -> None:
        self.assertIn("all sound", self.adweave("verify", "--data", self.data).stdout)
        file = next(self.data.glob("lake/clicks/_recent/*/*.parquet"))
        damaged = bytearray(file.read_bytes())
        damaged[40] ^= 1
        file.write_bytes(damaged)
        self.assertIn(file.name, self.adweave("verify", "--data", self.data, code=1).stderr)


class Errors(AdweaveTest):
    def test_a_bad_configuration_is_told_with_all_its_places(self) -> None:
        config = self.write(
            "c.yaml",
            "sources:\n"
            "  - name: s\n"
            "    fiels: x\n"
            "    format: jsn\n"
            "    kind: click\n"
            "    fields:\n"
            "      campain_id: c\n"
            "time_zone: Mars/Olympus\n",
        )
        for command in (["validate", "-c", config], ["run", "-c", config, "--data", self.data]):
            error = self.adweave(*command, code=78).stderr
            self.assertIn(f"{config}:3:5: unknown key 'fiels' in source; did you mean 'files'?", error)
            self.assertIn(f"{config}:4:13: format 'jsn' is not known; did you mean 'json'?", error)
            self.assertIn(f"{config}:7:7: there is no field 'campain_id'; did you mean 'campaign_id'?", error)
            self.assertIn(f"{config}:8:12:", error)
        self.assertFalse(self.data.exists())

    def test_environment_variables_are_filled_in(self) -> None:
        self.write("clicks.csv", "id,t,u,c,cost,cur\n")
        config = self.write("c.yaml", CLICKS.replace("clicks*.csv", "${ADWEAVE_FILES}"))
        self.adweave("validate", "-c", config, code=78)
        self.adweave("validate", "-c", config, env={"ADWEAVE_FILES": "clicks.csv"})

    def test_a_missing_file_is_one_clear_error(self) -> None:
        config = self.write("c.yaml", CLICKS.replace("clicks*.csv", "missing.csv"))
        self.assertIn("missing.csv", self.run_config(config, code=1).stderr)
        self.assertFalse(self.data.exists())

    def test_usage(self) -> None:
        self.adweave(code=2)
        self.adweave("nonsense", code=2)
        self.assertIn("no AdWeave data folder", self.adweave("audit", "--data", self.folder, code=1).stderr)

    def test_a_newer_format_is_refused(self) -> None:
        self.run_config(ROOT / "config/examples/case_study.yaml")
        (self.data / "format_version").write_text("99\n")
        for words in (["audit", "--data", self.data], ["run", "-c", ROOT / "config/examples/case_study.yaml", "--data", self.data]):
            self.assertIn("newer adweave", self.adweave(*words, code=1).stderr)

    def test_a_second_writer_is_refused_and_may_take_over(self) -> None:
        rows = "".join(f"c{i},2023-11-01T10:00:00Z,{i % 97},z,0.1,EUR\n" for i in range(400_000))
        self.write("clicks.csv", "id,t,u,c,cost,cur\n" + rows)
        config = self.write("c.yaml", CLICKS)
        first = subprocess.Popen([PROGRAM, "run", "-c", config, "--data", self.data],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not (self.data / "ledger" / f"{1:020}.commit").exists():
            time.sleep(0.001)
        first.send_signal(signal.SIGSTOP)
        refused = self.run_config(config, code=75)
        self.assertIn(f"held by process {first.pid} on", refused.stderr)
        self.run_config(config, "--take-over")
        first.send_signal(signal.SIGCONT)
        _, error = first.communicate()
        self.assertEqual(first.returncode, 75, error)
        self.assertIn("another writer has taken over", error)
        self.assertEqual(self.total()["accepted"], 400_000)
        self.assertEqual(self.total()["difference"], 0)
        self.adweave("verify", "--data", self.data)

    def test_doctor_version_and_completion(self) -> None:
        self.assertIn("ok", self.adweave("doctor", "--data", self.data).stdout)
        self.assertIn((ROOT / "VERSION").read_text().strip(), self.adweave("version").stdout)
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("report", self.adweave("completion", shell).stdout)


class Determinism(AdweaveTest):
    def test_any_number_of_threads_writes_the_same_files(self) -> None:
        config = (ROOT / "config/examples/access_log.yaml").read_text()
        path = self.write("a.yaml", config.replace("../../tests", str(ROOT / "tests"))
                          + "limits: {slice_bytes: 64KiB, commit_bytes: 512KiB}\n")
        seen = set()
        for threads in (1, 2, 4):
            self.data = self.folder / f"data{threads}"
            self.run_config(path, "--threads", threads)
            files = sorted(self.data.glob("lake/**/*.parquet"))
            self.assertGreater(len(files), 5)
            digest = hashlib.sha256()
            for file in files:
                digest.update(str(file.relative_to(self.data)).encode() + file.read_bytes())
            seen.add(digest.hexdigest())
        self.assertEqual(len(seen), 1)


class Terminal(AdweaveTest):
    def on_terminal(self, *words: object) -> str:
        """What a command writes on a standard error that is a terminal."""
        ours, theirs = pty.openpty()
        with subprocess.Popen([PROGRAM, *map(str, words)], stdout=subprocess.DEVNULL, stderr=theirs) as running:
            os.close(theirs)
            text = b""
            try:
                while chunk := os.read(ours, 4096):
                    text += chunk
            except OSError:  # the other end is closed
                pass
            os.close(ours)
        self.assertEqual(running.returncode, 0, text)
        return text.decode()

    def test_long_work_shows_its_progress_on_a_terminal_only(self) -> None:
        logs = self.folder / "logs"
        shown = self.on_terminal("generate", "--events", 30_000, "--out", logs)
        self.assertRegex(shown, r"generate \[#+\.*\] +\d+% \d+ events/s, \d+ s left")
        shown = self.on_terminal("run", "-c", logs / "adweave.yaml", "--data", self.data)
        self.assertRegex(shown, r"run \[#*\.*\] +\d+% \d+ MB/s, \d+ s left")
        # It wipes the line behind it: what stays is the result.
        self.assertIn("\r\x1b[K", shown.rpartition("left")[2])
        quiet = self.adweave("run", "-c", logs / "adweave.yaml", "--data", self.folder / "again")
        self.assertNotIn("left", quiet.stderr)


if __name__ == "__main__":
    unittest.main()
