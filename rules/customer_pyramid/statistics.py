"""Statistics: what each layer brings in, how much hangs on how few, and what to be warned of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypeAlias

from customer_pyramid.money import cents, places, share, to_units
from customer_pyramid.periods import Period
from customer_pyramid.settings import INACTIVE, NONE, PROSPECT, SUSPECT, PyramidSettings
from customer_pyramid.summary import ConcentrationRow, LayerRow

Warning_: TypeAlias = Literal[
    "small_base", "left_censored", "depends_on_largest", "depends_on_first_tier"
]

LARGEST_LIMIT = Decimal("0.20")
FIRST_TIER_LIMIT = Decimal("0.50")


@dataclass(frozen=True, slots=True)
class LayerStatistics:
    """One layer; money has two decimals, shares of all active customers have six.

    None stands where there is nobody to have a figure, and for the shares of layers that are no
    tier.
    """

    layer: str
    customers: int
    share_customers: Decimal | None
    revenue: Decimal
    share_revenue: Decimal | None
    average_revenue: Decimal | None
    min_revenue: Decimal | None
    max_revenue: Decimal | None
    orders: int


@dataclass(frozen=True, slots=True)
class PeriodStatistics:
    """One period.

    *layers* are the tiers, then the others; *thresholds* the lowest revenue of all tiers but the
    last.
    """

    period: Period
    active: int
    revenue: Decimal
    layers: tuple[LayerStatistics, ...]
    thresholds: Mapping[str, Decimal | None]
    tie_at_boundary: Mapping[str, bool]
    top20_share: Decimal | None
    customers_for_80pct: int
    share_customers_for_80pct: Decimal | None
    gini: Decimal | None
    largest_share: Decimal | None
    first_tier_share: Decimal | None
    inactive: int
    nonpositive_with_orders: int
    never_customer: int
    new_customers: int
    new_revenue: Decimal
    existing_share_revenue: Decimal | None
    warnings: tuple[Warning_, ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """The period looked at, and the one before."""

    current: PeriodStatistics
    previous: PeriodStatistics


def statistics(
    layers: Iterable[LayerRow],
    concentrations: Iterable[ConcentrationRow],
    settings: PyramidSettings,
    current: Period,
    previous: Period,
) -> Statistics:
    """Return both periods' statistics from the rows of `layer_summary` and `concentration`."""
    rows, measures = list(layers), {row["period"]: row for row in concentrations}
    now, before = (
        _period([row for row in rows if row["period"] == name], measures.get(name), settings, span)
        for name, span in (("current", current), ("previous", previous))
    )
    return Statistics(current=now, previous=before)


def gini(weighted: int, total: int, customers: int) -> Decimal | None:
    """Return the Gini coefficient; *weighted* is the sum of i * x_i, the smallest x first."""
    if total <= 0:
        return None
    return places(Fraction(2 * weighted, customers * total) - Fraction(customers + 1, customers), 6)


def _period(
    rows: Sequence[LayerRow],
    measure: ConcentrationRow | None,
    settings: PyramidSettings,
    period: Period,
) -> PeriodStatistics:
    active = [row for row in rows if row["tier_raw"]]
    customers, revenue = _sum(active, "customers"), _sum(active, "revenue")
    names = (*settings.tiers, INACTIVE, PROSPECT, SUSPECT)
    layers = tuple(_layer(name, rows, customers, revenue) for name in names)
    new_revenue = _sum(active, "new_revenue")
    largest = share(int(measure["largest"] or 0), revenue) if measure else None
    for_80pct = int(measure["customers_below_80pct"]) + 1 if measure and revenue > 0 else 0
    return PeriodStatistics(
        period=period,
        active=customers,
        revenue=cents(revenue),
        layers=layers,
        thresholds=_thresholds(rows, settings),
        tie_at_boundary=_ties(rows, settings),
        top20_share=share(int(measure["top20_revenue"]), revenue) if measure else None,
        customers_for_80pct=for_80pct,
        share_customers_for_80pct=share(for_80pct, customers),
        gini=gini(int(measure["weighted"]), revenue, customers) if measure else None,
        largest_share=largest,
        first_tier_share=layers[0].share_revenue,
        inactive=_count(rows, {INACTIVE}),
        nonpositive_with_orders=_sum(rows, "nonpositive_with_orders"),
        never_customer=_count(rows, {PROSPECT, SUSPECT, NONE}),
        new_customers=_sum(active, "new_customers"),
        new_revenue=cents(new_revenue),
        existing_share_revenue=share(revenue - new_revenue, revenue),
        warnings=_warnings(rows, customers, largest, layers[0].share_revenue, settings, period),
    )


def _layer(name: str, rows: Sequence[LayerRow], customers: int, revenue: int) -> LayerStatistics:
    own = [row for row in rows if row["layer"] == name]
    count, earned = _sum(own, "customers"), _sum(own, "revenue")
    lows = [low for row in own if (low := row["lowest"]) is not None]
    highs = [high for row in own if (high := row["highest"]) is not None]
    tier = any(row["tier_raw"] for row in own) or not own
    return LayerStatistics(
        layer=name,
        customers=count,
        share_customers=share(count, customers) if tier else None,
        revenue=cents(earned),
        share_revenue=share(earned, revenue) if tier else None,
        average_revenue=cents(Fraction(earned, count)) if count else None,
        min_revenue=cents(min(lows)) if lows else None,
        max_revenue=cents(max(highs)) if highs else None,
        orders=_sum(own, "orders"),
    )


def _thresholds(rows: Sequence[LayerRow], settings: PyramidSettings) -> dict[str, Decimal | None]:
    if settings.method == "thresholds":
        limits: Iterable[int | None] = map(to_units, settings.thresholds)
    else:
        limits = (_lowest(rows, {tier}) for tier in settings.tiers[:-1])
    return {
        tier: None if limit is None else cents(limit)
        for tier, limit in zip(settings.tiers, limits, strict=False)
    }


def _ties(rows: Sequence[LayerRow], settings: PyramidSettings) -> dict[str, bool]:
    ties = {}
    for place, tier in enumerate(settings.tiers[:-1], start=1):
        inside = _lowest(rows, set(settings.tiers[:place]))
        outside = [
            high
            for row in rows
            if row["tier_raw"] in settings.tiers[place:] and (high := row["highest"]) is not None
        ]
        ties[tier] = inside is not None and inside == max(outside, default=None)
    return ties


def _lowest(rows: Sequence[LayerRow], tiers: set[str]) -> int | None:
    lows = [low for row in rows if row["tier_raw"] in tiers and (low := row["lowest"]) is not None]
    return min(lows, default=None)


def _warnings(
    rows: Sequence[LayerRow],
    customers: int,
    largest: Decimal | None,
    first_tier: Decimal | None,
    settings: PyramidSettings,
    period: Period,
) -> tuple[Warning_, ...]:
    orders = [first for row in rows if (first := row["first_order"]) is not None]
    found: dict[Warning_, bool] = {
        "small_base": settings.method == "percent" and customers < settings.small_base,
        "left_censored": min(orders, default=date.min) >= period.start,
        "depends_on_largest": largest is not None and largest > LARGEST_LIMIT,
        "depends_on_first_tier": first_tier is not None and first_tier > FIRST_TIER_LIMIT,
    }
    return tuple(warning for warning, holds in found.items() if holds)


Figure: TypeAlias = Literal[
    "customers", "revenue", "orders", "new_customers", "new_revenue", "nonpositive_with_orders"
]


def _sum(rows: Iterable[LayerRow], figure: Figure) -> int:
    return sum(row[figure] for row in rows)


def _count(rows: Iterable[LayerRow], layers: set[str]) -> int:
    return sum(row["customers"] for row in rows if row["layer"] in layers)
