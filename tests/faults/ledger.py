# SPDX-License-Identifier: Apache-2.0
"""Reads a data folder as docs/reference/ledger-format.md and journal-format.md describe it, with nothing of the program's."""

import dataclasses
import functools
import json
import pathlib

import pyarrow
import pyarrow.parquet

COLUMNS = ["event_id", "user_id", "creative_id", "event_time", "cost", "currency", "source_position", "source_length"]


@dataclasses.dataclass
class Ledger:
    records: list[dict]
    impressions: list[dict]
    rejects: list[dict]  # those that stand: what a replay has taken back is not among them

    def counted(self, source: str) -> dict[str, int]:
        """What the records count of a source, in all."""
        sums = dict.fromkeys(("records_read", "accepted", "duplicate", "conflict", "rejected"), 0)
        for record in self.records:
            for counts in record["counts"]:
                if counts["source"] == source:
                    for name in sums:
                        sums[name] += counts[name]
        return sums

    def epochs_in_order(self) -> bool:
        """Each record follows the one before it, and none is of a writer that had been taken over."""
        pairs = zip(self.records, self.records[1:])
        return all(b["number"] == a["number"] + 1 and b["previous"] == a["checksum"] and b["epoch"] >= a["epoch"] for a, b in pairs)


def records_of(data: pathlib.Path) -> list[dict]:
    records: dict[int, dict] = {}
    for path in [*(data / "ledger").glob("*.commit"), *(data / "ledger").glob("*.pack")]:
        for line in path.read_text().splitlines():
            record = json.loads(line)
            records[record["number"]] = record
    return [records[number] for number in sorted(records)]


def live_files(records: list[dict], table: str) -> list[str]:
    files: dict[str, None] = {}
    for record in records:
        for file in record["added"]:
            if file["table"] == table:
                files[file["path"]] = None
        for file in record.get("replaced", []):
            files.pop(file["path"], None)
    return list(files)


def rows_of(data: pathlib.Path, records: list[dict], table: str, columns: list[str]) -> list[dict]:
    return [row for path in live_files(records, table) for row in pyarrow.parquet.ParquetFile(data / path).read(columns).to_pylist()]


def read(data: pathlib.Path) -> Ledger:
    records = records_of(data)
    rejects: dict[str, dict] = {}
    taken_back = set()
    for row in rows_of(data, records, "rejects", ["source_position", "raw", "reason", "state", "sign"]):
        if row["sign"] < 0:
            taken_back.add(row["source_position"])
        else:
            rejects[row["source_position"]] = row
    return Ledger(records, rows_of(data, records, "impressions", COLUMNS),
                  [row for position, row in rejects.items() if position not in taken_back])


def bytes_at(data: pathlib.Path, row: dict) -> bytes | None:
    """What a row was made of, where it lies in the journal; None: it came another way."""
    kind, _, place = row["source_position"].partition(":")
    if kind != "journal":
        return None
    segment, offset = map(int, place.split(":")[:2])
    plain = data / "journal" / f"journal-{segment:020}.log"
    try:
        with plain.open("rb") as file:
            file.seek(offset)
            return file.read(row["source_length"])
    except FileNotFoundError:
        return archived(f"{plain}.zst")[offset:offset + row["source_length"]]


@functools.lru_cache(maxsize=4)
def archived(path: str) -> bytes:
    with pyarrow.CompressedInputStream(path, "zstd") as archive:
        return archive.read()
