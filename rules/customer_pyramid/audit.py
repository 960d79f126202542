"""The profit audit: which layers earn the profit, and which eat it up."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypedDict

import ibis.expr.types as ir

from customer_pyramid.exact import total
from customer_pyramid.money import cents, share
from customer_pyramid.settings import PyramidSettings


class ProfitRow(TypedDict):
    """One row of `profit_by_layer`; *gained* is the profit of the *profitable*, those above 0."""

    layer: str
    customers: int
    revenue: int
    gross: int
    ms_cost: int
    service_cost: int
    overhead: int
    profit: int
    profitable: int
    gained: int
    loss_making: int
    estimated: int


SUMS = ("revenue", "gross", "ms_cost", "service_cost", "overhead", "profit")
NOTHING = ProfitRow(
    layer="",
    customers=0,
    revenue=0,
    gross=0,
    ms_cost=0,
    service_cost=0,
    overhead=0,
    profit=0,
    profitable=0,
    gained=0,
    loss_making=0,
    estimated=0,
)


@dataclass(frozen=True, slots=True)
class LayerProfit:
    """One layer; *share_profit* is None where the total is not above 0.

    *roi* is what the layer leaves after marketing, sales and service cost, for each unit of that
    cost; None where nothing was spent. The cost of goods of *estimated* customers is a guess.
    """

    layer: str
    customers: int
    revenue: Decimal
    gross: Decimal
    ms_cost: Decimal
    service_cost: Decimal
    overhead: Decimal
    profit: Decimal
    profit_per_customer: Decimal | None
    share_profit: Decimal | None
    roi: Decimal | None
    loss_making: int
    estimated: int


@dataclass(frozen=True, slots=True)
class ProfitAudit:
    """Who earns the profit of the customers; money has two decimals, shares have six.

    *layers* are the tiers, which the figures are about, then the other layers, on which money was
    spent too. *peak* is the highest point of the whale curve, the profit added up from the most
    profitable customer on: it is reached after *peak_customers*. *upper_share* is the share of all
    tiers but the last. Shares and *peak_ratio* are None where the total is not above 0.
    *loss_tiers* are the tiers that lose money.
    """

    customers: int
    profit: Decimal
    layers: tuple[LayerProfit, ...]
    upper_share: Decimal | None
    peak: Decimal
    peak_customers: int
    peak_ratio: Decimal | None
    loss_tiers: tuple[str, ...]


def profit_by_layer(profits: ir.Table) -> ir.Table:
    """Return one row for each layer; see `ProfitRow`.

    *profits* is that of `profits`; an unknown profit is null and does not count.
    """
    known = profits.filter(profits.profit.notnull())
    return known.group_by("layer").aggregate(
        customers=known.count(),
        **{column: total(known[column]) for column in SUMS},
        profitable=known.count(where=known.profit > 0),
        gained=total(known.profit, known.profit > 0),
        loss_making=known.count(where=known.profit < 0),
        estimated=known.count(where=known.estimated),
    )


def profit_audit(rows: Iterable[ProfitRow], settings: PyramidSettings) -> ProfitAudit:
    """Return the audit of the rows of `profit_by_layer`: the tiers, then other layers by name.

    Source: domain 1.5.
    """
    by_layer = {row["layer"]: row for row in rows}
    others = sorted(by_layer.keys() - set(settings.tiers))
    whole = _sum(settings.tiers, "profit", by_layer)
    # Added up from the largest, profit rises as long as there is a customer above 0.
    peak = _sum(settings.tiers, "gained", by_layer)
    return ProfitAudit(
        customers=_sum(settings.tiers, "customers", by_layer),
        profit=cents(whole),
        layers=(
            *(_layer(tier, by_layer, whole) for tier in settings.tiers),
            *(_layer(other, by_layer, None) for other in others),
        ),
        upper_share=_share(_sum(settings.tiers[:-1], "profit", by_layer), whole),
        peak=cents(peak),
        peak_customers=_sum(settings.tiers, "profitable", by_layer),
        peak_ratio=_share(peak, whole),
        loss_tiers=tuple(tier for tier in settings.tiers if _sum([tier], "profit", by_layer) < 0),
    )


def loss_makers(
    profits: ir.Table, standings: ir.Table, layers: Collection[str], limit: int = 100
) -> ir.Table:
    """Return the customers in *layers* that lose money, the largest losses first.

    Columns: account_id, name, owner_id, layer, revenue, profit.
    """
    losing = profits.filter(profits.profit < 0, profits.layer.isin(sorted(layers)))
    names = standings.select("name", "owner_id", named_id="account_id")
    rows = losing.join(names, losing.account_id == names.named_id)
    found = rows.select("account_id", "name", "owner_id", "layer", "revenue", "profit")
    return found.order_by("profit", "account_id").limit(limit)


def _layer(name: str, rows: Mapping[str, ProfitRow], whole: int | None) -> LayerProfit:
    row = rows.get(name, NOTHING)
    customers, spent = row["customers"], row["ms_cost"] + row["service_cost"]
    return LayerProfit(
        layer=name,
        customers=customers,
        revenue=cents(row["revenue"]),
        gross=cents(row["gross"]),
        ms_cost=cents(row["ms_cost"]),
        service_cost=cents(row["service_cost"]),
        overhead=cents(row["overhead"]),
        profit=cents(row["profit"]),
        profit_per_customer=cents(Fraction(row["profit"], customers)) if customers else None,
        share_profit=None if whole is None else _share(row["profit"], whole),
        roi=share(row["gross"] - spent, spent),
        loss_making=row["loss_making"],
        estimated=row["estimated"],
    )


def _sum(
    layers: Sequence[str],
    figure: Literal["customers", "profit", "profitable", "gained"],
    rows: Mapping[str, ProfitRow],
) -> int:
    return sum(rows[layer][figure] for layer in layers if layer in rows)


def _share(part: int, whole: int) -> Decimal | None:
    # A total of 0 or less makes the ratio misleading.
    return share(part, whole) if whole > 0 else None
