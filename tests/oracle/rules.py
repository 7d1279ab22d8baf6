# SPDX-License-Identifier: Apache-2.0
"""Joins, double clicks, adjustments and credits by brute force over true events: plain lists, person by person."""

import bisect
import collections
import dataclasses
import decimal
import json
import pathlib

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
HORIZON = 35 * DAY
MOST_TOUCHES = 256  # that share a conversion; of losing ones so many of the latest are recorded
PPB = 1_000_000_000
RANK = {"view": 0, "viewable_view": 1, "click": 2}
decimal.getcontext().prec = 60


@dataclasses.dataclass
class Policy:
    name: str
    model: str
    click_window: int = 30 * DAY
    view_window: int = DAY
    # (conversion type or None, placement or None, click window, view window): the first that fits
    windows: tuple = ()
    repeats: str = "every"
    half_life: int = 7 * DAY
    first: int = 40
    last: int = 40


class World:
    """True events, with what follows from all of them together."""

    def __init__(self, truth: pathlib.Path, one_per_click: set[str]) -> None:
        self.one_per_click = one_per_click
        self.events = collections.defaultdict(list)
        for path in sorted(truth.glob("*.ndjson")):
            with open(path, encoding="utf-8") as file:
                for line in file:
                    event = json.loads(line)
                    self.events[event["kind"]].append(event)
        for impression in self.events["impression"]:
            if impression["creative"] == "cr-unknown":  # no dimension knows it: nobody's
                impression["campaign"], impression["advertiser"] = None, "default"
        self.by_id = {(e["advertiser"], e["id"]): e for e in self.events["impression"]}
        self._engage()
        self._join()
        self._find_doubles()
        self._adjust()
        self._collect_touches()

    def _engage(self) -> None:
        """An impression is as viewable, long and interactive as it says itself and its engagements say."""
        for impression in self.events["impression"]:
            impression["class"] = "viewable_view" if impression.get("viewable") else "view"
            impression["steps"] = set()
            impression["engaged"] = False
            impression["viewable_now"] = impression.get("viewable")
            impression["time_now"] = impression.get("duration_ms")
        for engagement in self.events["engagement"]:
            impression = self.by_id.get((engagement["advertiser"], engagement["impression_id"]))
            if impression is None:
                continue
            impression["engaged"] = True
            if engagement["type"] == "viewable":
                impression["viewable_now"] = True
                if "duration_ms" in engagement:
                    impression["time_now"] = (impression["time_now"] or 0) + engagement["duration_ms"]
            elif engagement["type"] not in ("close", "mute"):
                impression["steps"].add(engagement["type"])
        for impression in self.events["impression"]:
            own = impression.get("interactions")
            silent = own is None and not impression["engaged"]
            impression["interactions_now"] = None if silent else (own or 0) + len(impression["steps"])

    def _join(self) -> None:
        views = collections.defaultdict(list)
        for impression in self.events["impression"]:
            if "user" in impression:
                views[impression["user"], impression["advertiser"], impression["campaign"]].append(impression)
        for click in self.events["click"]:
            click["class"] = "click"
            click["joined_by"], click["joined"] = "none", None
            sent = click.get("impression_id")
            if sent is not None:
                if (click["advertiser"], sent) in self.by_id:
                    click["joined_by"], click["joined"] = "id", sent
                continue
            best = None
            for view in views[click["user"], click["advertiser"], click["campaign"]] if "user" in click else ():
                if not 0 <= click["time_us"] - view["time_us"] < 6 * HOUR:
                    continue
                later = best is None or view["time_us"] > best["time_us"]
                if later or (view["time_us"] == best["time_us"] and view["id"].encode() < best["id"].encode()):
                    best = view
            if best is not None:
                click["joined_by"], click["joined"] = "user_and_time", best["id"]

    def _find_doubles(self) -> None:
        clicks_of = collections.defaultdict(list)
        for click in self.events["click"]:
            click["double"] = False
            if click["joined"] is not None:
                clicks_of[click["advertiser"], click["joined"]].append(click)
        for clicks in clicks_of.values():
            valid = None
            for click in sorted(clicks, key=lambda c: (c["time_us"], c["id"].encode())):
                if valid is not None and click["time_us"] - valid["time_us"] < SECOND:
                    click["double"] = True
                else:
                    valid = click

    def _adjust(self) -> None:
        said = collections.defaultdict(list)
        for event in self.events["conversion"]:
            if "adjustment" in event:
                said[event["advertiser"], event["adjusts"]].append(event)
        self.conversions = []
        for event in self.events["conversion"]:
            if "adjustment" in event:
                continue
            about = said[event["advertiser"], event["id"]]
            event["retracted"] = any(a["adjustment"] == "retraction" for a in about)
            event["value_now"] = event["amount_nanos"] or None  # the feed leaves 0 out
            event["currency_now"] = event["currency"]
            restated = [a for a in about if a["adjustment"] == "restatement"]
            if restated:
                last = max(restated, key=lambda a: (a["time_us"], a["id"].encode()))
                event["value_now"], event["currency_now"] = last["amount_nanos"], last["currency"]
            self.conversions.append(event)

    def _collect_touches(self) -> None:
        self.touches = collections.defaultdict(list)
        for event in self.events["impression"] + self.events["click"]:
            if "user" in event:
                self.touches[event["user"], event["advertiser"]].append(event)
        for touches in self.touches.values():
            touches.sort(key=lambda t: (t["time_us"], t["id"].encode()))
        self.times = {person: [t["time_us"] for t in touches] for person, touches in self.touches.items()}

    def credits(self, policy: Policy) -> list[tuple]:
        """(conversion, touch or None, reason, credit, value, path position, path length) of each conversion that counts."""
        journeys = collections.defaultdict(list)
        for conversion in self.conversions:
            person = (conversion["user"], conversion["advertiser"]) if "user" in conversion else ("", conversion["id"])
            journeys[person].append(conversion)
        rows = []
        for person, conversions in journeys.items():
            used = set()
            for conversion in sorted(conversions, key=lambda c: (c["time_us"], c["id"].encode())):
                if not conversion["retracted"]:
                    rows += self._credit(policy, person, conversion, used)
        return rows

    def _credit(self, policy: Policy, person: tuple, conversion: dict, used: set) -> list[tuple]:
        time = conversion["time_us"]
        times = self.times.get(person, [])
        near = self.touches.get(person, [])[bisect.bisect_right(times, time - HORIZON) : bisect.bisect_right(times, time)]
        path = [t for t in near if not t.get("double") and time - t["time_us"] < window(policy, t, conversion["type"])]
        reasons = {t["id"]: "repeat" if t.get("double") else "outside_window" for t in near}
        value = conversion["value_now"] or 0
        if path:
            deciding = best_of(path)
            again = (conversion["type"], deciding["id"]) in used
            used.add((conversion["type"], deciding["id"]))
            if again and (deciding["class"] != "click" or conversion["type"] in self.one_per_click):
                reasons.update({t["id"]: "repeat" for t in path})
                path = []
        shares = share(policy, path, time, value, reasons) if path else {}
        place = {t["id"]: k for k, t in enumerate(path, 1)}
        rows = []
        for k, touch in enumerate(near):
            credit, part = shares.get(touch["id"], (0, 0))
            if credit == 0 and k < len(near) - MOST_TOUCHES:
                continue
            at = place.get(touch["id"])
            rows.append((conversion, touch, reasons[touch["id"]], credit, part, at, len(path) if at else None))
        if not path:
            rows.append((conversion, None, "unattributed", PPB, value, None, None))
        return rows


def window(policy: Policy, touch: dict, conversion_type: str) -> int:
    click, view = policy.click_window, policy.view_window
    placement = touch["website"] if touch["class"] != "click" else None  # clicks of these feeds name no placement
    for rule_type, rule_placement, rule_click, rule_view in policy.windows:
        if rule_type in (None, conversion_type) and rule_placement in (None, placement):
            click, view = rule_click, rule_view
            break
    return click if touch["class"] == "click" else view


def best_of(path: list[dict]) -> dict:
    best = path[0]
    for touch in path[1:]:
        key, best_key = (RANK[touch["class"]], touch["time_us"]), (RANK[best["class"]], best["time_us"])
        if key > best_key or (key == best_key and touch["id"].encode() < best["id"].encode()):
            best = touch
    return best


def share(policy: Policy, path: list[dict], time: int, value: int, reasons: dict) -> dict:
    """Touch id -> (credit, value); fills in the reasons of the path."""
    if policy.model in ("last_touch", "first_touch"):
        won = best_of(path) if policy.model == "last_touch" else path[0]
        for touch in path:
            weaker = RANK[touch["class"]] < RANK[won["class"]]
            reasons[touch["id"]] = "lower_class" if weaker else "superseded"
        reasons[won["id"]] = "won"
        return {won["id"]: (PPB, value)}
    counted, campaigns = [], set()
    for touch in reversed(path):
        if len(counted) == MOST_TOUCHES:
            break
        reasons[touch["id"]] = "repeat"
        if policy.repeats == "every" or touch["campaign"] not in campaigns:
            counted.insert(0, touch)
            reasons[touch["id"]] = "share"
        campaigns.add(touch["campaign"])
    weights = weights_of(policy, [time - t["time_us"] for t in counted])
    return {t["id"]: pair for t, pair in zip(counted, zip(split(PPB, weights), split(value, weights)))}


def weights_of(policy: Policy, lags: list[int]) -> list[int]:
    count = len(lags)
    if policy.model == "linear" or count == 1:
        return [1] * count
    if policy.model == "time_decay":
        return [decayed(lag - lags[-1], policy.half_life) for lag in lags]
    if count == 2:
        return [policy.first, policy.last] if policy.first + policy.last else [1, 1]
    between = 100 - policy.first - policy.last
    return [policy.first * (count - 2), *[between] * (count - 2), policy.last * (count - 2)]


def decayed(age: int, half_life: int) -> int:
    """2^-(age / half-life) in units of 10^-40; the age counts in steps of 2^-32 half-lives."""
    whole, rest = divmod(age, half_life)
    if whole > 62:
        return 0
    steps = (rest << 32) // half_life
    return int(decimal.Decimal(2) ** (-decimal.Decimal(steps) / 2**32) * 10**40) >> whole


def split(total: int, weights: list[int]) -> list[int]:
    """By the largest remainder, of equal ones the earliest."""
    if total < 0:
        return [-part for part in split(-total, weights)]
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts
