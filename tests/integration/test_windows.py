# SPDX-License-Identifier: Apache-2.0
"""Attribution windows at their edges: a microsecond inside, at the edge, a microsecond beyond, for every kind of touch under
every kind of rule."""

import itertools
import unittest

from adweave import AdweaveTest

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
NOON = 1_698_840_000 * SECOND
CONFIG = """
sources:
  - {name: views, files: views.csv, format: csv, kind: impression, fields: {event_id: id, event_time: {from: t, time: epoch_us},
     user_id: user, creative_id: {constant: cr}, campaign_id: {constant: x}, placement_id: place, viewable: viewable}}
  - {name: clicks, files: clicks.csv, format: csv, kind: click, fields: {event_id: id, event_time: {from: t, time: epoch_us},
     user_id: user, campaign_id: {constant: x}, placement_id: place}}
  - {name: sales, files: sales.csv, format: csv, kind: conversion, fields: {event_id: id, event_time: {from: t, time: epoch_us},
     user_id: user, conversion_type: type}}
attribution:
  windows:
    - {conversion_type: lead, placement_id: top, click_window: 5h, view_window: 2h}
    - {placement_id: top, click_window: 3d, view_window: 90s}
    - {placement_id: side, click_window: 35d, view_window: 35d}
    - {conversion_type: lead, click_window: 7d, view_window: 45m}
  policies:
    - {name: plain, model: linear}
    - {name: short, model: first_touch, click_window: 1h, view_window: 1s, windows: [{conversion_type: lead, view_window: 2s}]}
"""
# Conversion type, placement -> windows of a click and of a view, by policy.
CLASSES = ("click", "viewable_view", "view")
PLACEMENTS = ("top", "side", "foot", "")
TYPES = ("lead", "sale")
DEFAULT = {
    ("lead", "top"): (5 * HOUR, 2 * HOUR),
    ("sale", "top"): (3 * DAY, 90 * SECOND),
    ("lead", "side"): (35 * DAY, 35 * DAY),
    ("sale", "side"): (35 * DAY, 35 * DAY),
    ("lead", "foot"): (7 * DAY, 45 * 60 * SECOND),
    ("lead", ""): (7 * DAY, 45 * 60 * SECOND),
    ("sale", "foot"): (30 * DAY, DAY),
    ("sale", ""): (30 * DAY, DAY),
}


def windows(policy: str, conversion_type: str, placement: str) -> tuple[int, int]:
    if policy == "default":
        return DEFAULT[conversion_type, placement]
    if policy == "plain":
        return 30 * DAY, DAY
    # What a rule leaves out is the policy's.
    return HOUR, 2 * SECOND if conversion_type == "lead" else SECOND


class Windows(AdweaveTest):
    def setUp(self) -> None:
        super().setUp()
        self.touches: dict[str, list[str]] = {"views": ["id,t,user,place,viewable"], "clicks": ["id,t,user,place"]}
        self.sales = ["id,t,user,type"]

    def put_case(self, name: str, touch_class: str, placement: str, conversion_type: str, lag: int) -> None:
        """A person of his own with one touch and one conversion."""
        touch = [f"t-{name}", NOON - lag, f"u-{name}", placement]
        if touch_class == "click":
            self.touches["clicks"].append(",".join(map(str, touch)))
        else:
            self.touches["views"].append(",".join(map(str, [*touch, str(touch_class == "viewable_view").lower()])))
        self.sales.append(f"s-{name},{NOON},u-{name},{conversion_type}")

    def attributed(self) -> dict[tuple[str, str], bool]:
        for feed, rows in {**self.touches, "sales": self.sales}.items():
            self.write(f"{feed}.csv", "\n".join(rows) + "\n")
        self.run_config(self.write("c.yaml", CONFIG))
        rows = self.sql("SELECT policy, conversion_id, touch_id FROM credits WHERE credit > 0")
        self.assertEqual(len(rows), 3 * (len(self.sales) - 1))
        return {(row["policy"], row["conversion_id"]): row["touch_id"] is not None for row in rows}

    def test_every_window_is_half_open_to_the_microsecond(self) -> None:
        expected = {}
        cases = itertools.product(("default", "plain", "short"), CLASSES, PLACEMENTS, TYPES, (-1, 0, 1))
        for k, (policy, touch_class, placement, conversion_type, beyond) in enumerate(cases):
            click, view = windows(policy, conversion_type, placement)
            lag = (click if touch_class == "click" else view) + beyond
            self.put_case(str(k), touch_class, placement, conversion_type, lag)
            expected[policy, f"s-{k}"] = (beyond < 0, (policy, touch_class, placement, conversion_type, beyond))
        found = self.attributed()
        self.assertEqual(len(expected), 216)
        for key, (inside, case) in expected.items():
            with self.subTest(case=case):
                self.assertEqual(found[key], inside)

    def test_a_touch_at_the_time_of_the_conversion_counts_and_a_later_one_does_not(self) -> None:
        expected = {}
        for k, (touch_class, placement, conversion_type, lag) in enumerate(
                itertools.product(CLASSES, PLACEMENTS, TYPES, (-1, 0, 1))):
            self.put_case(str(k), touch_class, placement, conversion_type, lag)
            expected[f"s-{k}"] = lag >= 0
        found = self.attributed()
        for (_, conversion), attributed in found.items():
            self.assertEqual(attributed, expected[conversion], conversion)


if __name__ == "__main__":
    unittest.main()
