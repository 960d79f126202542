"""Ladder: customers who have one step of a product line, and whose peers went on to the next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import at_least
from six_goals.offers import typical_spend
from six_goals.settings import UpSellSettings


def ladder_candidates(
    standings: ir.Table, baskets: ir.Table, as_of: date, settings: UpSellSettings
) -> ir.Table:
    """Return the active customers who could take the next step of *settings.ladder*.

    Columns: account_id; step, the highest item that it has, and next_step; gain, what buyers of the
    next step spend on it in the period (spend) beyond what this customer spends on its own
    (own_spend); peers, the others with the step (in its industry, if they are enough), and stepped,
    how many of them went on; after_days, the median time that took; last_bought, when this customer
    last bought its step: longer ago than that. Source: domain 3.2.
    """
    held = _held(standings, baskets, settings.ladder)
    highest = held.group_by("account_id").aggregate(number=held.number.max())
    top = held.semi_join(highest, ["account_id", "number"])
    rows = _with_peers(top, _went_on(held), settings)
    rows = rows.mutate(step=rows.item, item=_item(rows.number + 1, settings.ladder))
    rows = typical_spend(rows, held.filter(held.revenue > 0))
    waited = ibis.literal(as_of, type="date").delta(rows.last_bought, unit="day")
    own = ibis.greatest(rows.revenue, 0)
    ready = rows.mutate(own_spend=own, gain=rows.spend - own).filter(
        at_least(rows.stepped, rows.peers, Fraction(settings.step_ownership)),
        waited > rows.after_days,
        rows.spend > own,
    )
    return ready.select(
        "account_id",
        "gain",
        "step",
        "spend",
        "own_spend",
        "peers",
        "stepped",
        "after_days",
        "last_bought",
        next_step="item",
    )


def step_number(item: ir.StringValue, ladder: Sequence[str]) -> ir.IntegerValue:
    """Return the place of *item* in the ladder, from 0; null for other items."""
    if not ladder:
        return ibis.null("int64")
    return ibis.cases(
        *((item == step, ibis.literal(number, type="int64")) for number, step in enumerate(ladder)),
        else_=ibis.null("int64"),
    )


def _item(number: ir.IntegerValue, ladder: Sequence[str]) -> ir.StringValue:
    return ibis.cases(*((number == place, step) for place, step in enumerate(ladder)))


def _held(standings: ir.Table, baskets: ir.Table, ladder: Sequence[str]) -> ir.Table:
    """Return the steps that active customers have, with tier and industry."""
    customers = standings.filter(standings.tier.notnull(), standings.inherited_from.isnull())
    bought = baskets.filter(baskets.item.isin(ladder))
    rows = bought.join(customers.select("account_id", "tier", "industry"), "account_id")
    known = rows.select(
        "account_id", "tier", "industry", "item", "revenue", "first_bought", "last_bought"
    )
    return known.mutate(number=step_number(known.item, ladder))


def _went_on(held: ir.Table) -> ir.Table:
    """Return held steps with up (has the next one too) and days (from the first of each)."""
    above = held.select("account_id", number=held.number - 1, first_above=held.first_bought)
    rows = held.left_join(above, ["account_id", "number"])
    days = rows.first_above.delta(rows.first_bought, unit="day")
    return rows.select(
        "industry",
        "number",
        up=rows.first_above.notnull(),
        # Who had the higher step before did not go up to it.
        days=ibis.ifelse(days > 0, days, ibis.null("int64")),
    )


def _with_peers(top: ir.Table, steps: ir.Table, settings: UpSellSettings) -> ir.Table:
    """Add peers, stepped and after_days to the highest steps; leave out those without peers."""
    near = _measured(steps, "industry", "number").rename(
        near_owners="owners", near_stepped="stepped", near_days="after_days"
    )
    rows = top.left_join(near, ["industry", "number"]).drop("industry_right", "number_right")
    rows = rows.join(_measured(steps, "number"), "number")
    enough = (rows.near_owners > settings.min_peers).fill_null(False)
    # Who has no higher step is among the owners, and no peer of its own.
    found = rows.select(
        *top.columns,
        peers=ibis.ifelse(enough, rows.near_owners, rows.owners) - 1,
        stepped=ibis.ifelse(enough, rows.near_stepped, rows.stepped),
        after_days=ibis.ifelse(enough, rows.near_days, rows.after_days),
    )
    return found.filter(found.peers >= settings.min_peers)


def _measured(steps: ir.Table, *by: str) -> ir.Table:
    return steps.group_by(by).aggregate(
        owners=steps.count(),
        stepped=steps.count(where=steps.up),
        after_days=steps.days.median(),
    )
