# SPDX-License-Identifier: Apache-2.0
"""Commands beside a running server: they ask it over the socket in its data folder, or read what it has committed."""

import json
import signal
import stat
import time
import unittest

from adweave_server import IMPRESSIONS, ServerTest, impressions


class ControlTest(ServerTest):
    CONFIG = IMPRESSIONS + """
  - name: files
    files: "*.ndjson"
    format: json
    kind: impression
    fields: {event_id: id, event_time: timestamp, user_id: user_id, creative_id: creative_id}
"""

    def lines(self, *words: object) -> list[dict]:
        return [json.loads(line) for line in self.adweave(*words, "--data", self.data).stdout.splitlines()]

    def test_top_shows_how_the_server_stands(self) -> None:
        self.start()
        self.post(impressions(0, 5) + impressions(0, 2) + b"bad\n")
        self.assertTrue(stat.S_ISSOCK((self.data / "adweave.sock").stat().st_mode))
        [row] = self.lines("top", "--count", 1, "--every", 0.2, "--output", "ndjson")
        self.assertEqual((row["source"], row["received"]), ("impressions", 8))
        text = self.adweave("top", "--count", 1, "--every", 0.2, "--data", self.data).stdout
        self.assertRegex(text, r"ready  commit \d+ ")
        self.assertIn("journal behind 0.0 KB", text)
        self.stop()
        done = self.adweave("top", "--count", 1, "--data", self.data, code=1)
        self.assertIn("no server listens there", done.stderr)

    def test_tap_shows_what_passes(self) -> None:
        self.start()
        self.post(impressions(0, 5) + b"bad\n")
        self.post(impressions(5, 1))
        commits = [line for line in self.lines("tap", "--since", 0, "--count", 3) if line["kind"] == "data"]
        self.assertEqual([(c["received"], c["accepted"], c["rejected"]) for c in commits], [(6, 5, 1), (1, 1, 0)])
        rows = self.lines("tap", "impressions", "--since", 0, "--count", 2, "--where", "event_id >= 'i4'", "--columns", "event_id")
        self.assertEqual(sorted(row["event_id"] for row in rows), ["i4", "i5"])
        [reject] = self.lines("tap", "rejects", "--since", 0, "--count", 1)
        self.assertEqual((reject["reason"], reject["raw"]), ("malformed", "bad"))
        self.assertEqual(self.adweave("tap", "nothing", "--data", self.data, code=2).returncode, 2)

    def test_upkeep_is_done_by_the_server(self) -> None:
        self.start()
        for n in range(4):
            self.post(impressions(n * 10, 10))
        before = self.sql("SELECT event_id, user_id, \"commit\" FROM impressions ORDER BY ALL")
        done = self.adweave("seal", "--all", "--data", self.data).stdout
        self.assertRegex(done, r"2026-01-02: \d+ rows, \d+ files .* sealed as \d+ of")
        self.assertIn("nothing to seal", self.adweave("seal", "--all", "--data", self.data).stdout)
        self.post(impressions(40, 1))  # it goes on
        self.assertEqual(self.sql("SELECT event_id, user_id, \"commit\" FROM impressions WHERE event_id <> 'i40' ORDER BY ALL"), before)
        self.assertRegex(self.adweave("vacuum", "--grace", 0, "--dry-run", "--data", self.data).stdout, r"[1-9]\d* replaced files")
        self.assertRegex(self.adweave("vacuum", "--grace", 0, "--data", self.data).stdout, r"[1-9]\d* replaced files, .* removed")
        self.assertIn("closed through 2026-01-02", self.adweave("close", "--through", "2026-01-02", "--data", self.data).stdout)
        done = self.adweave("close", "--through", "2026-01-01", "--data", self.data, code=2)
        self.assertIn("do not open again", done.stderr)
        self.post(impressions(41, 1))
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM impressions"), [{"n": 42}])
        self.check_conservation()
        self.adweave("verify", "--data", self.data)

    def test_a_paused_source_takes_nothing_also_after_a_restart(self) -> None:
        self.start()
        self.post(impressions(0, 3))
        self.assertEqual(self.adweave("pause", "impressions", "--data", self.data).stdout, "impressions is paused\n")
        self.assertEqual(self.adweave("pause", "impressions", "--data", self.data).stdout, "impressions is paused already\n")
        done = self.adweave("pause", "nothing", "--data", self.data, code=2)
        self.assertIn("give one of impressions, files", done.stderr)
        for _ in range(2):
            status, value, answer = self.ask("POST", "/v1/events", impressions(3, 1), Content_Type="application/x-ndjson")
            self.assertEqual((status, answer.getheader("Retry-After")), (503, "60"))
            self.assertEqual(answer.getheader("Content-Type"), "application/problem+json")
            self.assertEqual((value["title"], value["detail"]), ("paused", "the source impressions is paused: it takes nothing"))
            _, text, _ = self.ask("GET", "/metrics", port=self.metrics_port)
            self.assertIn('adweave_source_paused{source="files"} 0\nadweave_source_paused{source="impressions"} 1\n', text)
            self.assertIn("\npaused: impressions\n", self.adweave("top", "--count", 1, "--every", 0.2, "--data", self.data).stdout)
            self.stop()
            self.start()
        self.assertEqual(self.adweave("resume", "impressions", "--data", self.data).stdout, "impressions is not paused\n")
        self.post(impressions(3, 1))
        self.assertNotIn("paused:", self.adweave("top", "--count", 1, "--every", 0.2, "--data", self.data).stdout)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM impressions"), [{"n": 4}])

    def test_paused_files_are_read_once_they_are_resumed(self) -> None:
        self.start()
        self.stop()  # the folder is there
        self.assertEqual(self.adweave("pause", "files", "--data", self.data).stdout, "files is paused\n")  # with no server
        self.write("late.ndjson", impressions(100, 7).decode())
        self.start()
        self.post(impressions(0, 1))
        time.sleep(4)  # a file at rest is read after two seconds
        self.assertEqual(self.sql("SELECT count(*) AS n FROM impressions"), [{"n": 1}])
        self.adweave("resume", "files", "--data", self.data)
        self.wait_for("SELECT count(*) AS n FROM impressions", 8)
        self.assertEqual(self.stop(), 0)
        self.check_conservation()

    def test_what_a_killed_server_leaves_is_in_nobodys_way(self) -> None:
        self.start()
        self.post(impressions(0, 3))
        self.stop(signal.SIGKILL)
        self.assertTrue((self.data / "adweave.sock").exists())
        self.assertIn("sealed as", self.adweave("seal", "--all", "--data", self.data).stdout)
        self.start()
        self.assertIn("nothing to seal", self.adweave("seal", "--all", "--data", self.data).stdout)
        self.assertEqual(self.stop(), 0)
        self.assertFalse((self.data / "adweave.sock").exists())


if __name__ == "__main__":
    unittest.main()
