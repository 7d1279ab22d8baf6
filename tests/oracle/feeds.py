# SPDX-License-Identifier: Apache-2.0
"""What must become of every row of generated feeds: a reader of its own, row after row.

A row that breaks a rule is rejected; of the rest the first one with an event id is accepted, the same again is a
duplicate, another payload under the id is a conflict, an order under another event id is a duplicate.
"""

import csv
import datetime
import json
import pathlib
import re

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)
YEAR_2000 = 946_684_800_000_000
MINUTE = 60_000_000
HOUR = 60 * MINUTE
CURRENCIES = {"EUR", "USD", "GBP", "JPY", "AUD"}
CSV_FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^",]*))(,|$)')
DELIVERIES = ("", "late/")
KINDS = ("impression", "click", "conversion", "bid_request", "auction_outcome", "engagement")


class Bad(Exception):
    """A row that must be rejected, with the reason."""


def micros(text: str) -> int:
    try:
        return (datetime.datetime.fromisoformat(text) - EPOCH) // MICROSECOND
    except ValueError as error:
        raise Bad("bad_time") from error


def check_time(time_us: int, received_us: int) -> None:
    if time_us < YEAR_2000 or time_us > received_us + 10 * MINUTE:
        raise Bad("time_out_of_range")


def check_money(value: object) -> None:
    if isinstance(value, str) and "${" in value:
        raise Bad("unexpanded_macro")
    try:
        if float(value) < 0:
            raise Bad("negative_money")
    except ValueError as error:
        raise Bad("bad_money") from error


def json_of(raw: bytes) -> dict:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Bad("bad_encoding") from error
    try:
        return json.loads(text)
    except ValueError as error:
        raise Bad("malformed") from error


class Decisions:
    """The outcome of every row by its position, and what was accepted."""

    def __init__(self, logs: pathlib.Path) -> None:
        self.logs = logs
        self.outcomes: dict[str, str] = {}
        self.counts = {}
        self.accepted = {kind: set() for kind in KINDS}
        self.received: dict[str, int] = {}  # of those whose lateness counts
        self._first: dict[tuple, int] = {}
        self._orders: set[tuple] = set()
        with open(logs / "campaigns.csv", encoding="utf-8") as file:
            self._advertisers = {row["campaign_id"]: row["advertiser_id"] for row in csv.DictReader(file)}
        for delivery in DELIVERIES:
            self._lines(delivery, "impressions", self._impression)
            self._csv(delivery)
            self._avro(delivery)
            self._lines(delivery, "auction_outcomes", self._outcome)
            self._lines(delivery, "engagements", self._engagement)

    def _path(self, name: str) -> tuple[bytes, int]:
        path = self.logs / name
        return (path.read_bytes(), path.stat().st_mtime_ns // 1000) if path.exists() else (b"", 0)

    def _lines(self, delivery: str, feed: str, judge) -> None:
        name = f"{delivery}{feed}.ndjson"
        data, received = self._path(name)
        position = 0
        for raw in data.splitlines(keepends=True):
            try:
                outcome = judge(raw, received)
            except Bad as bad:
                outcome = f"rejected {bad}"
            self._put(feed, f"{name}:{position}", outcome)
            position += len(raw)

    def _put(self, source: str, position: str, outcome: str) -> None:
        self.outcomes[position] = outcome
        counts = self.counts.setdefault(source, {"accepted": 0, "duplicate": 0, "conflict": 0, "rejected": 0})
        counts[outcome.partition(" ")[0]] += 1

    def _judge(self, kind: str, event_id: str, payload: bytes, received: int = 0) -> str:
        """Rows of one payload are the same bytes in these feeds."""
        key = (kind, event_id)
        before = self._first.get(key)
        if before is not None:
            return f"{'duplicate' if before == hash(payload) else 'conflict'} {event_id}"
        self._first[key] = hash(payload)
        self.accepted[kind].add(event_id)
        if received:
            self.received[event_id] = received
        return f"accepted {event_id}"

    def _impression(self, raw: bytes, received: int) -> str:
        row = json_of(raw)
        if not row.get("creative_id"):
            raise Bad("missing_field")
        check_time(micros(row["timestamp"]), received)
        check_money(row["price_cpm"])
        if row["currency"] not in CURRENCIES:
            raise Bad("bad_currency")
        return self._judge("impression", row["impression_id"], raw, received)

    def _outcome(self, raw: bytes, received: int) -> str:
        row = json_of(raw)
        check_time(row["time_ms"] * 1000, received)
        return self._judge("auction_outcome", row["id"], raw)

    def _engagement(self, raw: bytes, received: int) -> str:
        row = json_of(raw)
        check_time(micros(row["timestamp"]), received)
        return self._judge("engagement", row["event_id"], raw)

    def _csv(self, delivery: str) -> None:
        name = f"{delivery}clicks_conversions.csv"
        data, received = self._path(name)
        lines = data.splitlines(keepends=True)
        if not lines:
            return
        head = lines[0].decode().strip().split(",")
        position = len(lines[0])
        for raw in lines[1:]:
            try:
                outcome = self._click_or_conversion(head, raw, received)
            except Bad as bad:
                outcome = f"rejected {bad}"
            self._put("clicks_conversions", f"{name}:{position}", outcome)
            position += len(raw)

    def _click_or_conversion(self, head: list[str], raw: bytes, received: int) -> str:
        row = dict(zip(head, csv_fields(raw.decode().rstrip("\n"), len(head))))
        check_time(micros(row["timestamp"]), received)
        event_id = row["event_id"]
        if row["conversion_type"] in ("", "click"):
            return self._judge("click", event_id, raw, received)
        order = (self._advertisers[row["campaign_id"]], row["conversion_type"], row["order_id"])
        own = row["order_id"] != "" and row["adjustment"] in ("", "none")
        if own and order in self._orders and ("conversion", event_id) not in self._first:
            return f"duplicate {event_id}"
        if own:
            self._orders.add(order)
        return self._judge("conversion", event_id, raw, received)

    def _avro(self, delivery: str) -> None:
        name = f"{delivery}bid_requests.avro"
        data, _ = self._path(name)
        if not data:
            return
        at = data.index(b"null", data.index(b"avro.codec") + 10) + len(b"null") + 1
        sync = data[at : at + 16]
        at += 16
        while at < len(data):
            block = at
            records, at = varint(data, at)
            _, at = varint(data, at)
            for k in range(records):
                end, event_id = bid_request(data, at)
                self._put("bid_requests", f"{name}:{block}#{k}", self._judge("bid_request", event_id, data[at:end]))
                at = end
            assert data[at : at + 16] == sync
            at += 16


def csv_fields(text: str, count: int) -> list[str]:
    fields, at = [], 0
    while True:
        match = CSV_FIELD.match(text, at)
        if match is None:
            raise Bad("malformed")
        fields.append(match[2] if match[1] is None else match[1].replace('""', '"'))
        at = match.end()
        if match[3] == "":
            break
    if len(fields) != count:
        raise Bad("malformed")
    return fields


def varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return (number >> 1) ^ -(number & 1), at
        shift += 7


def bid_request(data: bytes, at: int) -> tuple[int, str]:
    """Where the record ends, and its id: id, imp_id, time, user or null, domain, agent, floor, currency."""
    size, at = varint(data, at)
    auction = data[at : at + size].decode()
    size, at = varint(data, at + size)
    imp = data[at : at + size].decode()
    _, at = varint(data, at + size)
    known, at = varint(data, at)
    for _ in range(2 + (1 if known else 0)):
        size, at = varint(data, at)
        at += size
    _, at = varint(data, at)
    size, at = varint(data, at)
    return at + size, f"{auction}/{imp}"
