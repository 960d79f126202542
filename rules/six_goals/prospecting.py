"""Prospecting: which prospects and suspects are worth a contact, and what each may bring."""

from __future__ import annotations

from decimal import Decimal
from typing import TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import total, wide
from customer_pyramid.money import half_up
from customer_pyramid.settings import PROSPECT
from six_goals.goal import Facts
from six_goals.look_alike import likeness, look_alikes
from six_goals.settings import AcquisitionSettings

MILLION = 1_000_000
"""Chances are in millionths, so that values are exact."""


class AcquisitionRow(TypedDict):
    """One row of `acquisition_candidates`; *chance* in millionths, *worth* a first year's revenue.

    *heat* is hot, warm, cold, or none for an account that nobody has contacted. *lead_id* is the
    lead by whose model the chance is known, null where it is that of the heat.
    """

    account_id: str
    name: str | None
    owner_id: str | None
    layer: str
    heat: str
    score: Decimal
    like_field: str | None
    like_value: str | None
    like_tier: str | None
    like_good: int | None
    like_customers: int | None
    lead_id: str | None
    chance: int
    worth: int
    value: int


def acquisition_candidates(facts: Facts, settings: AcquisitionSettings) -> ir.Table:
    """Return one row for each prospect, suspect or lead worth a contact; see `AcquisitionRow`.

    Who is unlike the best customers, and whom nobody has contacted, is none.
    """
    standings, accounts = facts.table("standings"), facts.table("accounts")
    weights = likeness(accounts, standings, facts.pyramid, settings.look_alike)
    weights = facts.keep("acquisition_likeness", weights)
    alike = look_alikes(accounts, standings, weights, settings.look_alike)
    described = standings.select(
        "name", "owner_id", "layer", described_id="account_id", heat=_heat(standings)
    )
    rows = alike.join(described, alike.account_id == described.described_id)
    rows = _with_worth(rows, standings, facts.pyramid.tiers[-1])
    rows = _with_chance(rows, facts.table("acquisition_leads"), settings)
    rows = rows.filter((rows.score > 0) | (rows.heat != "none") | rows.lead_id.notnull())
    margin = half_up(facts.margin * MILLION)
    value = wide(rows.worth) * rows.chance * margin / MILLION / MILLION
    return rows.select(
        "account_id",
        "name",
        "owner_id",
        "layer",
        "heat",
        "score",
        "like_field",
        "like_value",
        "like_tier",
        "like_good",
        "like_customers",
        "lead_id",
        "chance",
        "worth",
        value=value.round(0).cast("int64"),
    )


def _heat(standings: ir.Table) -> ir.StringValue:
    return ibis.ifelse(standings.layer == PROSPECT, standings.heat.fill_null("cold"), "none")


def _with_worth(rows: ir.Table, standings: ir.Table, last_tier: str) -> ir.Table:
    """Add *worth*: what a customer of the tier that the account looks like brings on average."""
    active = standings.filter(standings.tier.notnull(), standings.inherited_from.isnull())
    tiers = active.group_by(worth_tier="tier").aggregate(
        worth=(total(active.revenue) / active.count()).round(0).cast("int64")
    )
    matched = rows.mutate(matched=rows.like_tier.fill_null(last_tier))
    joined = matched.left_join(tiers, matched.matched == tiers.worth_tier)
    return joined.select(*rows.columns, worth=joined.worth.fill_null(0))


def _with_chance(rows: ir.Table, leads: ir.Table, settings: AcquisitionSettings) -> ir.Table:
    """Add *chance*, by the account's most promising lead or else by heat, and that *lead_id*."""
    order = ibis.row_number().over(
        group_by=leads.account_id, order_by=[leads.p.desc(), leads.lead_id]
    )
    known = leads.filter(leads.account_id.notnull()).mutate(place=order)
    best = known.filter(known.place == 0).select("lead_id", "p", lead_account="account_id")
    joined = rows.left_join(best, rows.account_id == best.lead_account)
    by_heat = ibis.cases(
        *(
            (joined.heat == heat, int(chance * MILLION))
            for heat, chance in settings.conversion.items()
        )
    )
    by_lead = (joined.p * MILLION).round(0).cast("int64")
    return joined.select(
        *rows.columns, "lead_id", chance=ibis.coalesce(by_lead, by_heat.cast("int64"))
    )
