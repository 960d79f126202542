"""Summary: a million standings brought down to the few rows that statistics are made of."""

from datetime import date
from typing import TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import total, wide
from customer_pyramid.periods import Period
from customer_pyramid.settings import PyramidSettings
from customer_pyramid.tiers import inside_cut

TOP20 = 2_000
PERIODS = ("current", "previous")


class LayerRow(TypedDict):
    """One row of `layer_summary`."""

    period: str
    layer: str
    tier_raw: str | None
    customers: int
    revenue: int
    lowest: int | None
    highest: int | None
    orders: int
    new_customers: int
    new_revenue: int
    nonpositive_with_orders: int
    first_order: date | None


class ConcentrationRow(TypedDict):
    """One row of `concentration`; *weighted* is the sum of i * x_i, the smallest x first."""

    period: str
    customers: int
    revenue: int
    largest: int | None
    weighted: int
    top20_revenue: int
    customers_below_80pct: int


def layer_summary(standings: ir.Table, current: Period, previous: Period) -> ir.Table:
    """Return one row for each period, layer and raw tier; see `LayerRow`.

    In the previous period the layers are its states: a tier, Inactive or None.
    """
    own = standings.filter(standings.inherited_from.isnull(), standings.revenue.notnull())
    now = own.select(
        "layer", "tier_raw", "revenue", "orders", "first_order", period=ibis.literal("current")
    )
    before = own.select(
        layer="previous_state",
        tier_raw="previous_tier",
        revenue="previous_revenue",
        orders="previous_orders",
        # What came later was not known then.
        first_order=ibis.ifelse(own.first_order < _day(previous.end), own.first_order, None),
        period=ibis.literal("previous"),
    )
    return _layers(now, current).union(_layers(before, previous))


def concentration(standings: ir.Table, settings: PyramidSettings) -> ir.Table:
    """Return one row for each period that has active customers; see `ConcentrationRow`."""
    now = standings.filter(standings.tier_raw.notnull(), standings.inherited_from.isnull())
    before = standings.filter(standings.previous_tier.notnull())
    return _concentrated(now.select("revenue"), "current", settings).union(
        _concentrated(before.select(revenue="previous_revenue"), "previous", settings)
    )


def _layers(rows: ir.Table, period: Period) -> ir.Table:
    fresh = rows.first_order >= _day(period.start)
    return rows.group_by("period", "layer", "tier_raw").aggregate(
        customers=rows.count(),
        revenue=total(rows.revenue),
        lowest=rows.revenue.min(),
        highest=rows.revenue.max(),
        orders=total(rows.orders),
        new_customers=rows.count(where=fresh),
        new_revenue=total(rows.revenue, fresh),
        nonpositive_with_orders=rows.count(where=(rows.orders > 0) & (rows.revenue <= 0)),
        first_order=rows.first_order.min(),
    )


def _concentrated(revenues: ir.Table, period: str, settings: PyramidSettings) -> ir.Table:
    whole = revenues.aggregate(size=revenues.count(), whole=total(revenues.revenue))
    descending = ibis.window(order_by=revenues.revenue.desc(), preceding=None, following=0)
    numbered = revenues.mutate(
        row=ibis.row_number().over(order_by=revenues.revenue.desc()) + 1,
        running=revenues.revenue.sum().over(descending),
    )
    rows = numbered.cross_join(whole)
    top20 = inside_cut(rows.row, rows.size, TOP20, settings)
    summed = rows.aggregate(
        customers=rows.count(),
        revenue=total(rows.revenue),
        largest=rows.revenue.max(),
        weighted=(wide(rows.revenue) * (rows.size + 1 - rows.row)).sum(),
        top20_revenue=total(rows.revenue, top20),
        customers_below_80pct=rows.count(where=wide(rows.running) * 10 < wide(rows.whole) * 8),
    )
    return summed.filter(summed.customers > 0).mutate(period=ibis.literal(period))


def _day(day: date) -> ir.DateScalar:
    return ibis.literal(day, type="date")
