# SPDX-License-Identifier: Apache-2.0
"""100,000 mutated inputs: what adweave accepts is what Python's json and csv and fastavro read, value for value.

Where adweave is stricter on purpose, the oracle is told so: UTF-8, no NaN, no half surrogate pairs, at most 64 levels.
"""

import collections
import csv
import io
import json
import math
import random
import re
import struct
import unittest

import fastavro

from adweave import ROOT, AdweaveTest

DATA = ROOT / "tests/data"
JSON_WHOLE, JSON_MAPPED, CSV, AVRO = 45_000, 25_000, 15_000, 15_000
NESTING_MAX = 64
SURROGATES = re.compile(r"[\ud800-\udfff]")


class Refused(Exception):
    """The oracle takes no value from the input."""


def mutate(rng: random.Random, text: bytes, words: list[bytes], begin: int = 0) -> bytes:
    """One to four changes: bytes overwritten, left out, put in, doubled, swapped with a piece from elsewhere."""
    out = bytearray(text)
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(begin, len(out))
        end = min(len(out), at + rng.choice((1, 1, 1, 2, 5, 20)))
        change = rng.randrange(6)
        if change == 0 and at < len(out):
            out[at] = rng.randrange(256)
        elif change == 1:
            del out[at:end]
        elif change == 2:
            out[at:at] = rng.choice(words)
        elif change == 3:
            out[at:at] = out[at:end]
        elif change == 4:
            out[at:end] = rng.choice(words)
        elif at < len(out):
            out[at] ^= 1 << rng.randrange(8)
    return bytes(out)


class Number(str):
    """A number as it is spelled."""


def read_json(line: bytes) -> object:
    """A line as RFC 8259 reads it; numbers as they are spelled."""
    def refuse(word: str) -> None:
        raise Refused(word)

    try:
        text = line.decode()
        value = json.loads(text, parse_int=Number, parse_float=Number, parse_constant=refuse, object_pairs_hook=members)
    except (ValueError, RecursionError) as error:
        raise Refused(str(error)) from error
    check(value)
    return value


class Members(dict):
    """An object; of equal keys the last counts, but the others are checked too."""

    all_values: list


def members(pairs: list) -> Members:
    value = Members(pairs)
    value.all_values = [part for pair in pairs for part in pair]
    return value


def check(value: object, levels: int = NESTING_MAX) -> None:
    if isinstance(value, str) and SURROGATES.search(value):
        raise Refused("half a surrogate pair")
    if isinstance(value, (dict, list)):
        if levels == 0:
            raise Refused("nested too deeply")
        for part in value.all_values if isinstance(value, dict) else value:
            check(part, levels - 1)


class Differential(AdweaveTest):
    maxDiff = 10_000

    def accepted(self, source: str, column: str = "extra") -> dict[str, list]:
        """Runs a source; the accepted rows' JSON by file, with their offsets."""
        config = self.write("c.yaml", f"sources: [{{name: s, deduplicate: off, {source}}}]")
        self.run_config(config)
        self.assertEqual(self.total()["difference"], 0)
        rows = self.adweave("sql", f"SELECT source_position AS p, * FROM impressions ORDER BY commit",
                            "--data", self.data, "--output", "ndjson").stdout
        found = collections.defaultdict(list)
        for row in map(json.loads, filter(None, rows.split("\n"))):
            file, position = row["p"].rsplit(":", 1)
            offset, _, element = position.partition("#")
            found[file].append((int(offset), int(element or 0), row))
        for file in found.values():
            file.sort(key=lambda entry: entry[:2])
        return found

    def put_lines(self, rng: random.Random, count: int) -> dict[int, bytes]:
        """Writes mutated JSON lines; gives each by its offset."""
        bases = [path.read_bytes() for path in sorted((DATA / "json_test_suite/test_parsing").iterdir())]
        bases = [base for base in bases if len(base) < 2000 and b"\n" not in base.strip()]
        with open(DATA / "openrtb/bid_requests.ndjson", "rb") as requests:
            bases += [line.strip() for line in requests if len(line) < 600][:200]
        bases += [line.strip() for line in (DATA / "seeds/impressions.ndjson").read_bytes().splitlines()]
        bases += [b'{"a":{"b":"x"},"c":[1,"y",{"d":2.50}],"e":true,"c":null,"f":-0e1}'] * 60
        words = [b'"', b"\\", b",", b":", b"{", b"}", b"[", b"]", b"null", b"true", b"1e5", b"-", b".", b"\\u00e9", b"\\ud83d",
                 b"\\ud83d\\ude00", b"\xc3\xa9", b"\xff", b" ", b"\t", b"NaN", b'"a":', b'"c":', b"0", b"[" * 70, b"\x00", b"\x1f"]
        lines, offset, out = {}, 0, []
        for _ in range(count):
            line = mutate(rng, rng.choice(bases), words).replace(b"\n", b" ").replace(b"\r", b" ")
            out.append(line)
            if line.strip(b" \t"):
                lines[offset] = line
            offset += len(line) + 1
        self.write("lines.ndjson", b"\n".join(out) + b"\n")
        return lines

    def compare(self, wanted: dict[int, object], found: dict[int, object], lines: dict[int, bytes]) -> None:
        differences = [(lines[at], wanted.get(at), found.get(at)) for at in wanted.keys() | found.keys()
                       if wanted.get(at, Refused) != found.get(at, Refused)]
        self.assertEqual(differences[:20], [], f"{len(differences)} differences of {len(lines)}")

    def test_json_values(self) -> None:
        lines = self.put_lines(random.Random(1), JSON_WHOLE)
        wanted = {}
        for at, line in lines.items():
            try:
                wanted[at] = read_json(line)
            except Refused:
                pass
        rows = self.accepted("files: lines.ndjson, format: json, unread: drop, kind: impression, fields: "
                             "{event_time: {receipt: true}, creative_id: {constant: x}, extra: $}")
        found = {at: read_json(row["extra"].encode()) for at, _, row in rows["lines.ndjson"]}
        self.compare(wanted, found, lines)
        self.assertGreater(len(wanted), JSON_WHOLE / 15)

    def test_json_fields(self) -> None:
        lines = self.put_lines(random.Random(2), JSON_MAPPED)
        wanted = {}
        for at, line in lines.items():
            try:
                value = read_json(line)
            except Refused:
                continue
            if isinstance(value, dict):
                wanted[at] = (self.field(value, "a", "b"), self.field(value, "c", 1), self.field(value, "site", "page"))
        rows = self.accepted("files: lines.ndjson, format: json, kind: impression, fields: {event_time: {receipt: true}, "
                             "creative_id: {constant: x}, imp_id: a.b, page_url: 'c[1]', placement_id: site.page}")
        found = {at: (row["imp_id"], row["page_url"], row["placement_id"]) for at, _, row in rows["lines.ndjson"]}
        self.compare(wanted, found, lines)
        self.assertGreater(sum(any(fields) for fields in wanted.values()), JSON_MAPPED / 100)

    @staticmethod
    def field(value: object, *path: object) -> str | None:
        """The value at a path as a text field has it; the empty text is null."""
        for step in path:
            if isinstance(step, str) and isinstance(value, dict):
                value = value.get(step)
            elif isinstance(step, int) and isinstance(value, list):
                value = value[step] if step < len(value) else None
            else:
                return None
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (dict, list)):
            return None  # compared by test_json_values
        return str(value) or None if value is not None else None

    def test_csv_values(self) -> None:
        rng = random.Random(3)
        head = b"id,name,note\n"
        bases = [head + b'1,"a, b",x\n2,"say ""hi""",\n3,,"two\nlines"\n4,d,e\n', head + b"1,a,b\r\n2,c,d\r\n3,e,f\r\n",
                 head + b"1,a,b\r2,c,d\r3,e,f\r", head + "1,é,\"ü\"\n2,日本,\"\"\n".encode()]
        words = [b'"', b'""', b",", b"\n", b"\r\n", b"\r", b'","', b'"\n"', b"\xc3\xa9", b"\xff", b"\x00", b" ", b"'", b"\\"]
        (self.folder / "csv").mkdir()
        texts = {}
        known = set()  # equal content is read once
        for i in range(CSV):
            text = mutate(rng, rng.choice(bases), words, len(head))
            if text not in known:
                texts[f"csv/{i}.csv"] = text
                (self.folder / f"csv/{i}.csv").write_bytes(text)
            known.add(text)
        rows = self.accepted("files: csv/*.csv, format: csv, unread: drop, kind: impression, fields: "
                             "{event_time: {receipt: true}, creative_id: {constant: x}, extra: $}")
        differences, compared = [], 0
        for name, text in texts.items():
            wanted, whole = self.read_csv(text)
            found = [list(json.loads(row["extra"]).values()) for _, _, row in rows.get(name, [])]
            compared += len(found)
            # After broken quoting Python reads on differently, or not at all.
            same = found == wanted if whole else found[:len(wanted)] == wanted
            if not same:
                differences.append((text, wanted, found))
        self.assertEqual(differences[:5], [], f"{len(differences)} differences of {len(texts)}")
        self.assertGreater(compared, CSV)

    @staticmethod
    def read_csv(text: bytes) -> tuple[list[list[str]], bool]:
        """The rows of three fields that Python reads before an error, and whether there was none."""
        # Undecodable bytes are kept, so that their row alone is refused.
        reader = csv.reader(io.StringIO(text.decode(errors="surrogateescape"), newline=""), strict=True)
        rows = []
        try:
            next(reader)
            for row in reader:
                if len(row) == 3 and not SURROGATES.search("".join(row)):
                    rows.append(row)
        except csv.Error:
            return rows, False
        return rows, True

    def test_avro_values(self) -> None:
        rng = random.Random(4)
        bases = [path.read_bytes() for path in sorted((DATA / "avro").rglob("*.avro")) + [DATA / "seeds/bid_requests.avro"]]
        bases = [data for data in bases if len(data) < 3000 and b"snappy" not in data and b"zstandard" not in data]
        self.assertGreater(len(bases), 10)
        plain = [parts for parts in map(self.uncompressed, bases) if parts and parts[2]]
        words = [b"\x00", b"\x02", b"\xff\xff\xff\xff\x0f", b"\x80", b"\x01"]
        (self.folder / "avro").mkdir()
        files, known = {}, set()  # equal content is read once
        for i in range(AVRO):
            if rng.random() < 0.2:
                data = mutate(rng, rng.choice(bases), words, 4)
            else:
                # In the values alone: the block around them stays whole.
                header, count, body = rng.choice(plain)
                body = mutate(rng, body, words)
                data = header + self.varint(count) + self.varint(len(body)) + body + header[-16:]
            if data not in known:
                files[f"avro/{i}.avro"] = data
            known.add(data)
        differences, compared = [], 0
        readable = {}
        for name, data in files.items():
            rows, whole = self.read_avro(data)
            if rows is not None:
                readable[name] = (rows, whole)
                (self.folder / name).write_bytes(data)
        found = self.accepted("files: avro/*.avro, format: avro, unread: drop, kind: impression, fields: "
                              "{event_time: {receipt: true}, creative_id: {constant: x}, extra: $}")
        broken = {row["file"]: row["at"] for row in self.sql(
            "SELECT split_part(source_position, ':', 1) AS file, "
            "min(split_part(split_part(source_position, ':', 2), '#', 1)::BIGINT) AS at FROM rejects GROUP BY 1")}
        for name, (rows, whole) in readable.items():
            # From a damaged block on, the two go on differently: it is lost alone here, fastavro ends there.
            have = [json.loads(row["extra"]) for at, _, row in found.get(name, []) if at < broken.get(name, 1 << 60)]
            compared += len(have)
            common = len(have) if whole and name not in broken else min(len(have), len(rows))
            if not all(map(self.same, have[:common], rows[:common])) or (name not in broken and len(have) < len(rows)):
                differences.append((files[name], rows, have))
        self.assertEqual(differences[:3], [], f"{len(differences)} differences of {len(readable)}")
        self.assertGreater(compared, AVRO / 3)

    @classmethod
    def same(cls, ours: object, theirs: object) -> bool:
        """Equal, or the same float of 32 bits: adweave writes the shortest number that means it."""
        if isinstance(ours, dict) and isinstance(theirs, dict):
            return ours.keys() == theirs.keys() and all(cls.same(ours[key], theirs[key]) for key in ours)
        if isinstance(ours, list) and isinstance(theirs, list):
            return len(ours) == len(theirs) and all(map(cls.same, ours, theirs))
        if ours == theirs or not isinstance(theirs, float):
            return ours == theirs
        if not math.isfinite(theirs):
            return ours is None or ours == str(theirs)
        return abs(theirs) < 3e38 and struct.pack("f", ours) == struct.pack("f", theirs)

    @staticmethod
    def varint(number: int) -> bytes:
        number, out = number << 1, b""
        while number >= 128:
            number, out = number >> 7, out + bytes([number & 127 | 128])
        return out + bytes([number])

    @staticmethod
    def uncompressed(data: bytes) -> tuple[bytes, int, bytes] | None:
        """A container's header, records and body, written without compression in one block."""
        try:
            reader = fastavro.reader(io.BytesIO(data))
            rows = list(reader)[:20]
            file = io.BytesIO()
            fastavro.writer(file, reader.writer_schema, rows, codec="null", sync_interval=1 << 20)
            block = next(fastavro.block_reader(io.BytesIO(file.getvalue())))
        except (ValueError, TypeError, StopIteration):
            return None
        body = block.bytes_.getvalue()
        head = fastavro.reader(file_at_start := io.BytesIO(file.getvalue()))
        del head
        return file.getvalue()[:file_at_start.tell()], block.num_records, body

    @classmethod
    def read_avro(cls, data: bytes) -> tuple[list | None, bool]:
        """The values that fastavro reads before an error; none when it cannot read the header."""
        rows: list = []
        try:
            reader = fastavro.reader(io.BytesIO(data))
        except Exception:  # noqa: BLE001  whatever a damaged header does to it
            return None, False
        try:
            for row in reader:
                rows.append(cls.plain(row))
        except Exception:  # noqa: BLE001
            return rows, False
        return rows, True

    @classmethod
    def plain(cls, value: object) -> object:
        """As the JSON that adweave makes of it."""
        if isinstance(value, dict):
            return {key: cls.plain(part) for key, part in value.items()}
        if isinstance(value, list):
            return [cls.plain(part) for part in value]
        return value.decode("latin-1") if isinstance(value, bytes) else value


if __name__ == "__main__":
    unittest.main()
