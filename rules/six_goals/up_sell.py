"""Up-sell: customers within reach of the next tier."""

from collections.abc import Iterable
from fractions import Fraction
from typing import TypedDict

import ibis.expr.types as ir

from customer_pyramid.exact import at_least
from customer_pyramid.money import half_up, places, show
from six_goals.action import Action
from six_goals.settings import UpSellSettings


class UpSellRow(TypedDict):
    """One row of `up_sell_candidates`."""

    account_id: str
    name: str | None
    owner_id: str | None
    layer: str
    revenue: int
    previous_revenue: int
    next_tier: str
    next_tier_gap: int


def up_sell_candidates(standings: ir.Table, settings: UpSellSettings) -> ir.Table:
    """Return active customers near the next tier, or growing towards it; see `UpSellRow`.

    Growth needs sales in the previous period. Source: domain 3.2, the minimal rule.
    """
    rows = standings.filter(
        standings.tier.notnull(), standings.next_tier.notnull(), standings.revenue > 0
    )
    gap, revenue, before = rows.next_tier_gap, rows.revenue, rows.previous_revenue
    near = at_least(revenue, gap, 1 / Fraction(settings.gap))
    growing = (before > 0) & at_least(revenue, before, 1 + Fraction(settings.growth))
    reachable = at_least(revenue, gap, 1 / Fraction(settings.growing_gap))
    return rows.filter(near | (growing & reachable)).select(
        "account_id",
        "name",
        "owner_id",
        "layer",
        "revenue",
        "previous_revenue",
        "next_tier",
        "next_tier_gap",
    )


def up_sell_actions(rows: Iterable[UpSellRow], settings: UpSellSettings) -> list[Action]:
    """Return one action for each row of `up_sell_candidates`."""
    return [_action(row, settings) for row in rows]


def up_sell_value(row: UpSellRow, settings: UpSellSettings) -> int:
    """Return the margin of the gap, times the probability that the customer closes it."""
    return half_up(
        row["next_tier_gap"] * Fraction(settings.margin) * Fraction(settings.probability)
    )


def _action(row: UpSellRow, settings: UpSellSettings) -> Action:
    name = row["name"] or row["account_id"]
    evidence = {
        "revenue": show(row["revenue"]),
        "previous_revenue": show(row["previous_revenue"]),
        "next_tier": row["next_tier"],
        "next_tier_gap": show(row["next_tier_gap"]),
    }
    return Action(
        goal="up_sell",
        account_id=row["account_id"],
        owner_id=row["owner_id"],
        layer=row["layer"],
        title=f"Grow {name} towards {row['next_tier']}",
        reason=_reason(row, name),
        due_days=settings.due_days,
        expected_value=up_sell_value(row, settings),
        evidence=evidence,
    )


def _reason(row: UpSellRow, name: str) -> str:
    bought = (
        f"{name} bought for {show(row['revenue'])} in this period, "
        f"{show(row['next_tier_gap'])} short of the {row['next_tier']} tier."
    )
    if row["previous_revenue"] <= 0:
        return bought
    change = Fraction(row["revenue"] - row["previous_revenue"], row["previous_revenue"]) * 100
    direction = "more" if change >= 0 else "less"
    return f"{bought} That is {places(abs(change), 0)} % {direction} than in the period before."
