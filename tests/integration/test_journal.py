# SPDX-License-Identifier: Apache-2.0
"""What was delivered stays in the journal, archived, for as long as the configuration says."""

import pathlib
import re
import time
import unittest

import pyarrow
from adweave_server import IMPRESSIONS, ServerTest, impressions


class JournalTest(ServerTest):
    CONFIG = IMPRESSIONS

    def segment(self, number: int) -> pathlib.Path:
        return self.data / "journal" / f"journal-{number:020}.log"

    def archive(self, number: int) -> pathlib.Path:
        return self.segment(number).with_suffix(".log.zst")

    def until(self, is_so) -> None:
        end = time.monotonic() + 60
        while not is_so():
            self.assertLess(time.monotonic(), end, sorted((self.data / "journal").iterdir()))
            time.sleep(0.05)

    def write_segments(self, count: int) -> list[bytes]:
        """Each start begins one, with five events and a reject."""
        segments = []
        for number in range(count):
            self.start()
            self.post(impressions(5 * number, 5) + b"garbage\n", Idempotency_Key=f"key {number}")
            self.assertEqual(self.stop(), 0)
            segments.append(self.segment(number + 1).read_bytes())
        return segments

    def gauge(self, name: str) -> int:
        _, text, _ = self.ask("GET", "/metrics", port=self.metrics_port)
        return int(re.search(rf"^{name} (\d+)$", text, re.MULTILINE)[1])

    def test_what_is_committed_is_archived_and_can_still_be_read(self) -> None:
        plain = self.write_segments(3)
        self.start()
        self.until(lambda: self.archive(2).exists() and not self.segment(2).exists())
        self.assertTrue(self.segment(3).exists(), "the last one is not archived")
        with pyarrow.CompressedInputStream(str(self.archive(1)), "zstd") as archive:
            bytes_kept = archive.read()
        self.assertEqual(bytes_kept, plain[0])
        [row] = self.sql("SELECT source_position AS p FROM impressions WHERE event_id = 'i3'")
        segment, offset = map(int, re.fullmatch(r"journal:(\d+):(\d+)", row["p"]).groups())
        self.assertEqual(segment, 1)
        self.assertTrue(bytes_kept[offset:].startswith(impressions(3, 1).strip()), "the position is not the record's")
        self.assertEqual(self.gauge("adweave_journal_archived_bytes"),
                         self.archive(1).stat().st_size + self.archive(2).stat().st_size)
        # What was sent under a key is known for as long.
        self.assertEqual(self.post(impressions(0, 5) + b"garbage\n", Idempotency_Key="key 0")["batch"], "key 0")
        self.post(impressions(7, 1), expect=422, Idempotency_Key="key 0")
        self.adweave("verify", "--data", self.data)
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM impressions"), [{"n": 15}])
        [delivered] = [row["detail"] for row in self.rows("explain", "i3") if row["step"] == "delivered"]
        self.assertEqual(delivered["batch"], "key 0")  # which is in the archive alone
        self.check_conservation()

    def test_damage_to_an_archive_is_found(self) -> None:
        self.write_segments(2)
        self.start()
        self.until(lambda: self.archive(1).exists() and not self.segment(1).exists())
        self.assertEqual(self.stop(), 0)
        whole = self.archive(1).read_bytes()
        for place in range(0, len(whole), 7):
            altered = bytearray(whole)
            altered[place] ^= 1
            self.archive(1).write_bytes(altered)
            told = self.adweave("verify", "--data", self.data, code=1).stderr
            self.assertIn(self.archive(1).name, told)
        self.archive(1).write_bytes(whole)
        self.assertIn("all sound", self.adweave("verify", "--data", self.data).stdout)

    def test_none_is_kept_when_it_is_not_wanted(self) -> None:
        self.config.write_text(IMPRESSIONS + "serve: {raw_days: 0}\n")
        self.write_segments(3)
        self.assertEqual([path.name for path in (self.data / "journal").iterdir()], [self.segment(3).name])
        for words in ("-1", "3661", "long"):
            config = self.write("wrong.yaml", IMPRESSIONS + f"serve: {{raw_days: {words}}}\n")
            self.run_config(config, code=78)


if __name__ == "__main__":
    unittest.main()
