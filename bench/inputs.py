# SPDX-License-Identifier: Apache-2.0
"""Seeded input, made once and kept in .cache/bench/inputs."""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import uuid
from collections.abc import Callable

import avro_to_json
from context import CACHE, Context

SEED = 1


def made(context: Context, name: str, fill: Callable[[pathlib.Path], None]) -> pathlib.Path:
    """The input folder of that name; where it is missing `fill` makes it, whole or not at all. `fill` is given a path where
    nothing is."""
    folder = CACHE / "inputs" / name
    if folder.exists():
        return folder
    context.say(f"makes {name}")
    new = folder.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.parent.mkdir(parents=True, exist_ok=True)
    fill(new)
    new.rename(folder)
    return folder


def ad_logs(context: Context, events: int, hours: int = 24) -> pathlib.Path:
    """`adweave generate`: feeds with repeats, conflicts, late and broken rows; bid requests as JSON lines too."""
    def fill(new: pathlib.Path) -> None:
        subprocess.run([context.adweave, "generate", "--events", str(events), "--seed", str(SEED), "--hours", str(hours),
                        "--out", str(new)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for part in (new, new / "late"):
            drop_cut_off(part / "impressions.ndjson")
            avro_to_json.convert(part / "bid_requests.avro", part / "bid_requests.ndjson")
        shutil.rmtree(new / "truth")
        (new / "whole_job.yaml").write_text(whole_job_config((new / "adweave.yaml").read_text()))

    return made(context, f"logs-{events}-{hours}h", fill)


def drop_cut_off(path: pathlib.Path) -> None:
    """Takes out broken rows without their end: DuckDB (some) and ClickHouse read on over the line's end there and lose the
    good row that follows, so that no answer could be equal. All other broken rows stay. The time of receipt stays too."""
    if not path.exists():
        return
    times = path.stat()
    new = path.with_suffix(".new")
    with open(path, "rb") as source, open(new, "wb") as target:
        target.writelines(line for line in source if line.endswith(b"}\n"))
    os.utime(new, ns=(times.st_atime_ns, times.st_mtime_ns))
    new.replace(path)


def whole_job_config(text: str) -> str:
    """The generated configuration without the feeds that the job does not read."""
    parts = re.split(r"\n(?=  - name: |dimensions:)", text)
    kept = [part for part in parts if not re.match(r"  - name: (auction_outcomes|engagements)", part)]
    return "\n".join(kept) + "attribution: {policies: [last_touch]}\n"


CLICKS_CONFIG = """sources:
  - name: clicks
    files: clicks.csv
    format: csv
    kind: click
    fields: {event_id: event_id, event_time: timestamp, user_id: user_id, campaign_id: campaign_id,
             impression_id: impression_id, cost: cost, currency: currency, page_category: note, user_agent: user_agent}
"""
AGENTS = ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0, like Mac OS X)",
          "Mozilla/5.0 (Linux; Android 13; Pixel 7)")
NOTES = ('sports', '"news, world"', '"two\nlines"', '"a ""quoted"" word"')


def clicks(context: Context, rows: int) -> pathlib.Path:
    """Clicks as CSV, with commas, quotes and line ends within quotes."""
    def fill(new: pathlib.Path) -> None:
        new.mkdir()
        random_bits = random.Random(SEED).getrandbits
        with open(new / "clicks.csv", "w", encoding="utf-8", newline="") as out:
            out.write("event_id,timestamp,user_id,campaign_id,impression_id,cost,currency,note,user_agent\n")
            for number in range(rows):
                bits = random_bits(64)
                second = number * 86_400 // rows
                clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{bits % 1_000_000:06}"
                note = NOTES[0 if bits >> 20 & 15 else bits >> 24 & 3]
                out.write(f"clk-{number:08x},2023-11-01T{clock}+00:00,u{bits >> 28 & 0xFFFFF},cmp-{bits >> 48 & 15},"
                          f'imp-{bits >> 32:08x},0.{bits % 97:02},EUR,{note},"{AGENTS[bits % 3]}"\n')
        (new / "clicks.yaml").write_text(CLICKS_CONFIG)

    return made(context, f"clicks-{rows}", fill)


IMPRESSION_FIELDS = ("impression_id", "timestamp", "user_id", "creative_id", "website", "auction_id", "price_cpm", "currency",
                     "viewable", "time_on_ad_ms", "user_agent")
IMPRESSION_TYPES = {"price_cpm": "double", "viewable": "boolean", "time_on_ad_ms": "long"}  # the others: string
IMPRESSION_SOURCE = {"kind": "impression", "fields": {
    "event_id": "impression_id", "event_time": "timestamp", "user_id": "user_id", "creative_id": "creative_id", "website": "website",
    "auction_id": "auction_id", "cost": {"from": "price_cpm", "unit": "per_thousand"}, "currency": "currency", "viewable": "viewable",
    "time_on_ad_ms": "time_on_ad_ms", "user_agent": "user_agent"}}


def impressions(context: Context, rows: int) -> pathlib.Path:
    """Impressions of a day, each once, as JSON lines; the Avro schema of them; and what a configuration's source says of them."""
    def fill(new: pathlib.Path) -> None:
        new.mkdir()
        random_bits = random.Random(SEED).getrandbits
        with open(new / "impressions.ndjson", "w", encoding="utf-8") as out:
            for number in range(rows):
                bits = random_bits(64)
                second = number * 86_400 // rows
                out.write(f'{{"impression_id":"imp-{number:08x}","timestamp":"2023-11-01T{second // 3600:02}:{second // 60 % 60:02}:'
                          f'{second % 60:02}.{bits % 1_000_000:06}+00:00","user_id":"u{bits >> 28 & 0xFFFFF}","creative_id":'
                          f'"cr-{bits >> 48 & 127}","website":"site-{bits >> 56 & 63}.example","auction_id":"auc-{bits >> 32:08x}",'
                          f'"price_cpm":{bits % 797 / 100},"currency":"EUR","viewable":{"true" if bits & 1 else "false"},'
                          f'"time_on_ad_ms":{bits >> 20 & 0x3FFF},"user_agent":"{AGENTS[bits % 3]}"}}\n')
        with open(new / "creatives.csv", "w", encoding="utf-8") as out:
            out.write("creative_id,campaign_id\n")
            out.writelines(f"cr-{number},cmp-{number // 8}\n" for number in range(128))
        fields = [{"name": name, "type": IMPRESSION_TYPES.get(name, "string")} for name in IMPRESSION_FIELDS]
        (new / "impression.avsc").write_text(json.dumps({"type": "record", "name": "impression", "fields": fields}))
        (new / "source.json").write_text(json.dumps(IMPRESSION_SOURCE))

    return made(context, f"impressions-{rows}", fill)


YAHOO_CONFIG = """sources:
  - name: events
    files: events.ndjson
    format: json
    deduplicate: off
    unread: drop
    rows:
      - when: {event_type: view}
        kind: impression
        fields: {event_time: {from: event_time, time: epoch_ms}, creative_id: ad_id}
      - drop: no view
dimensions: {creatives: creatives.csv}
"""
YAHOO_BEGIN_MS = 1_490_000_000_000
YAHOO_EVENTS_A_SECOND = 10_000


def yahoo(context: Context, events: int) -> pathlib.Path:
    """The Yahoo streaming benchmark's events: 100 users and pages, 100 campaigns of 10 ads, times up to 50 ms out of order and
    one in 100,000 up to a minute late."""
    def fill(new: pathlib.Path) -> None:
        new.mkdir()
        bits = random.Random(SEED)
        users, pages = ([str(uuid.UUID(int=bits.getrandbits(128))) for _ in range(100)] for _ in range(2))
        ads = [str(uuid.UUID(int=bits.getrandbits(128))) for _ in range(1000)]
        campaigns = [str(uuid.UUID(int=bits.getrandbits(128))) for _ in range(100)]
        types = ("banner", "modal", "sponsored-search", "mail", "mobile")
        kinds = ("view", "click", "purchase")
        with open(new / "creatives.csv", "w", encoding="utf-8") as out:
            out.write("creative_id,campaign_id\n")
            out.writelines(f"{ad},{campaigns[number // 10]}\n" for number, ad in enumerate(ads))
        with open(new / "events.ndjson", "w", encoding="utf-8") as out:
            for number in range(events):
                drawn = bits.getrandbits(64)
                time = YAHOO_BEGIN_MS + number * 1000 // YAHOO_EVENTS_A_SECOND + drawn % 101 - 50
                if (drawn >> 8) % 100_000 == 0:
                    time -= (drawn >> 24) % 60_000
                out.write(f'{{"user_id": "{users[(drawn >> 12) % 100]}", "page_id": "{pages[(drawn >> 20) % 100]}", '
                          f'"ad_id": "{ads[(drawn >> 28) % 1000]}", "ad_type": "{types[(drawn >> 40) % 5]}", '
                          f'"event_type": "{kinds[(drawn >> 44) % 3]}", "event_time": "{time}", "ip_address": "1.2.3.4"}}\n')
        (new / "yahoo.yaml").write_text(YAHOO_CONFIG)

    return made(context, f"yahoo-{events}", fill)
