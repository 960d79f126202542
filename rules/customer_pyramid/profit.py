"""Profit: which customers earn it, which eat it up, and whom the budget is spent on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypedDict

import ibis.expr.types as ir

from customer_pyramid.exact import total
from customer_pyramid.money import cents, places, share
from customer_pyramid.settings import INACTIVE, PROSPECT, SUSPECT, PyramidSettings

NON_CUSTOMERS = frozenset({INACTIVE, PROSPECT, SUSPECT})
NON_CUSTOMER_LIMIT = Fraction("0.70")
INDEX_LIMIT = 3


class ProfitRow(TypedDict):
    """One row of `profit_by_layer`; *gained* is the profit of the *profitable*, those above 0."""

    layer: str
    customers: int
    profit: int
    profitable: int
    gained: int
    loss_making: int


@dataclass(frozen=True, slots=True)
class LayerProfit:
    """One layer; *share_profit* is None where the total is not above 0."""

    layer: str
    customers: int
    profit: Decimal
    profit_per_customer: Decimal | None
    share_profit: Decimal | None
    loss_making: int


@dataclass(frozen=True, slots=True)
class ProfitAudit:
    """Who earns the profit; money has two decimals, shares have six.

    *peak* is the highest point of the whale curve, the profit added up from the most profitable
    customer on: it is reached after *peak_customers*. *upper_share* is the share of all tiers but
    the last. Shares and *peak_ratio* are None where the total is not above 0. *loss_tiers* are the
    tiers that lose money.
    """

    customers: int
    profit: Decimal
    layers: tuple[LayerProfit, ...]
    upper_share: Decimal | None
    peak: Decimal
    peak_customers: int
    peak_ratio: Decimal | None
    loss_tiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Misallocation:
    """How much is spent on non-customers; *index* compares it to what new customers bring.

    None stands where nothing is spent, and for the index also where new customers bring nothing.
    """

    share: Decimal | None
    index: Decimal | None
    flagged: bool


def profit_by_layer(profits: ir.Table) -> ir.Table:
    """Return one row for each layer; see `ProfitRow`.

    *profits* has layer and profit, in money units, of each customer; an unknown profit is null and
    does not count.
    """
    known = profits.filter(profits.profit.notnull())
    return known.group_by("layer").aggregate(
        customers=known.count(),
        profit=total(known.profit),
        profitable=known.count(where=known.profit > 0),
        gained=total(known.profit, known.profit > 0),
        loss_making=known.count(where=known.profit < 0),
    )


def profit_audit(rows: Iterable[ProfitRow], settings: PyramidSettings) -> ProfitAudit:
    """Return the audit of the rows of `profit_by_layer`: the tiers, then other layers by name.

    Source: domain 1.5.
    """
    by_layer = {row["layer"]: row for row in rows}
    others = sorted(by_layer.keys() - set(settings.tiers))
    whole = sum(row["profit"] for row in by_layer.values())
    # Added up from the largest, profit rises as long as there is a customer above 0.
    peak = sum(row["gained"] for row in by_layer.values())
    return ProfitAudit(
        customers=sum(row["customers"] for row in by_layer.values()),
        profit=cents(whole),
        layers=tuple(_layer(name, by_layer, whole) for name in (*settings.tiers, *others)),
        upper_share=_share(_profit(settings.tiers[:-1], by_layer), whole),
        peak=cents(peak),
        peak_customers=sum(row["profitable"] for row in by_layer.values()),
        peak_ratio=_share(peak, whole),
        loss_tiers=tuple(tier for tier in settings.tiers if _profit([tier], by_layer) < 0),
    )


def misallocation(costs: Mapping[str, int], *, new_revenue: int, revenue: int) -> Misallocation:
    """Return the share of marketing and sales cost that goes to Inactive, Prospect and Suspect.

    *costs* are by layer, all in money units; *new_revenue* is the part of *revenue* from new
    customers. Flagged from a share of 0.70, or above an index of 3: also where new customers
    bring nothing at all for it. Source: domain 1.5.
    """
    spent = sum(costs.values())
    if spent <= 0:
        return Misallocation(share=None, index=None, flagged=False)
    aimed = Fraction(sum(cost for layer, cost in costs.items() if layer in NON_CUSTOMERS), spent)
    if revenue <= 0:
        return Misallocation(places(aimed, 6), None, flagged=aimed >= NON_CUSTOMER_LIMIT)
    new = Fraction(max(new_revenue, 0), revenue)
    return Misallocation(
        share=places(aimed, 6),
        index=places(aimed / new, 6) if new else None,
        flagged=aimed >= NON_CUSTOMER_LIMIT or aimed > INDEX_LIMIT * new,
    )


def _layer(name: str, rows: Mapping[str, ProfitRow], whole: int) -> LayerProfit:
    row, profit = rows.get(name), _profit([name], rows)
    customers = row["customers"] if row else 0
    return LayerProfit(
        layer=name,
        customers=customers,
        profit=cents(profit),
        profit_per_customer=cents(Fraction(profit, customers)) if customers else None,
        share_profit=_share(profit, whole),
        loss_making=row["loss_making"] if row else 0,
    )


def _profit(layers: Sequence[str], rows: Mapping[str, ProfitRow]) -> int:
    return sum(rows[layer]["profit"] for layer in layers if layer in rows)


def _share(part: int, whole: int) -> Decimal | None:
    # A total of 0 or less makes the ratio misleading.
    return share(part, whole) if whole > 0 else None
