"""Word of mouth: what customers may tell of us, and about what each of them is called."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import ibis
import ibis.expr.types as ir

from customer_pyramid.division import times
from customer_pyramid.money import to_units
from customer_pyramid.settings import REST_OF_WORLD
from six_goals.incident_words import IncidentRow
from six_goals.incidents import WORST_FIRST
from six_goals.settings import ExperienceSettings

LISTED: Final = 10
"""How many incidents of an account the evidence lists."""


class ExperienceRow(IncidentRow):
    """One row of `experience_candidates`: the worst incident of an account, or its praise.

    *number* counts all its incidents, or all its praise; *listed* names the first of them, see
    `with_list`. *margin* is the gross margin of the period.
    """

    owner_id: str | None
    layer: str
    number: int
    listed: str
    margin: int
    value: int


def events(incidents: ir.Table, standings: ir.Table) -> ir.Table:
    """Return the incidents of accounts that can be called, each case, deal or contact once.

    Of several things that went wrong with one the worst is kept.
    """
    rows = _of_callable(incidents, standings)
    place = ibis.cases(*((rows.kind == kind, n) for n, kind in enumerate(WORST_FIRST)))
    rows = rows.mutate(badness=place.cast("int64"))
    one = ibis.window(
        group_by=[rows.account_id, rows.record, rows.record_id],
        order_by=[rows.badness, rows.ago, rows.figure],
    )
    first = rows.mutate(place=ibis.row_number().over(one))
    return first.filter(first.place == 0).drop("place")


def praised(praise: ir.Table, bad: ir.Table, standings: ir.Table) -> ir.Table:
    """Return the praise of accounts that can be called, but for cases with something bad."""
    rows = _of_callable(praise, standings)
    same = [rows.account_id == bad.account_id, rows.record_id == bad.record_id]
    return rows.anti_join(bad.filter(bad.record == "case"), same).mutate(
        badness=ibis.literal(len(WORST_FIRST), type="int64")
    )


def experience_candidates(
    bad: ir.Table,
    good: ir.Table,
    standings: ir.Table,
    profit: ir.Table,
    settings: ExperienceSettings,
) -> ir.Table:
    """Return the worst of *bad*, else the latest of *good*, one an account; see `ExperienceRow`."""
    placed = _placed(bad, good)
    rows = placed.filter(placed.place == 0).drop("place")
    accounts = standings.select("name", "owner_id", "layer", standing_id="account_id")
    rows = rows.join(accounts, rows.account_id == accounts.standing_id)
    gross = profit.select(profit_id="account_id", gross="gross")
    rows = rows.left_join(gross, rows.account_id == gross.profit_id)
    margin = ibis.greatest(rows.gross.fill_null(0), 0)
    rows = rows.mutate(margin=margin).drop("standing_id", "profit_id", "gross")
    lost = times(rows.margin, Fraction(settings.churn_lift))
    at_risk = ibis.ifelse(rows.kind.isin(WORST_FIRST), lost, 0)
    return rows.mutate(value=at_risk + to_units(settings.referral))


def with_list(chosen: ir.Table, bad: ir.Table, good: ir.Table) -> ir.Table:
    """Return the *chosen* candidates with listed, the names of what each of them has."""
    rows = _placed(*(rows.semi_join(chosen, "account_id") for rows in (bad, good)))
    named = rows.filter(rows.place < LISTED)
    name = named.kind + " " + named.record_id
    names = named.group_by("account_id").aggregate(
        listed=name.group_concat(", ", order_by=named.place)
    )
    return chosen.join(names, "account_id")


def _of_callable(rows: ir.Table, standings: ir.Table) -> ir.Table:
    callable_ = standings.filter(
        standings.layer != REST_OF_WORLD, standings.inherited_from.isnull()
    )
    return rows.semi_join(callable_, "account_id")


def _placed(bad: ir.Table, good: ir.Table) -> ir.Table:
    """Return what each account has, if it has nothing bad its praise, in order from 0."""
    rows = bad.union(good.anti_join(bad, good.account_id == bad.account_id))
    order = [rows.badness, rows.urgent.desc(), rows.ago, rows.record, rows.record_id]
    one = ibis.window(group_by=rows.account_id, order_by=order)
    whole = ibis.window(group_by=rows.account_id)
    return rows.mutate(
        place=ibis.row_number().over(one), number=rows.count().over(whole).cast("int64")
    )
