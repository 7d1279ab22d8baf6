# SPDX-License-Identifier: Apache-2.0
"""The oracle: it knows the bytes of every event that was made, and what must have become of it."""

import dataclasses
import datetime
import decimal
import json
import pathlib
import threading
from collections import Counter

import ledger

FIRST = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
FIELDS = {"event_id": "id", "event_time": "timestamp", "user_id": "user_id", "creative_id": "creative_id", "cost": "cost",
          "currency": "currency"}


@dataclasses.dataclass
class Tally:
    """What a fault has done, as the C++ faults print it."""

    fault: str
    rounds: int = 0
    events: int = 0
    lost: int = 0
    twice: int = 0
    altered: int = 0
    notes: list[str] = dataclasses.field(default_factory=list)  # what is wrong, in words

    def ok(self) -> bool:
        return self.rounds > 0 and self.events > 0 and self.lost + self.twice + self.altered == 0

    def alter(self, note: str) -> None:
        self.altered += 1
        self.notes.append(note)

    def line(self, as_json: bool) -> str:
        numbers = {name: getattr(self, name) for name in ("rounds", "events", "lost", "twice", "altered")}
        if as_json:
            return json.dumps({"fault": self.fault, **numbers, "ok": self.ok()})
        return (f"{'ok' if self.ok() else 'FAILED':<6} {self.fault:<44} {self.rounds:>6} rounds {self.events:>9} rows: "
                f"{self.lost} lost, {self.twice} twice, {self.altered} altered")


class Oracle:
    """Events by their ids. Thread-safe."""

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.lines: dict[str, bytes] = {}
        self.promised: set[str] = set()  # must be there: acknowledged, or in a log that stays
        self.garbage: Counter[bytes] = Counter()  # must be rejects, with these bytes

    def make(self, prefix: str, count: int) -> list[str]:
        """New events; returns their ids."""
        with self.mutex:
            numbers = range(len(self.lines), len(self.lines) + count)
            made = {}
            for n in numbers:
                event = {"id": f"{prefix}-{n}", "timestamp": (FIRST + datetime.timedelta(milliseconds=n * 37)).isoformat(),
                         "user_id": f"user {n % 97}", "creative_id": f"c{n % 13}", "cost": f"{n % 1000}.{n % 1_000_000:06}",
                         "currency": "EUR"}
                made[event["id"]] = json.dumps(event).encode()
            self.lines |= made
            return list(made)

    def body(self, ids: list[str]) -> bytes:
        return b"".join(self.lines[name] + b"\n" for name in ids)

    def promise(self, ids: list[str]) -> None:
        with self.mutex:
            self.promised.update(ids)

    def missing(self, data: pathlib.Path) -> int:
        """How many of the promised events have no row yet."""
        try:
            return len(self.promised - {row["event_id"] for row in ledger.read(data).impressions})
        except FileNotFoundError:  # a merge has replaced a file meanwhile
            return -1

    def is_row(self, row: dict, data: pathlib.Path) -> bool:
        line = self.lines.get(row["event_id"])
        if line is None:
            return False
        event = json.loads(line)
        is_same = (row["user_id"], row["creative_id"], row["currency"]) == (event["user_id"], event["creative_id"], event["currency"])
        is_same &= row["event_time"] == datetime.datetime.fromisoformat(event["timestamp"])
        is_same &= row["cost"] == decimal.Decimal(event["cost"])
        kept = ledger.bytes_at(data, row)
        return is_same and kept in (None, line)

    def compare(self, data: pathlib.Path, tally: Tally) -> ledger.Ledger:
        found = ledger.read(data)
        times = Counter(row["event_id"] for row in found.impressions)
        tally.events += len(found.impressions) + len(found.rejects)
        lost = self.promised - set(times)
        tally.lost += len(lost)
        tally.twice += sum(times.values()) - len(times)
        if lost:
            tally.notes.append(f"lost: {sorted(lost)[:5]}")
        for row in found.impressions:
            if not self.is_row(row, data):
                tally.alter(f"no such event: {row}")
        raws = Counter(bytes(row["raw"]) for row in found.rejects)
        missing = self.garbage - raws
        tally.lost += sum(missing.values())
        tally.notes += [f"no such reject: {raw[:80]}" for raw in missing]
        for raw in raws - self.garbage:
            tally.alter(f"not sent, and rejected: {raw[:80]}")
        if not found.epochs_in_order():
            tally.alter("the records are no chain")
        for source in {counts["source"] for record in found.records for counts in record["counts"]}:
            counted = found.counted(source)
            if counted["records_read"] != sum(number for name, number in counted.items() if name != "records_read"):
                tally.alter(f"{source} does not add up: {counted}")
        return found
