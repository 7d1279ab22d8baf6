# SPDX-License-Identifier: Apache-2.0
"""Engine beside brute force, number by number."""

import fractions
import json
import pathlib

import kpis
from feeds import Decisions
from rules import Policy, World

MOST_WORDS = 10
RELATIVE_ERROR = fractions.Fraction(1, 10**12)  # of doubles
POSITIONS = """
SELECT source_position, 'accepted ' || event_id AS outcome FROM {table}
"""
OTHER_POSITIONS = """
SELECT source_position, 'duplicate ' || event_id AS outcome FROM duplicates
UNION ALL SELECT source_position, CASE WHEN outcome = 'conflict' THEN 'conflict ' || event_id ELSE 'rejected ' || reason END
FROM rejects"""
TABLES = ("impressions", "clicks", "conversions", "bid_requests", "auction_outcomes", "engagements")
TIME = "epoch_us(event_time) AS t"
EVENTS = {
    "impression": f"""SELECT event_id, {TIME}, user_id, advertiser_id, campaign_id, creative_id, website, cost AS amount,
                      currency, viewable, time_on_ad_ms AS ms, interactions FROM impressions""",
    "click": f"SELECT event_id, {TIME}, user_id, advertiser_id, campaign_id, cost AS amount, currency FROM clicks",
    "conversion": f"""SELECT event_id, {TIME}, user_id, advertiser_id, conversion_type AS type, value AS amount, currency,
                      order_id, adjustment, adjusts FROM conversions""",
    "bid_request": f"SELECT event_id, {TIME}, user_id, website, floor AS amount, currency FROM bid_requests",
    "auction_outcome": f"SELECT event_id, {TIME}, outcome AS type, price AS amount, currency FROM auction_outcomes",
    "engagement": f"""SELECT event_id, {TIME}, advertiser_id, impression_id, engagement_type AS type, duration_ms AS ms
                      FROM engagements""",
}
TRUE_NAMES = {"user_id": "user", "advertiser_id": "advertiser", "campaign_id": "campaign", "creative_id": "creative",
              "ms": "duration_ms"}
# Dimensions, the report's options, the zone of time buckets.
GROUPINGS = (
    ((), (), None),
    (("campaign_id", "currency"), (), None),
    (("creative_id", "currency"), (), None),
    (("website", "currency"), (), None),
    (("advertiser_id", "currency"), (), None),
    (("conversion_type", "currency"), (), None),
    (("joined_by", "is_double_click", "currency"), (), None),
    (("day", "currency"), ("--zone", "Asia/Kolkata"), ("day", "Asia/Kolkata")),
    (("hour", "currency"), ("--zone", "Asia/Kolkata"), ("hour", "Asia/Kolkata")),
    (("day", "campaign_id", "currency"), ("--zone", "Europe/Berlin"), ("day", "Europe/Berlin")),
    (("day", "currency"), ("--zone", "Australia/Sydney", "--date-by", "touch"), ("day", "Australia/Sydney")),
)
CREDIT_GROUPINGS = (("policy", "currency"), ("policy", "campaign_id", "currency"), ("model", "conversion_type", "currency"),
                    ("policy", "website", "currency"))


def nanos(text) -> int | None:
    if text is None:
        return None
    whole, _, part = str(text).partition(".")
    number = int(whole.lstrip("-")) * 10**9 + int(part.ljust(9, "0") or 0)
    return -number if whole.startswith("-") else number


class Comparison:
    def __init__(self, logs: pathlib.Path, engine, policies: list[Policy], one_per_click: set[str]) -> None:
        self.engine = engine
        self.policies = policies
        self.checks = 0
        self.differences = 0
        self.first: list[str] = []
        self.logs = logs
        self.decisions = Decisions(logs)
        self.world = World(logs / "truth", one_per_click)
        self.cells: dict[tuple, kpis.Cells] = {}
        self.credits = [(policy, self.world.credits(policy)) for policy in policies]

    def compare(self) -> None:
        self.compare_truth()
        self.compare_events()
        self.compare_clicks()
        self.compare_conversions()
        self.compare_credits()
        self.compare_reports()
        self.compare_outcomes()

    def check(self, what: str, found, expected) -> None:
        self.checks += 1
        if found != expected:
            self.differ(f"{what}: the engine says {shown(found)}, it is {shown(expected)}")

    def differ(self, words: str) -> None:
        self.differences += 1
        if len(self.first) < MOST_WORDS:
            self.first.append(words)

    def compare_truth(self) -> None:
        """The oracle's own reading of the feeds against what the generator meant."""
        expected = json.loads((self.logs / "truth/expected.json").read_text())
        for feed, counts in self.decisions.counts.items():
            for outcome, count in counts.items():
                self.check(f"the oracle's count of {feed} that are {outcome}, and the truth", count, expected["feeds"][feed][outcome])
        for kind, accepted in self.decisions.accepted.items():
            self.check(f"the oracle's {kind} events, and the truth", accepted == {e["id"] for e in self.world.events[kind]}, True)

    def compare_outcomes(self) -> None:
        """Every row of every feed by its position. Uses them up."""
        missing = self.decisions.outcomes
        for statement in [*(POSITIONS.format(table=table) for table in TABLES), OTHER_POSITIONS]:
            for row in self.engine.sql(statement):
                position = row["source_position"]
                self.check(f"the row at {position}", row["outcome"], missing.pop(position, "no row, or one already told"))
        for position, outcome in missing.items():
            self.check(f"the row at {position}", "nothing", outcome)
        audit = {row["source"]: row for row in self.engine.sql(
            "SELECT source, sum(received)::BIGINT AS received, sum(accepted)::BIGINT AS accepted, "
            "sum(duplicate)::BIGINT AS duplicate, sum(conflict)::BIGINT AS conflict, "
            "sum(rejected)::BIGINT AS rejected FROM audit GROUP BY 1")}
        for source, counts in self.decisions.counts.items():
            for outcome, count in {**counts, "received": sum(counts.values())}.items():
                self.check(f"the audit's {outcome} of {source}", audit.get(source, {}).get(outcome), count)

    def compare_events(self) -> None:
        """Each field of each accepted event."""
        for kind, statement in EVENTS.items():
            events = {event["id"]: event for event in self.world.events[kind]}
            for row in self.engine.sql(statement):
                event = events.pop(row.pop("event_id"), None)
                if event is None:
                    self.differ(f"the engine has a {kind} that is none: {row}")
                    continue
                row["amount"] = nanos(row.get("amount"))
                self.check(f"{kind} {event['id']}", row, true_row(event, row))
            for name in events:
                self.differ(f"the engine does not have {kind} {name}")

    def compare_clicks(self) -> None:
        clicks = {click["id"]: click for click in self.world.events["click"]}
        for row in self.engine.sql("SELECT event_id, impression_id, joined_by, is_double_click FROM clicks"):
            click = clicks.get(row["event_id"])
            if click is None:
                continue  # told with the events
            shown_id = click["joined"] or click.get("impression_id")
            found = (row["impression_id"], row["joined_by"], row["is_double_click"])
            self.check(f"click {click['id']}: impression, joined by, double", found,
                       (shown_id, click["joined_by"], click["double"]))

    def compare_conversions(self) -> None:
        expected = {c["id"]: (c["value_now"], c["currency_now"]) for c in self.world.conversions if not c["retracted"]}
        found = {row["event_id"]: (nanos(row["value"]), row["currency"]) for row in
                 self.engine.sql("SELECT event_id, value, currency FROM attributed_conversions")}
        for name in {*expected, *found}:
            self.check(f"conversion {name}: value in nanos, currency", found.get(name), expected.get(name))

    def compare_credits(self) -> None:
        expected = {}
        for policy, rows in self.credits:
            for conversion, touch, reason, credit, value, place, length in rows:
                key = (policy.name, conversion["id"], touch and touch["id"])
                expected[key] = (policy.model, reason, credit, value, conversion["currency_now"], place, length)
        for row in self.engine.sql("SELECT policy, model, conversion_id, touch_id, reason, credit, value, currency, "
                                   "path_position, path_length FROM credits"):
            key = (row["policy"], row["conversion_id"], row["touch_id"])
            found = (row["model"], row["reason"], row["credit"], nanos(row["value"]), row["currency"], row["path_position"],
                     row["path_length"])
            self.check("credit of {1} for touch {2} by policy {0}".format(*key), found,
                       expected.pop(key, "no such credit, or one already told"))
        for key, value in expected.items():
            self.check("credit of {1} for touch {2} by policy {0}".format(*key), None, value)
        for row in self.engine.sql("SELECT policy, conversion_id, sum(sign * credit)::BIGINT AS credit FROM credits_log "
                                   "GROUP BY ALL HAVING sum(sign * credit) NOT IN (0, 1000000000)"):
            self.differ(f"the signed credits of {row['conversion_id']} by {row['policy']} sum to {row['credit']} ppb")

    def compare_reports(self) -> None:
        if not self.cells:
            self.work_out_cells()
        for (by, words, metrics), cells in self.cells.items():
            self.compare_cells(by, words, metrics, cells)
        self.compare_feed_rates()

    def work_out_cells(self) -> None:
        cube = kpis.Cube(self.world, self.credits[0][1], self.decisions.received)
        for by, words, zoned in GROUPINGS:
            clock = kpis.Clock(*zoned) if zoned else None
            self.cells[by, words, kpis.EVENT_METRICS] = cube.cells(by, clock, "touch" in words)
        for by in CREDIT_GROUPINGS:
            self.cells[by, (), kpis.CREDIT_METRICS] = kpis.credit_cells(by, self.credits)

    def compare_cells(self, by: tuple, words: tuple, metrics: tuple, cells: kpis.Cells) -> None:
        keys = set(cells.sums)
        for row in self.engine.report(by, metrics, *words):
            key = tuple(row[name] for name in by)
            where = " ".join(f"{name}={shown(part)}" for name, part in zip((*by, *words[1::2]), (*key, *words[1::2])))
            if key not in keys:
                self.differ(f"the report by {','.join(by)} has a row that should not be: {where}")
                continue
            keys.discard(key)
            for metric in metrics:
                self.check_metric(f"{metric} of {where or 'all'}", metric, row[metric], cells, key, "currency" in by)
        for key in keys:
            self.differ(f"the report by {','.join(by)} lacks the row {key}")

    def check_metric(self, what: str, metric: str, found, cells: kpis.Cells, key: tuple, one_currency: bool) -> None:
        money = metric in kpis.MONEY or metric in kpis.MONEY_RATIOS
        # Amounts of several currencies are never added.
        expected = cells.value(key, metric) if one_currency or not (money or metric == "roas") else None
        if money:
            self.check(what + " in nanos", nanos(found), expected)
        elif isinstance(expected, fractions.Fraction) and found is not None:
            near = abs(fractions.Fraction(found) - expected) <= RELATIVE_ERROR * abs(expected)
            self.check(what, expected if near else found, expected)
        else:
            self.check(what, found, expected)

    def compare_feed_rates(self) -> None:
        names = {"reject_rate": "rejected", "duplicate_rate": "duplicate"}
        for row in self.engine.report(("source",), kpis.FEED_METRICS):
            counts = self.decisions.counts.get(row["source"])
            for metric, outcome in names.items():
                rate = counts and counts[outcome] / sum(counts.values())
                self.check(f"{metric} of source {row['source']}", row[metric], rate)


def true_row(event: dict, row: dict) -> dict:
    """The event's fields by the names of the row."""
    expected = {}
    for name in row:
        expected[name] = event.get(TRUE_NAMES.get(name, name))
    expected["t"] = event["time_us"]
    if event["kind"] == "auction_outcome":
        expected["t"] -= event["time_us"] % 1000  # its feed has milliseconds
    expected["amount"] = event.get("amount_nanos")
    if event["kind"] == "conversion":
        expected["amount"] = expected["amount"] or None  # the feed leaves 0 out
    return expected


def shown(value) -> str:
    if isinstance(value, fractions.Fraction):
        return f"{float(value):.15g}"
    return "nothing" if value is None else str(value)
