# SPDX-License-Identifier: Apache-2.0
"""Brute-force last-touch attribution and KPI sums over the generator's truth.

Shares no code, schema or data structure with the engine: plain lists, every touch compared with every conversion of its
person. Rules: a touch of the same person and advertiser, not after the conversion and inside its window (click 30 days,
view 1 day, half open); click before viewable view before view, then the latest, then the smallest id.
"""

import collections
import json
import pathlib

DAY_US = 86_400 * 1_000_000
RANK = {"click": 2, "viewable_view": 1, "view": 0}


def read(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def touch_class(event: dict) -> str:
    if event["kind"] == "click":
        return "click"
    return "viewable_view" if event["viewable"] else "view"


def winner(conversion: dict, touches: list[dict]) -> dict | None:
    best = None
    for touch in touches:
        lag = conversion["time_us"] - touch["time_us"]
        window = 30 * DAY_US if touch["kind"] == "click" else DAY_US
        if touch["advertiser"] != conversion["advertiser"] or not 0 <= lag < window:
            continue
        if best is None:
            best = touch
            continue
        key = (RANK[touch_class(touch)], touch["time_us"])
        best_key = (RANK[touch_class(best)], best["time_us"])
        if key > best_key or (key == best_key and touch["id"].encode() < best["id"].encode()):
            best = touch
    return best


def campaign_sums(truth: pathlib.Path) -> dict[str | None, dict[str, int]]:
    """Counts and nanos by campaign; None is the row of what belongs to none."""
    impressions = read(truth / "impressions.ndjson")
    others = read(truth / "clicks_conversions.ndjson")
    for impression in impressions:  # no dimension knows this creative: no campaign, nobody's advertiser
        if impression["creative"] == "cr-unknown":
            impression["campaign"], impression["advertiser"] = None, "default"
    clicks = [e for e in others if e["kind"] == "click"]
    touches = collections.defaultdict(list)
    for touch in impressions + clicks:
        if "user" in touch:
            touches[touch["user"]].append(touch)

    sums: dict[str | None, dict[str, int]] = collections.defaultdict(lambda: collections.defaultdict(int))
    for impression in impressions:
        sums[impression["campaign"]]["impressions"] += 1
        sums[impression["campaign"]]["spend"] += impression["amount_nanos"]
    for click in clicks:
        sums[click["campaign"]]["clicks"] += 1
        sums[click["campaign"]]["spend"] += click["amount_nanos"]
    for conversion in (e for e in others if e["kind"] == "conversion"):
        won = winner(conversion, touches.get(conversion.get("user", ""), []))
        row = sums[won["campaign"] if won else None]
        row["conversions"] += 1
        row["revenue"] += conversion["amount_nanos"]
        if won is None:
            row["unattributed_conversions"] += 1
        elif won["kind"] == "click":
            row["click_through_conversions"] += 1
        else:
            row["view_through_conversions"] += 1
    return sums
