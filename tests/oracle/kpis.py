# SPDX-License-Identifier: Apache-2.0
"""Every metric of docs/reference/metrics.md from true events and their credits, cell by cell."""

import collections
import datetime
import fractions
import zoneinfo

from rules import DAY, PPB, World

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
QUARTER_US = 900_000_000
UNMEASURED = ("ivt_rate",)  # null until traffic is judged
COUNTS = ("impressions", "gross_impressions", "clicks", "gross_clicks", "conversions", "click_through_conversions",
          "view_through_conversions", "unattributed_conversions", "bid_requests", "bids", "wins", "reach")
MONEY = ("revenue", "attributed_revenue", "spend")
MONEY_RATIOS = {"cpc": ("spend", "clicks", 1), "cpm": ("spend", "impressions", 1000), "cpa": ("spend", "conversions", 1),
                "aov": ("revenue", "conversions", 1), "vcpm": ("spend", "viewable_impressions", 1000)}
RATIOS = {
    "ctr": ("clicks", "impressions"),
    "gross_ctr": ("gross_clicks", "gross_impressions"),
    "unique_ctr": ("clickers", "reach"),
    "cvr": ("click_through_conversions", "clicks"),
    "vt_cvr": ("view_through_conversions", "impressions"),
    "roas": ("attributed_revenue", "spend"),
    "win_rate": ("wins", "bids"),
    "render_rate": ("impressions", "wins"),
    "bid_rate": ("bids", "bid_requests"),
    "viewable_rate": ("viewable_impressions", "measurable_impressions"),
    "measurable_rate": ("measurable_impressions", "impressions"),
    "time_on_ad_s": ("time_on_ad_s", "timed_impressions"),
    "interaction_depth": ("interactions", "interaction_impressions"),
    "interaction_rate": ("interacted_impressions", "interaction_impressions"),
    "frequency": ("identified_impressions", "reach"),
    "late_rate": ("late_events", "timed_events"),
}
LAGS = {"conversion_lag_p50": fractions.Fraction(1, 2), "conversion_lag_p90": fractions.Fraction(9, 10)}
EVENT_METRICS = (*COUNTS, "attributed_conversions", *MONEY, *MONEY_RATIOS, *RATIOS, *LAGS, *UNMEASURED)
CREDIT_METRICS = ("attributed_conversions", "attributed_revenue")
FEED_METRICS = ("reject_rate", "duplicate_rate")


class Clock:
    """Buckets of local time, worked out once a quarter of an hour."""

    FORMS = {"hour": "%Y-%m-%dT%H:00", "day": "%Y-%m-%d"}

    def __init__(self, grain: str, zone: str) -> None:
        self.form = self.FORMS[grain]
        self.zone = zoneinfo.ZoneInfo(zone)
        self.known: dict[int, str] = {}

    def __call__(self, time_us: int) -> str:
        quarter = time_us // QUARTER_US
        text = self.known.get(quarter)
        if text is None:
            local = (EPOCH + datetime.timedelta(minutes=15 * quarter)).astimezone(self.zone)
            text = self.known[quarter] = local.strftime(self.form)
        return text


class Cells:
    """Sums by the values of some dimensions."""

    def __init__(self) -> None:
        self.sums = collections.defaultdict(lambda: collections.defaultdict(int))
        self.sets = collections.defaultdict(lambda: collections.defaultdict(set))
        self.lags = collections.defaultdict(list)

    def value(self, key: tuple, metric: str):
        """A count, nanos, an exact ratio, or None."""
        sums = self.sums[key]
        if metric in UNMEASURED:
            return None
        if metric in LAGS:
            return percentile(self.lags[key], LAGS[metric])
        if metric == "attributed_conversions":
            return fractions.Fraction(sums["credit"], PPB) if "credit" in sums else None
        if metric in MONEY_RATIOS:
            top, bottom, factor = MONEY_RATIOS[metric]
            above, below = self.part(key, top), self.part(key, bottom)
            return None if above is None or not below else (2 * factor * above + below) // (2 * below)
        if metric in RATIOS:
            above, below = (self.part(key, name) for name in RATIOS[metric])
            return None if above is None or not below else fractions.Fraction(above) / below
        return self.part(key, metric)

    def part(self, key: tuple, name: str):
        """Counts are 0 where nothing is counted; sums of what nobody measured are None."""
        if name in ("reach", "clickers"):
            return len(self.sets[key][name])
        summed = name in (*MONEY, "time_on_ad_s", "interactions")
        return self.sums[key].get(name) if summed else self.sums[key].get(name, 0)


def percentile(lags: list[int], share: fractions.Fraction):
    """Seconds, between neighbours by straight lines."""
    if not lags:
        return None
    ordered = sorted(lags)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return (ordered[low] + (ordered[high] - ordered[low]) * (place - low)) / fractions.Fraction(1_000_000)


class Cube:
    """Fills cells for any dimensions. `winners` are the credits of the default policy."""

    def __init__(self, world: World, winners: list[tuple], received: dict[str, int]) -> None:
        self.world = world
        self.winners = winners
        self.received = received

    def cells(self, by: tuple[str, ...], clock: Clock | None, dated_by_touch: bool = False) -> Cells:
        cells = Cells()
        self._impressions(cells, by, clock)
        self._clicks(cells, by, clock)
        self._conversions(cells, by, clock, dated_by_touch)
        self._auctions(cells, by, clock)
        return cells

    def _late(self, sums: dict, event: dict) -> None:
        sums["timed_events"] += 1
        sums["late_events"] += self.received[event["id"]] - event["time_us"] > DAY

    def _impressions(self, cells: Cells, by: tuple, clock: Clock | None) -> None:
        key_of = key_maker(by, clock, {"campaign_id": "campaign", "creative_id": "creative", "website": "website",
                                       "currency": "currency", "advertiser_id": "advertiser"})
        for event in self.world.events["impression"]:
            key = key_of(event)
            sums = cells.sums[key]
            sums["impressions"] += 1
            sums["gross_impressions"] += 1
            sums["spend"] += event["amount_nanos"]
            viewable, time, steps = event["viewable_now"], event["time_now"], event["interactions_now"]
            sums["measurable_impressions"] += viewable is not None
            sums["viewable_impressions"] += viewable is True
            if time is not None:
                sums["time_on_ad_s"] += fractions.Fraction(time, 1000)
                sums["timed_impressions"] += 1
            if steps is not None:
                sums["interactions"] += steps
                sums["interaction_impressions"] += 1
                sums["interacted_impressions"] += steps > 0
            if "user" in event:
                sums["identified_impressions"] += 1
                cells.sets[key]["reach"].add(event["user"])
            self._late(sums, event)

    def _clicks(self, cells: Cells, by: tuple, clock: Clock | None) -> None:
        key_of = key_maker(by, clock, {"campaign_id": "campaign", "currency": "currency", "advertiser_id": "advertiser",
                                       "joined_by": "joined_by", "is_double_click": "double"})
        for event in self.world.events["click"]:
            key = key_of(event)
            sums = cells.sums[key]
            sums["clicks"] += not event["double"]
            sums["gross_clicks"] += 1
            sums["spend"] += event["amount_nanos"]
            if "user" in event:
                cells.sets[key]["clickers"].add(event["user"])
            self._late(sums, event)

    def _conversions(self, cells: Cells, by: tuple, clock: Clock | None, dated_by_touch: bool) -> None:
        key_of = conversion_keys(by, clock, dated_by_touch)
        for conversion, touch, _, credit, value, _, _ in self.winners:
            if credit == 0:
                continue
            key = key_of(conversion, touch, None)
            sums = cells.sums[key]
            sums["conversions"] += 1
            if conversion["value_now"] is not None:
                sums["revenue"] += conversion["value_now"]
            if touch is None:
                sums["unattributed_conversions"] += 1
                continue
            kind = "click" if touch["class"] == "click" else "view"
            sums[f"{kind}_through_conversions"] += 1
            sums["credit"] += credit
            sums["attributed_revenue"] += value
            cells.lags[key].append(conversion["time_us"] - touch["time_us"])
        key_of = key_maker(by, clock, {"currency": "currency", "advertiser_id": "advertiser", "conversion_type": "type"})
        for event in self.world.events["conversion"]:
            self._late(cells.sums[key_of(event)], event)

    def _auctions(self, cells: Cells, by: tuple, clock: Clock | None) -> None:
        names = {"website": "website", "currency": "currency"}
        key_of = key_maker(by, clock, {**names, "advertiser_id": None})
        for key, count in collections.Counter(map(key_of, self.world.events["bid_request"])).items():
            cells.sums[key]["bid_requests"] += count
        del names["website"]
        key_of = key_maker(by, clock, {**names, "advertiser_id": None})
        found = collections.Counter((key_of(e), e["type"]) for e in self.world.events["auction_outcome"])
        for (key, outcome), count in found.items():
            cells.sums[key][{"bid": "bids", "win": "wins"}.get(outcome, "losses")] += count


def key_maker(by: tuple, clock: Clock | None, names: dict):
    """Maps an event to its cell; a dimension that its table has not is null. A name of None: nobody's."""
    getters = []
    for dimension in by:
        if dimension in Clock.FORMS:
            getters.append(lambda e: clock(e["time_us"]))
        elif dimension not in names:
            getters.append(lambda e: None)
        elif names[dimension] is None:
            getters.append(lambda e: "default")
        else:
            getters.append(lambda e, name=names[dimension]: e.get(name))
    if len(getters) == 1:
        only = getters[0]
        return lambda event: (only(event),)
    if len(getters) == 2:
        one, two = getters
        return lambda event: (one(event), two(event))
    return lambda event: tuple(get(event) for get in getters)


def conversion_keys(by: tuple, clock: Clock | None, dated_by_touch: bool = False):
    """Maps a conversion, the touch that has it (or a share of it) and a policy to a cell."""
    of_touch = {"campaign_id": "campaign", "creative_id": "creative", "website": "website"}
    of_conversion = {"currency": "currency_now", "advertiser_id": "advertiser", "conversion_type": "type"}

    def key(conversion: dict, touch: dict | None, policy) -> tuple:
        parts = []
        for dimension in by:
            if dimension in Clock.FORMS:
                parts.append(clock((touch if dated_by_touch and touch else conversion)["time_us"]))
            elif dimension in of_touch:
                # A click of these feeds names neither creative nor website.
                unknown = touch is None or (touch["class"] == "click" and dimension != "campaign_id")
                parts.append(None if unknown else touch[of_touch[dimension]])
            elif dimension in of_conversion:
                parts.append(conversion[of_conversion[dimension]])
            else:
                parts.append({"policy": policy and policy.name, "model": policy and policy.model}.get(dimension))
        return tuple(parts)

    return key


def credit_cells(by: tuple, credits: list, clock: Clock | None = None) -> Cells:
    """Shares by policy: `credits` are (policy, rows) pairs."""
    cells = Cells()
    key_of = conversion_keys(by, clock)
    for policy, rows in credits:
        for conversion, touch, _, credit, value, _, _ in rows:
            if touch is None or credit == 0:
                continue
            sums = cells.sums[key_of(conversion, touch, policy)]
            sums["credit"] += credit
            sums["attributed_revenue"] += value
    return cells
