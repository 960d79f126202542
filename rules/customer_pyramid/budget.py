"""The budget: whether marketing and sales money goes to customers or to everybody else."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.costs import ACCOUNT, LEAD
from customer_pyramid.exact import total
from customer_pyramid.money import places
from customer_pyramid.settings import INACTIVE, PROSPECT, SUSPECT, ProfitSettings

LEADS = "Lead"
NON_CUSTOMERS = frozenset({INACTIVE, PROSPECT, SUSPECT, LEADS})


class SpendingRow(TypedDict):
    """One row of `spending`."""

    layer: str
    ms_cost: int


@dataclass(frozen=True, slots=True)
class Misallocation:
    """How much is spent on non-customers; *index* compares it to what new customers bring.

    None stands where nothing is spent, and for the index also where new customers bring nothing.
    """

    share: Decimal | None
    index: Decimal | None
    flagged: bool


def spending(selling: ir.Table, standings: ir.Table) -> ir.Table:
    """Return what `selling_costs` found by layer, leads as the layer "Lead"; see `SpendingRow`."""
    layers = standings.select("layer", stood_id="account_id")
    aimed = selling.filter(selling.aim == ACCOUNT)
    rows = aimed.join(layers, aimed.account_id == layers.stood_id).select("layer", "ms_cost")
    leads = selling.filter(selling.aim == LEAD)
    both = rows.union(leads.select(layer=ibis.literal(LEADS), ms_cost="ms_cost"))
    return both.group_by("layer").aggregate(ms_cost=total(both.ms_cost))


def misallocation(
    costs: Mapping[str, int], *, new_revenue: int, revenue: int, settings: ProfitSettings
) -> Misallocation:
    """Return the share of marketing and sales cost that goes to those who are no customers.

    *costs* are by layer, all in money units; *new_revenue* is the part of *revenue* from new
    customers. Flagged from the share of the settings, or above their index: also where new
    customers bring nothing at all for it. Source: domain 1.5.
    """
    spent = sum(costs.values())
    if spent <= 0:
        return Misallocation(share=None, index=None, flagged=False)
    aimed = Fraction(sum(cost for layer, cost in costs.items() if layer in NON_CUSTOMERS), spent)
    too_much = aimed >= Fraction(settings.max_non_customer_share)
    if revenue <= 0:
        return Misallocation(places(aimed, 6), None, flagged=too_much)
    new = Fraction(max(new_revenue, 0), revenue)
    return Misallocation(
        share=places(aimed, 6),
        index=places(aimed / new, 6) if new else None,
        flagged=too_much or aimed > Fraction(settings.max_budget_index) * new,
    )
