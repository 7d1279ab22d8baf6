# SPDX-License-Identifier: Apache-2.0
"""Input made to break a reader: rejected, with bounded memory, and its neighbours are served.

CPU is printed beside the goal (100 ms, and 1 s for each GiB read) and never decides.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import subprocess
import unittest
import zlib

import fastavro
import pyarrow

from adweave import PROGRAM, ROOT, AdweaveTest

GROWTH_MAX_MIB = 64
CPU_MAX_S, CPU_MAX_S_PER_GIB = 0.1, 1.0
MILLION = 1_000_000
GIB = 1 << 30
CLICK = "{event_id: id, event_time: t, campaign_id: c}"
FEEDS = {
    "json": (f"format: json, kind: click, fields: {CLICK}",
             b"".join(b'{"id":"%d","t":"2023-11-01T10:00:00Z","c":"x"}\n' % i for i in range(1000)), 1000),
    "csv": (f"format: csv, kind: click, fields: {CLICK}",
            b"id,t,c\n" + b"".join(b"%d,2023-11-01T10:00:00Z,x\n" % i for i in range(1000)), 1000),
    "lines": ("format: lines, pattern: '{x} {y}', kind: click, fields: {event_time: {receipt: true}, campaign_id: x}",
              b"".join(b"a %d\n" % i for i in range(1000)), 1000),
    "avro": ("format: avro, kind: bid_request, fields: {event_time: {receipt: true}, "
             "auction_id: auction_details.auction_id}", (ROOT / "tests/data/seeds/bid_requests.avro").read_bytes(), 2),
}


def varint(number: int) -> bytes:
    number = (number << 1 ^ number >> 63) & (1 << 64) - 1
    out = b""
    while number >= 128:
        number, out = number >> 7, out + bytes([number & 127 | 128])
    return out + bytes([number])


def avro_parts() -> tuple[bytes, bytes, bytes]:
    """A container's header, its sync marker, and its blocks."""
    data = FEEDS["avro"][1]
    fastavro.reader(file := io.BytesIO(data))
    return data[: file.tell()], data[file.tell() - 16 : file.tell()], data[file.tell() :]


def avro_bad(count: int, size: int, data: bytes = b"x" * 10) -> bytes:
    """A container with a bad block before the good one."""
    header, sync, good = avro_parts()
    return header + varint(count) + varint(size) + data + sync + good


def no_fields(count: int) -> bytes:
    """A container of records without bytes."""
    schema = b'{"type":"record","name":"R","fields":[]}'
    sync = b"S" * 16
    return (b"Obj\x01" + varint(1) + varint(11) + b"avro.schema" + varint(len(schema)) + schema + b"\0" + sync
            + varint(count) + varint(0) + sync)


def block_bomb() -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = deflate.compress(bytes(GIB)) + deflate.flush()
    return avro_bad(5, len(data), data)


class BadInput(AdweaveTest):
    runs = 0

    def cost(self, feed: str, bad: bytes | None, tail: int = 0) -> tuple[float, float, dict]:
        """CPU seconds and MiB of memory of a run on good input with the bad beside it, and its audit."""
        config, good, _ = FEEDS[feed]
        self.write("in/good", good)
        if bad is not None:
            path = self.write("in/bad", bad)
            if tail:
                os.truncate(path, len(bad) + tail)  # a hole: bytes of zero
        path = self.write("c.yaml", f"sources: [{{name: s, files: 'in/*', {config}}}]")
        best = [float("inf"), float("inf")]
        for _ in range(2):
            self.runs += 1
            self.data = self.folder / f"data-{self.runs}"
            with subprocess.Popen([PROGRAM, "run", "-c", path, "--data", self.data, "--threads", "1"],
                                  stdout=subprocess.DEVNULL) as running:
                _, status, usage = os.wait4(running.pid, 0)
                running.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(running.returncode, 0)
            best = [min(best[0], usage.ru_utime + usage.ru_stime), min(best[1], usage.ru_maxrss / 1024)]
        return best[0], best[1], self.total()

    def check(self, feed: str, cases: dict[str, tuple[bytes, int, int]]) -> None:
        """Each case: the bytes, a hole after them, and how many of its events are good."""
        plain_cpu, plain_memory, _ = self.cost(feed, None)
        for name, (bad, tail, good_inside) in cases.items():
            with self.subTest(name):
                cpu, memory, audit = self.cost(feed, bad, tail)
                goal = CPU_MAX_S + CPU_MAX_S_PER_GIB * (len(bad) + tail) / GIB
                print(f"{name}: {cpu - plain_cpu:.3f} CPU-s (goal {goal:.3f}), {memory - plain_memory:+.0f} MiB")
                # The containers' events are the same in both files.
                self.assertEqual(audit["accepted"] + audit["duplicate"], FEEDS[feed][2] + good_inside)
                self.assertGreater(audit["rejected"], 0)
                self.assertLess(audit["rejected"], 100)
                self.assertEqual(audit["difference"], 0)
                self.assertLess(memory - plain_memory, GROWTH_MAX_MIB)

    def test_json(self) -> None:
        keys = b",".join(b'"k%d":1' % i for i in range(150_000))
        self.check("json", {
            "arrays nested 10^6 deep": (b'{"x":' + b"[" * MILLION + b"]" * MILLION + b"}\n", 0, 0),
            "objects nested 10^6 deep": (b'{"a":' * MILLION + b"1" + b"}" * MILLION + b"\n", 0, 0),
            "150,000 keys": (b"{" + keys + b"}\n", 0, 0),
            "150,000 equal keys": (b"{" + b",".join([b'"k":1'] * 150_000) + b"}\n", 0, 0),
            "a line of 1 GiB": (b'{"id":"9999","t":"2023-11-01T10:00:00Z","c":"x"}\n{"id":"', GIB, 1),
            "a gzip bomb": (gzip.compress(bytes(1 << 27)), 0, 0),
            "a zstd bomb": (pyarrow.compress(bytes(GIB), codec="zstd", asbytes=True), 0, 0),
            "a bzip2 bomb": (bz2.compress(bytes(1 << 27)), 0, 0),
            "an xz bomb": (lzma.compress(bytes(1 << 27)), 0, 0),
        })

    def test_csv(self) -> None:
        row = b"9999,2023-11-01T10:00:00Z,x\n"
        self.check("csv", {
            "a header of 10^6 columns": (b",".join(b"c%d" % i for i in range(MILLION)) + b"\n1\n", 0, 0),
            "a row of 10^6 columns": (b"id,t,c\n" + b"," * MILLION + b"\n" + row, 0, 1),
            "a row of 1 GiB": (b"id,t,c\n" + row, GIB, 1),
        })

    def test_log_lines(self) -> None:
        self.check("lines", {"a line of 1 GiB": (b"a b\n", GIB, 1)})

    def test_avro(self) -> None:
        header, _, good = avro_parts()
        self.check("avro", {
            "a negative block count": (avro_bad(-5, 10), 0, 2),
            "a huge block count": (avro_bad(1 << 60, 10), 0, 2),
            "a huge block size": (avro_bad(5, 1 << 60), 0, 2),
            "a negative block size": (avro_bad(5, -10), 0, 2),
            "an unknown codec": ((header + good).replace(b"deflate", b"deflete"), 0, 0),
            "10^12 records without bytes": (no_fields(10**12), 0, 0),
            "a block that holds 1 GiB": (block_bomb(), 0, 2),
        })

    def test_a_million_broken_lines_are_ranges(self) -> None:
        config, good, count = FEEDS["csv"]
        self.write("in/a", good)
        self.write("in/b", b"id,t,c\n" + b"x\n" * MILLION + b"9999,2023-11-01T10:00:00Z,x\n")
        self.run_config(self.write("c.yaml", f"sources: [{{name: s, files: 'in/*', {config}}}]"))
        total = self.total()
        self.assertEqual((total["accepted"], total["difference"]), (count + 1, 0))
        self.assertLess(total["rejected"], 20_000)
        bytes_rejected = self.sql("SELECT sum(raw_length) AS n FROM rejects WHERE raw_length > 1")[0]["n"]
        self.assertEqual(json.loads(str(bytes_rejected)), (MILLION - 10_000 + 1) * 2 - 1)


if __name__ == "__main__":
    unittest.main()
