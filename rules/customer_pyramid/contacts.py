"""Contacts: how often each layer was contacted, how often it should be, and whose turn it is."""

from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.budget import LEADS
from customer_pyramid.contact_plan import ContactPlan
from customer_pyramid.days import days_since, midnight, timed_in
from customer_pyramid.division import fits
from customer_pyramid.exact import total
from customer_pyramid.money import UNITS, half_up, to_units
from customer_pyramid.periods import Period

YEAR = 365


class ContactRow(TypedDict):
    """One row of `contact_counts`; who began a contact is not always known."""

    layer: str
    kind: str | None
    contacts: int
    inbound: int
    outbound: int


class SilenceRow(TypedDict):
    """One row of `silences`."""

    layer: str
    customers: int
    silent: int


class OwnTargetRow(TypedDict):
    """One row of `own_targets`; *per_year* is the sum, in 1/10,000, for all these accounts."""

    layer: str
    kind: str
    accounts: int
    per_year: int


def contact_counts(standings: ir.Table, activities: ir.Table, period: Period) -> ir.Table:
    """Return the contacts in *period* by layer and kind, leads as "Lead"; see `ContactRow`."""
    rows = activities.filter(timed_in(activities.happened_at, period))
    layers = standings.select(stood_id="account_id", stood_layer="layer")
    joined = rows.left_join(layers, rows.account_id == layers.stood_id)
    lead = joined.account_id.isnull() & joined.lead_id.notnull()
    placed = joined.select("kind", "direction", layer=ibis.ifelse(lead, LEADS, joined.stood_layer))
    known = placed.filter(placed.layer.notnull())
    return known.group_by("layer", "kind").aggregate(
        contacts=known.count(),
        inbound=known.count(where=known.direction == "inbound"),
        outbound=known.count(where=known.direction == "outbound"),
    )


def silences(
    standings: ir.Table, activities: ir.Table, layers: Collection[str], as_of: date, days: int
) -> ir.Table:
    """Return how many customers in *layers* had no contact for *days*; see `SilenceRow`."""
    own = standings.filter(standings.inherited_from.isnull(), standings.layer.isin(sorted(layers)))
    since = midnight(as_of - timedelta(days=days - 1))
    recent = activities.filter(activities.happened_at >= since)
    heard = recent.select(heard_id="account_id").distinct()
    rows = own.left_join(heard, own.account_id == heard.heard_id).select("layer", "heard_id")
    return rows.group_by("layer").aggregate(
        customers=rows.count(), silent=rows.count(where=rows.heard_id.isnull())
    )


def layer_targets(contact_targets: ir.Table) -> ir.Table:
    """Return what was agreed for whole layers, and what kinds cost; see `TargetRow`."""
    own = contact_targets.account_id.notnull()
    rows = contact_targets.mutate(layer=ibis.ifelse(own, None, contact_targets.layer))
    return rows.group_by("layer", "kind").aggregate(
        per_year=rows.per_year.max(), unit_cost=rows.unit_cost.max()
    )


def own_targets(standings: ir.Table, contact_targets: ir.Table) -> ir.Table:
    """Return what was agreed for single customers, by their layer; see `OwnTargetRow`."""
    own = standings.filter(standings.inherited_from.isnull(), standings.tier.notnull())
    named = contact_targets.filter(contact_targets.account_id.notnull())
    agreed = named.group_by("account_id", "kind").aggregate(per_year=named.per_year.max())
    layers = own.select("layer", stood_id="account_id")
    rows = agreed.join(layers, agreed.account_id == layers.stood_id)
    rows = rows.select("layer", "kind", "per_year")
    return rows.group_by("layer", "kind").aggregate(
        accounts=rows.count(), per_year=total(rows.per_year)
    )


def last_contacts(
    standings: ir.Table, activities: ir.Table, contact_targets: ir.Table, plan: ContactPlan
) -> ir.Table:
    """Return one row for each customer: when it was last contacted in each way; materialise it.

    Columns: account_id, layer, first_order, and for each kind of the plan, by name and counted from
    0, last_0 (a time), agreed_0 (contacts a year, for the customer itself) and recorded_0 (how many
    there are in all).
    """
    customers = standings.filter(standings.inherited_from.isnull(), standings.tier.notnull())
    rows = customers.select("account_id", "layer", "first_order")
    own = contact_targets.filter(contact_targets.account_id.notnull())
    agreed = own.group_by(agreed_id="account_id").aggregate(
        **{f"agreed_{n}": own.per_year.max(where=own.kind == kind) for n, kind in _kinds(plan)}
    )
    last = activities.group_by(last_id="account_id").aggregate(
        **{
            f"last_{n}": activities.happened_at.max(where=activities.kind == kind)
            for n, kind in _kinds(plan)
        }
    )
    recorded = activities.aggregate(
        **{
            f"recorded_{n}": activities.count(where=activities.kind == kind)
            for n, kind in _kinds(plan)
        }
    )
    rows = rows.left_join(agreed, rows.account_id == agreed.agreed_id).drop("agreed_id")
    rows = rows.left_join(last, rows.account_id == last.last_id).drop("last_id")
    return rows.cross_join(recorded)


def contacts_due(last: ir.Table, plan: ContactPlan, as_of: date) -> ir.Table:
    """Return whose contact of a kind is due: account_id, kind, days_since and allowed, in days.

    *last* is that of `last_contacts`. A customer who was never contacted so has no `days_since`,
    and is due when its first order is as long ago. What was agreed for the customer itself goes
    before the plan of its tier. A kind of which there is no record at all is not recorded, and so
    never due. Source: domain 2.
    """
    return ibis.union(*(_due(last, n, kind, plan, as_of) for n, kind in _kinds(plan)))


def _kinds(plan: ContactPlan) -> list[tuple[int, str]]:
    return list(enumerate(sorted(plan.unit_costs)))


def _due(rows: ir.Table, n: int, kind: str, plan: ContactPlan, as_of: date) -> ir.Table:
    since = days_since(rows[f"last_{n}"].date(), as_of)
    waited = since.coalesce(days_since(rows.first_order, as_of))
    allowed = _allowed(rows, n, kind, plan)
    due = (rows[f"recorded_{n}"] > 0) & (waited > allowed)
    found = rows.select(
        "account_id", kind=ibis.literal(kind), days_since=since, allowed=allowed, due=due
    )
    return found.filter(found.due).drop("due")


def _allowed(rows: ir.Table, n: int, kind: str, plan: ContactPlan) -> ir.IntegerValue:
    """Return the days between two contacts and the slack, null where none are planned."""
    planned = [
        (rows.layer == tier, to_units(Decimal(counts.get(kind, 0))))
        for tier, counts in plan.contacts.items()
    ]
    tiers = ibis.cases(*planned, else_=0) if planned else ibis.literal(0)
    per_year = rows[f"agreed_{n}"].coalesce(tiers.cast("int64"))
    days = half_up(YEAR * (1 + Fraction(plan.slack)) * UNITS)
    return fits(ibis.literal(days, type="int64"), per_year)
