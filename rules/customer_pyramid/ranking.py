"""Ranking: customers by revenue, cut into tiers, for this period and for the one before."""

from fractions import Fraction

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import at_least, total
from customer_pyramid.money import to_units
from customer_pyramid.settings import PyramidSettings
from customer_pyramid.tiers import first_true, inside_tiers

NOW = ""
BEFORE = "previous_"
PERIODS = (NOW, BEFORE)


def ranked(customers: ir.Table, settings: PyramidSettings) -> ir.Table:
    """Return *customers* (as from `totals`) with their place in both periods.

    Adds active, rank, tier_no (from 1), tie_at_boundary and total, each also with the prefix
    `previous_`; all of them are null for a customer not active in that period. Adds the boundaries
    bound_1.. and previous_bound_1.. (the lowest revenue of the tiers but the last), the same on
    every row, and frozen_no: the tier by the previous boundaries.
    """
    placed = _placed(customers, settings)
    tiered = _tiered(placed, settings)
    several = len(settings.tiers) > 1  # between none there are no boundaries
    bounded = tiered.cross_join(_bounds(tiered, settings)) if several else tiered
    frozen = [
        at_least(bounded.revenue, bounded[f"{BEFORE}bound_{tier}"], Fraction(settings.index))
        for tier in _upper(settings)
    ]
    return bounded.mutate(
        frozen_no=_when(bounded.active, first_true(frozen, len(settings.tiers))),
        **{f"{period}tie_at_boundary": _tied(bounded, period, settings) for period in PERIODS},
    )


def _placed(customers: ir.Table, settings: PyramidSettings) -> ir.Table:
    """Number the customers, and add how many there are and what they bring in."""
    flagged = customers.mutate(
        **{f"{period}active": _is_active(customers, period, settings) for period in PERIODS}
    )
    numbered = flagged.mutate(
        **{f"{period}row": _row(flagged, period, settings) for period in PERIODS}
    )
    sizes = flagged.aggregate(
        **{f"{p}size": flagged.count(where=flagged[f"{p}active"]) for p in PERIODS},
        **{f"{p}total": total(flagged[f"{p}revenue"], flagged[f"{p}active"]) for p in PERIODS},
    )
    return numbered.cross_join(sizes)


def _is_active(rows: ir.Table, period: str, settings: PyramidSettings) -> ir.BooleanValue:
    if settings.active == "any_order":
        return rows[f"{period}orders"] > 0
    return rows[f"{period}revenue"] > 0


def _row(rows: ir.Table, period: str, settings: PyramidSettings) -> ir.IntegerValue:
    # Who has no positive revenue comes after all who have: the active ones need no partition,
    # unless credits can be active.
    revenue = rows[f"{period}revenue"].desc()
    keys = [revenue, rows.first_order, rows.account_id]
    if settings.active == "any_order":
        keys.insert(0, ibis.ifelse(rows[f"{period}active"], 0, 1))
    return ibis.row_number().over(order_by=keys) + 1


def _tiered(placed: ir.Table, settings: PyramidSettings) -> ir.Table:
    rows = placed
    if settings.method == "cumulative":
        rows = rows.mutate(**{f"{period}earlier": _earlier(rows, period) for period in PERIODS})
    insides = {period: _insides(rows, period, settings) for period in PERIODS}
    if settings.tie_policy != "break":
        rows = rows.mutate(
            **{
                f"{p}in_{t}": inside
                for p in PERIODS
                for t, inside in enumerate(insides[p], start=1)
            }
        )
        rows = rows.cross_join(_edges(rows, settings))
        insides = {period: _untied(rows, period, settings) for period in PERIODS}
    places = {
        f"{period}tier_no": _place(rows, period, insides[period], settings) for period in PERIODS
    }
    ranks = {f"{period}rank": _rank(rows, period, settings) for period in PERIODS}
    return rows.mutate(**places, **ranks)


def _earlier(rows: ir.Table, period: str) -> ir.IntegerValue:
    revenue = ibis.ifelse(rows[f"{period}active"], rows[f"{period}revenue"], 0)
    window = ibis.window(order_by=rows[f"{period}row"], preceding=None, following=0)
    return revenue.sum().over(window) - revenue


def _insides(rows: ir.Table, period: str, settings: PyramidSettings) -> list[ir.BooleanValue]:
    earlier = rows[f"{period}earlier"] if settings.method == "cumulative" else ibis.literal(0)
    return inside_tiers(
        rows[f"{period}row"],
        rows[f"{period}size"],
        rows[f"{period}revenue"],
        earlier,
        rows[f"{period}total"],
        settings,
    )


def _edges(rows: ir.Table, settings: PyramidSettings) -> ir.Table:
    """Return the lowest revenue inside each cut and the highest outside it."""
    edges = {}
    for period in PERIODS:
        revenue, active = rows[f"{period}revenue"], rows[f"{period}active"]
        for tier in _upper(settings):
            inside = rows[f"{period}in_{tier}"]
            edges[f"{period}last_in_{tier}"] = revenue.min(where=active & inside)
            edges[f"{period}first_out_{tier}"] = revenue.max(where=active & ~inside)
    return rows.aggregate(**edges)


def _untied(rows: ir.Table, period: str, settings: PyramidSettings) -> list[ir.BooleanValue]:
    revenue = rows[f"{period}revenue"]
    if settings.tie_policy == "promote":
        return [revenue >= rows[f"{period}last_in_{tier}"] for tier in _upper(settings)]
    return [
        (revenue > rows[f"{period}first_out_{tier}"]).fill_null(True) for tier in _upper(settings)
    ]


def _place(
    rows: ir.Table, period: str, insides: list[ir.BooleanValue], settings: PyramidSettings
) -> ir.IntegerValue:
    tiers = len(settings.tiers)
    place = first_true(insides, tiers)
    if settings.active == "any_order":
        place = ibis.ifelse(rows[f"{period}revenue"] > 0, place, tiers)
    return _when(rows[f"{period}active"], place)


def _rank(rows: ir.Table, period: str, settings: PyramidSettings) -> ir.IntegerValue:
    rank = rows[f"{period}row"]
    if settings.tie_policy != "break":
        keys = [ibis.ifelse(rows[f"{period}active"], 0, 1), rows[f"{period}revenue"].desc()]
        rank = ibis.rank().over(order_by=keys) + 1
    return _when(rows[f"{period}active"], rank)


def _bounds(tiered: ir.Table, settings: PyramidSettings) -> ir.Table:
    """Return one row: each tier's boundary, the lowest revenue to there, the highest below."""
    bounds = {}
    for period in PERIODS:
        revenue, place = tiered[f"{period}revenue"], tiered[f"{period}tier_no"]
        for tier in _upper(settings):
            bounds[f"{period}bound_{tier}"] = _bound(revenue, place, tier, settings)
            bounds[f"{period}low_{tier}"] = revenue.min(where=place <= tier)
            bounds[f"{period}high_{tier}"] = revenue.max(where=place > tier)
    return tiered.aggregate(**bounds)


def _bound(
    revenue: ir.IntegerValue, place: ir.IntegerValue, tier: int, settings: PyramidSettings
) -> ir.IntegerScalar:
    lowest = revenue.min(where=place == tier)
    if settings.method == "thresholds":
        least = to_units(settings.thresholds[tier - 1])
        return ibis.ifelse(revenue.count() >= 0, ibis.literal(least, type="int64"), lowest)
    return lowest


def _tied(rows: ir.Table, period: str, settings: PyramidSettings) -> ir.BooleanValue:
    tied = ibis.literal(False)
    for tier in _upper(settings):
        low, high = rows[f"{period}low_{tier}"], rows[f"{period}high_{tier}"]
        tied = tied | ((low == high) & (rows[f"{period}revenue"] == low)).fill_null(False)
    return _when(rows[f"{period}active"], tied)


def _when(condition: ir.BooleanValue, value: ir.Value) -> ir.Value:
    return ibis.ifelse(condition, value, ibis.null(value.type()))


def _upper(settings: PyramidSettings) -> range:
    return range(1, len(settings.tiers))
