"""Customer performance: value, behaviour and satisfaction, measured and scored per customer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ibis
import ibis.expr.types as ir

from customer_pyramid.behaviour import lifetime, ordered_months, share_of_wallet
from customer_pyramid.days import years
from customer_pyramid.division import divided, ratio
from customer_pyramid.exact import wide
from customer_pyramid.money import UNITS, places, to_units
from customer_pyramid.peers import breadth, with_peers
from customer_pyramid.periods import Period
from customer_pyramid.satisfaction import answers, promises_kept
from customer_pyramid.settings import INACTIVE, MEASURES, PerformanceSettings, PyramidSettings

OUTLOOK = {"account_id": "string", "p_alive": "float64", "expected_purchases": "float64"}
CUSTOMER = (
    "account_id",
    "layer",
    "tier",
    "industry",
    "revenue",
    "orders",
    "first_order",
    "last_order",
)
SATISFACTION = ("gap", "csat", "nps", "promise_kept", "response_hours", "reopened")


@dataclass(frozen=True, slots=True)
class MeasureMean:
    """The mean of one measure over the *known* customers of a layer; None where none is known.

    *score* is the mean of their scores from 0 to 100; None for a measure without targets.
    """

    measure: str
    known: int
    mean: Decimal | None
    score: Decimal | None


@dataclass(frozen=True, slots=True)
class LayerPerformance:
    """How the customers of one layer perform."""

    layer: str
    customers: int
    measures: tuple[MeasureMean, ...]


def performance(
    standings: ir.Table,
    accounts: ir.Table,
    profits: ir.Table,
    *,
    sales: ir.Table,
    baskets: ir.Table,
    cases: ir.Table,
    deliveries: ir.Table,
    outlook: ir.Table | None = None,
    settings: PerformanceSettings,
    period: Period,
    as_of: date,
) -> ir.Table:
    """Return how each customer performs, active or not; materialise it.

    Columns: account_id, layer, then for each of `MEASURES` the measure in 1/10,000 and, from 0 to
    100, `score_` and its name. What is unknown is null. *baskets* has account_id, item and the
    revenue of the period; *outlook* account_id, p_alive and expected_purchases of the next year.
    Source: domain 2.
    """
    rows = with_peers(_customers(standings), settings)
    wallets = accounts.select("wallet", account_id="id")
    known = (
        profits.select("account_id", "profit", "gross"),
        wallets.filter(wallets.wallet > 0),
        breadth(rows, baskets, settings),
        ordered_months(sales, period),
        answers(cases, period),
        promises_kept(deliveries, period),
    )
    for found in known:
        rows = _joined(rows, found)
    rows = _with_outlook(rows, outlook, period)
    measured = rows.select(
        "account_id",
        "layer",
        "profit",
        clv=_lifetime_value(rows, settings),
        share_of_wallet=share_of_wallet(rows, period),
        breadth="breadth",
        peer_ratio=ratio(rows.revenue, rows.p75),
        **lifetime(rows, period, as_of),
        p_alive=_units(rows.p_alive),
        **{name: rows[name] for name in SATISFACTION},
    )
    scores = {f"score_{name}": _score(measured[name], settings.target(name)) for name in MEASURES}
    return measured.mutate(**scores)


def performance_by_layer(performance: ir.Table) -> ir.Table:
    """Return for each layer its customers, and of each measure its known ones and two sums.

    The columns are known_, sum_ and score_ with the measure's name.
    """
    return performance.group_by("layer").aggregate(
        customers=performance.count(),
        **{f"known_{name}": performance[name].count() for name in MEASURES},
        **{f"sum_{name}": wide(performance[name].sum()) for name in MEASURES},
        **{f"score_{name}": wide(performance[f"score_{name}"].sum()) for name in MEASURES},
    )


def layer_performance(
    rows: Iterable[Mapping[str, Any]], settings: PyramidSettings
) -> tuple[LayerPerformance, ...]:
    """Return the means of the rows of `performance_by_layer`, tiers first."""
    by_layer = {row["layer"]: row for row in rows}
    layers = [layer for layer in (*settings.tiers, INACTIVE) if layer in by_layer]
    return tuple(
        LayerPerformance(
            layer=layer,
            customers=by_layer[layer]["customers"],
            measures=tuple(_mean(name, by_layer[layer]) for name in MEASURES),
        )
        for layer in layers
    )


def _mean(measure: str, row: Mapping[str, Any]) -> MeasureMean:
    known, summed, scored = (row[f"{what}_{measure}"] for what in ("known", "sum", "score"))
    return MeasureMean(
        measure=measure,
        known=known,
        mean=places(Fraction(int(summed), known * UNITS), 4) if known else None,
        score=None if scored is None else places(Fraction(int(scored), known), 1),
    )


def _customers(standings: ir.Table) -> ir.Table:
    own = standings.filter(standings.inherited_from.isnull())
    return own.filter(own.tier.notnull() | (own.layer == INACTIVE)).select(*CUSTOMER)


def _joined(rows: ir.Table, found: ir.Table) -> ir.Table:
    columns = [name for name in found.columns if name != "account_id"]
    added = found.select(*columns, found_id="account_id")
    return rows.left_join(added, rows.account_id == added.found_id).select(*rows.columns, *columns)


def _with_outlook(rows: ir.Table, outlook: ir.Table | None, period: Period) -> ir.Table:
    """Add p_alive and expected: orders of the next year, from the model or from p_alive alone."""
    if outlook is None:
        unknown = ibis.null("float64")
        return rows.mutate(p_alive=unknown, expected=unknown)
    known = _joined(rows, outlook.select(*OUTLOOK))
    alike = known.p_alive * (known.orders / float(years(period)))
    return known.mutate(expected=known.expected_purchases.coalesce(alike))


def _lifetime_value(rows: ir.Table, settings: PerformanceSettings) -> ir.IntegerValue:
    """Return the margin expected in the coming years, discounted: as many orders in each."""
    discount = 1 + float(settings.discount)
    annuity = sum(discount**-year for year in range(1, settings.years + 1))
    orders = ibis.ifelse(rows.orders > 0, rows.orders, None)
    return (rows.gross / orders * rows.expected * annuity).round().cast("int64")


def _units(value: ir.FloatingValue) -> ir.IntegerValue:
    return (value * UNITS).round().cast("int64")


def _score(measure: ir.IntegerValue, target: tuple[Decimal, Decimal] | None) -> ir.IntegerValue:
    if target is None:
        return ibis.null("int64")
    worst, best = (to_units(value) for value in target)
    span = abs(best - worst)
    way = (measure - worst) * (1 if best > worst else -1)
    # Unknown fails both conditions and stays unknown.
    return ibis.cases((way <= 0, 0), (way >= span, 100), else_=divided(way * 100, span))
