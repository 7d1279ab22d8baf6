# SPDX-License-Identifier: Apache-2.0
"""Compressed and encoded files: the same numbers as the plain one; damage loses only what it hit."""

import bz2
import gzip
import lzma
import pathlib
import unittest

import pyarrow

from adweave import ROOT, AdweaveTest

LOG = (ROOT / "tests/data/access_log/apache_logs").read_bytes()


def zstd(data: bytes) -> bytes:
    return pyarrow.compress(data, codec="zstd", asbytes=True)


class Contents(AdweaveTest):
    def config(self, files: str, more: str = "") -> pathlib.Path:
        text = (ROOT / "config/examples/access_log.yaml").read_text()
        return self.write("c.yaml", text.replace("../../tests/data/access_log/apache_logs", files) + more)

    def put(self, name: str, data: bytes) -> None:
        (self.folder / name).write_bytes(data)

    def counts(self) -> tuple[int, ...]:
        total = self.total()
        return tuple(total[key] for key in ("accepted", "duplicate", "conflict", "rejected", "difference"))

    def test_every_compression_gives_the_same(self) -> None:
        packed = {"gz": gzip.compress(LOG), "zst": zstd(LOG), "bz2": bz2.compress(LOG), "xz": lzma.compress(LOG),
                  "two.gz": gzip.compress(LOG[:100_000]) + gzip.compress(LOG[100_000:]),
                  "utf16": LOG.decode("utf-8").encode("utf-16"), "plain": LOG}
        for name, data in packed.items():
            with self.subTest(name):
                self.data = self.folder / f"data-{name}"
                self.put(f"log.{name}", data)
                config = self.config(f"log.{name}")
                self.run_config(config)
                self.assertEqual(self.counts(), (9999, 0, 0, 1, 0))
                self.assertIn("nothing to do", self.run_config(config).stdout)
        # The same lines in another packing are the same events.
        self.data = self.folder / "data-plain"
        self.run_config(self.config("log.zst"))
        self.assertEqual(self.counts()[0], 9999)
        self.assertEqual(self.counts()[4], 0)

    def test_a_file_that_is_cut_off_keeps_what_came_before_and_goes_on_when_it_is_whole(self) -> None:
        whole = gzip.compress(LOG)
        self.put("log.gz", whole[:100_000])
        config = self.config("log.gz")
        self.run_config(config)
        accepted, _, _, rejected, difference = self.counts()
        self.assertGreater(accepted, 1000)
        self.assertEqual((rejected, difference), (1, 0))
        reject = self.rows("rejects", "list")[0]
        self.assertIn("cut off", reject["message"])
        self.assertEqual(self.sql("SELECT raw_length > 0 AS kept FROM rejects"), [{"kept": True}])
        self.put("log.gz", whole)
        self.run_config(config)
        self.assertEqual(self.counts(), (9999, 0, 0, 2, 0))

    def test_a_csv_with_a_head_alone_is_known_afterwards(self) -> None:
        self.put("a.csv", b"\xef\xbb\xbfid,t,c\n")
        config = self.write("c.yaml", "sources: [{name: s, files: a.csv, format: csv, kind: click, fields: "
                            "{event_id: id, event_time: t, campaign_id: c}}]")
        self.run_config(config)
        self.assertIn("nothing to do", self.run_config(config).stdout)
        self.put("a.csv", b"\xef\xbb\xbfid,t,c\n1,2023-11-01T10:00:00Z,x\n")
        self.run_config(config)
        self.assertEqual(self.counts()[0], 1)

    def test_a_file_that_is_not_of_its_format_is_one_reject_and_its_neighbours_are_read(self) -> None:
        self.put("a.avro", b"no Avro at all")
        self.put("b.avro", (ROOT / "tests/data/seeds/bid_requests.avro").read_bytes())
        config = self.write("c.yaml", "sources: [{name: s, files: '*.avro', format: avro, kind: bid_request, fields: "
                            "{event_time: {receipt: true}, auction_id: auction_details.auction_id}}]")
        self.run_config(config)
        self.assertEqual(self.counts(), (2, 0, 0, 1, 0))
        self.assertIn("no Avro container", self.rows("rejects", "list")[0]["message"])
        # When it has grown into one it is read from its begin.
        self.put("a.avro", b"Obj\x01")
        self.run_config(config)
        self.assertEqual(self.counts(), (2, 0, 0, 2, 0))

    def test_one_byte_encodings_are_declared(self) -> None:
        self.put("a.csv", "id;t;c\n1;2023-11-01T10:00:00Z;Café €\n".encode("windows-1252"))
        source = ("{name: s, files: a.csv, format: csv, delimiter: ';', %s kind: click, fields: "
                  "{event_id: id, event_time: t, campaign_id: c}}")
        self.run_config(self.write("plain.yaml", f"sources: [{source % ''}]"))
        self.assertEqual(self.rows("rejects", "list")[0]["reason"], "bad_encoding")
        self.data = self.folder / "declared"
        self.run_config(self.write("c.yaml", f"sources: [{source % 'encoding: windows-1252,'}]"))
        self.assertEqual(self.sql("SELECT campaign_id FROM clicks"), [{"campaign_id": "Café €"}])


if __name__ == "__main__":
    unittest.main()
