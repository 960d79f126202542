"""Upgradable: customers of the last tier whose likes buy enough for a higher one."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, TypeAlias, TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import at_least
from six_goals.settings import UpSellSettings

Likes: TypeAlias = Literal["size", "industry", "all"]


class UpgradableCount(TypedDict):
    """The row of `upgradable_count`."""

    customers: int
    upgradable: int
    limit: int


def upgradable_candidates(standings: ir.Table, last: str, settings: UpSellSettings) -> ir.Table:
    """Return the customers of the *last* tier who could most easily be in a higher one.

    Columns: account_id; gain, the revenue that is missing for the next tier; potential, what the
    best quarter of the customers like it buys for at least; likes, who these are, and like, how
    many. At most the part *settings.upgradable* of the tier is returned. Source: domain 3.2.
    """
    rows = _upgradable(standings, last, settings)
    growth = ibis.ifelse(
        rows.previous_revenue > 0,
        rows.revenue.cast("float64") / rows.previous_revenue.nullif(0).cast("float64"),
        0.0,
    )
    place = ibis.row_number().over(
        order_by=[(rows.potential - rows.revenue).desc(), growth.desc(), rows.account_id]
    )
    placed = rows.mutate(place=place).cross_join(_size(standings, last))
    best = placed.filter(~at_least(placed.place, placed.customers, Fraction(settings.upgradable)))
    return best.select("account_id", "potential", "likes", "like", gain="next_tier_gap")


def upgradable_count(standings: ir.Table, last: str, settings: UpSellSettings) -> ir.Table:
    """Return one row: the customers of the *last* tier, the upgradable, and how many to propose.

    See `UpgradableCount`. Curry expects 5 to 10 % of them to be upgradable. Source: domain 1.5.
    """
    rows = _upgradable(standings, last, settings)
    counted = rows.aggregate(upgradable=rows.count()).cross_join(_size(standings, last))
    part = Fraction(settings.upgradable)
    up = (counted.customers * part.numerator + part.denominator - 1) // part.denominator
    return counted.select("customers", "upgradable", limit=up)


def _upgradable(standings: ir.Table, last: str, settings: UpSellSettings) -> ir.Table:
    customers = standings.filter(standings.tier.notnull(), standings.inherited_from.isnull())
    rows = _with_potential(customers, customers.filter(customers.tier == last), settings)
    boundary = rows.revenue + rows.next_tier_gap
    return rows.filter(rows.next_tier_gap > 0, rows.potential >= boundary)


def _with_potential(customers: ir.Table, asked: ir.Table, settings: UpSellSettings) -> ir.Table:
    """Add potential, likes and like to the customers who are *asked* about."""
    by_size = _upper_quarter(customers.group_by("industry", "size_band"), customers, "size")
    by_industry = _upper_quarter(customers.group_by("industry"), customers, "industry")
    rows = asked.left_join(by_size, ["industry", "size_band"]).drop(
        "industry_right", "size_band_right"
    )
    rows = rows.left_join(by_industry, "industry").drop("industry_right")
    rows = rows.cross_join(_upper_quarter(customers, customers, "all"))
    # Who is asked about is one of them, and no peer of its own.
    enough = [rows.like_size > settings.min_peers, rows.like_industry > settings.min_peers]
    return rows.select(
        "account_id",
        "revenue",
        "previous_revenue",
        "next_tier_gap",
        potential=_first(enough, rows.of_size, rows.of_industry, rows.of_all),
        like=_first(enough, rows.like_size, rows.like_industry, rows.like_all),
        likes=_first(enough, ibis.literal("size"), ibis.literal("industry"), ibis.literal("all")),
    )


def _upper_quarter(
    groups: ir.GroupedTable | ir.Table, customers: ir.Table, likes: Likes
) -> ir.Table:
    return groups.aggregate(
        **{
            f"like_{likes}": customers.count(),
            f"of_{likes}": customers.revenue.quantile(0.75).round(0).cast("int64"),
        }
    )


def _first(conditions: list[ir.BooleanValue], *values: ir.Value) -> ir.Value:
    """Return the value of the first condition that holds, else the last."""
    return ibis.cases(*zip(conditions, values[:-1], strict=True), else_=values[-1])


def _size(standings: ir.Table, last: str) -> ir.Table:
    customers = standings.filter(standings.tier == last, standings.inherited_from.isnull())
    return customers.aggregate(customers=customers.count())
