"""Curves: how revenue and profit are spread over customers, in about a hundred points."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import total, wide
from customer_pyramid.money import cents, share
from customer_pyramid.settings import PyramidSettings

STEPS = 100


class PointRow(TypedDict):
    """One row of a curve: the first *place* of all *customers* bring *amount* of the *total*."""

    place: int
    customers: int
    amount: int
    total: int


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What the first *customers* bring together; *share* is None where the total is not above 0."""

    customers: int
    share_customers: Decimal
    amount: Decimal
    share: Decimal | None


def lorenz_points(standings: ir.Table) -> ir.Table:
    """Return at most 100 points of the Lorenz curve of revenue, the smallest customers first.

    See `PointRow`; the curve begins at 0, and ends with all customers. Source: domain 1.5.
    """
    active = standings.filter(standings.tier_raw.notnull(), standings.inherited_from.isnull())
    revenue = active.select(amount="revenue")
    placed = _placed(revenue, revenue.amount)
    return _points(placed, _is_step(placed))


def whale_points(profits: ir.Table, settings: PyramidSettings) -> ir.Table:
    """Return at most 101 points of the whale curve, the most profitable customers first.

    See `PointRow`; the highest point of the curve is among them, unless it is the beginning.
    Source: domain 1.5.
    """
    customers = profits.filter(profits.layer.isin(settings.tiers), profits.profit.notnull())
    profit = customers.select(amount="profit")
    placed = _placed(profit, profit.amount.desc())
    # Added up from the largest, profit rises as long as there is a customer above 0.
    return _points(placed, _is_step(placed) | (placed.place == placed.profitable))


def curve(rows: Iterable[PointRow]) -> tuple[CurvePoint, ...]:
    """Return the points from nobody to all customers; nothing where there is no customer."""
    points = [_point(row) for row in sorted(rows, key=lambda row: row["place"])]
    if not points:
        return ()
    known = points[-1].share is not None
    start = CurvePoint(0, Decimal(0), Decimal(0), Decimal(0) if known else None)
    return (start, *points)


def _placed(rows: ir.Table, order: ir.Value) -> ir.Table:
    """Return rows with their place from 1, the amount up to there, and figures of them all."""
    up_to = ibis.window(order_by=order, preceding=None, following=0)
    placed = rows.mutate(
        place=ibis.row_number().over(order_by=order) + 1, running=rows.amount.sum().over(up_to)
    )
    figures = rows.aggregate(
        customers=rows.count(),
        total=total(rows.amount),
        profitable=rows.count(where=rows.amount > 0),
    )
    return placed.cross_join(figures)


def _is_step(placed: ir.Table) -> ir.BooleanValue:
    """Say which places are the first of a further hundredth; each is, of up to a hundred."""
    return (placed.place * STEPS) % placed.customers < STEPS


def _points(placed: ir.Table, wanted: ir.BooleanValue) -> ir.Table:
    amount = wide(placed.running).cast("int64")
    return placed.filter(wanted).select("place", "customers", "total", amount=amount)


def _point(row: PointRow) -> CurvePoint:
    whole = row["total"]
    return CurvePoint(
        customers=row["place"],
        share_customers=share(row["place"], row["customers"]) or Decimal(0),
        amount=cents(row["amount"]),
        share=share(row["amount"], whole) if whole > 0 else None,
    )
