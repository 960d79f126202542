"""Leaving: the signs by which a customer who is about to leave is known."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypeAlias, TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import at_least, wide
from six_goals.goal import Facts
from six_goals.rhythm import pooled_gaps
from six_goals.settings import RetentionSettings

Sign: TypeAlias = Literal["late", "silent", "fading", "declining", "contract"]

BILLION = 1_000_000_000
"""Shares at risk are in billionths, so that values are exact."""


class RetentionRow(TypedDict):
    """One row of `leaving`, `described`; money in units, *at_risk* in billionths of the margin.

    *sign* is what tells that the customer may leave: late by its own rhythm, silent for longer than
    its tier's customers are between two orders, fading by the model of its purchases, declining
    revenue, or the end of its contract.
    """

    account_id: str
    name: str | None
    owner_id: str | None
    layer: str
    sign: Sign
    critical: bool
    revenue: int
    previous_revenue: int
    gross: int
    profit: int
    at_risk: int
    value: int
    order_days: int | None
    median_gap: float | None
    usual_gap: float | None
    days_since_last: int | None
    p_alive: float | None
    contract_end: date | None
    strategic: bool


def leaving(facts: Facts, settings: RetentionSettings) -> ir.Table:
    """Return one row for each active customer with a sign of leaving.

    Of several signs the one with the highest value counts. The columns are those of `RetentionRow`
    but what `described` adds.
    """
    customers = facts.keep("retention_customers", _customers(facts, settings))
    signs = [
        _late(customers, settings),
        _silent(customers, settings),
        _declining(customers, settings),
        _contract(customers, facts.as_of, settings),
    ]
    if settings.p_alive > 0:
        signs.append(_fading(customers, settings))
    found = signs[0]
    for sign in signs[1:]:
        found = found.union(sign)
    valued = found.mutate(value=_value(found))
    order = [valued.value.desc(), valued.place]
    best = valued.mutate(turn=ibis.row_number().over(group_by=valued.account_id, order_by=order))
    return best.filter(best.turn == 0).drop("turn", "place", "has_deal")


def described(signs: ir.Table, standings: ir.Table) -> ir.Table:
    """Return *signs* with name, owner_id and layer of the account; see `RetentionRow`."""
    known = standings.select("name", "owner_id", "layer", described_id="account_id")
    return signs.join(known, signs.account_id == known.described_id).drop("described_id")


def _customers(facts: Facts, settings: RetentionSettings) -> ir.Table:
    """Return what the signs look at, for each active customer."""
    standings, rhythm, profit = (facts.table(name) for name in ("standings", "rhythm", "profit"))
    alive, accounts = facts.table("alive"), facts.table("accounts")
    active = standings.filter(standings.tier.notnull(), standings.inherited_from.isnull())
    # Without names: texts are added to those that are proposed.
    rows = active.select("account_id", "tier", "revenue", "previous_revenue")
    rows = rows.left_join(
        rhythm.select("account_id", "order_days", "median_gap", "days_since_last"), "account_id"
    ).drop("account_id_right")
    rows = rows.left_join(profit.select("account_id", "gross", "profit"), "account_id").drop(
        "account_id_right"
    )
    rows = rows.left_join(alive.select("account_id", "p_alive"), "account_id").drop(
        "account_id_right"
    )
    own = accounts.select("strategic", "contract_end", own_id="id")
    rows = rows.left_join(own, rows.account_id == own.own_id).drop("own_id")
    deals = facts.table("open_deals").select(deal_account="account_id").distinct()
    rows = rows.left_join(deals, rows.account_id == deals.deal_account)
    tiers = active.select("account_id", "tier")
    usual = pooled_gaps(facts.table("order_days"), tiers, settings.usual_share)
    usual = usual.rename(usual_tier="tier")
    rows = rows.left_join(usual, rows.tier == usual.usual_tier)
    return rows.select(
        "account_id",
        "revenue",
        "previous_revenue",
        "order_days",
        "median_gap",
        "days_since_last",
        "p_alive",
        "contract_end",
        "usual_gap",
        gross=ibis.greatest(rows.gross.fill_null(0), 0),
        profit=rows.profit.fill_null(0),
        strategic=rows.strategic.fill_null(False),
        has_deal=rows.deal_account.notnull(),
    )


def _late(rows: ir.Table, settings: RetentionSettings) -> ir.Table:
    late = rows.filter(
        rows.order_days >= settings.min_order_days,
        rows.days_since_last >= settings.min_days,
        _reaches(rows, rows.median_gap, settings.overdue),
    )
    critical = _reaches(late, late.median_gap, settings.critical)
    return _sign(late, "late", 0, critical, _overdue_risk(late, late.median_gap))


def _silent(rows: ir.Table, settings: RetentionSettings) -> ir.Table:
    """Return customers with few orders, judged by the rhythm of their tier."""
    quiet = rows.filter(
        rows.order_days < settings.min_order_days,
        rows.days_since_last >= settings.min_days,
        _reaches(rows, rows.usual_gap, settings.overdue),
    )
    critical = _reaches(quiet, quiet.usual_gap, settings.critical)
    return _sign(quiet, "silent", 1, critical, _overdue_risk(quiet, quiet.usual_gap))


def _fading(rows: ir.Table, settings: RetentionSettings) -> ir.Table:
    # A customer who never came back is alive for certain by construction of the model.
    known = rows.filter(rows.order_days > 1, rows.p_alive < float(settings.p_alive))
    risk = ((1 - known.p_alive) * BILLION).round(0).cast("int64")
    return _sign(known, "fading", 2, known.p_alive < float(settings.p_alive) / 2, risk)


def _declining(rows: ir.Table, settings: RetentionSettings) -> ir.Table:
    fewer = rows.filter(
        rows.revenue > 0,
        rows.previous_revenue > 0,
        _fell_to(rows, settings.decline),
        ~rows.has_deal,
    )
    # What is lost already, in parts of the margin that is left.
    lost = wide(fewer.previous_revenue - fewer.revenue) * BILLION / wide(fewer.revenue)
    critical = _fell_to(fewer, settings.decline / 2)
    return _sign(fewer, "declining", 3, critical, lost.round(0).cast("int64"))


def _contract(rows: ir.Table, as_of: date, settings: RetentionSettings) -> ir.Table:
    last = ibis.literal(as_of + timedelta(days=settings.contract_days), type="date")
    ending = rows.filter(
        rows.contract_end >= ibis.literal(as_of, type="date"),
        rows.contract_end <= last,
        ~rows.has_deal,
    )
    soon = ibis.literal(as_of + timedelta(days=settings.contract_days // 3), type="date")
    risk = ibis.literal(int(settings.contract_risk * BILLION), type="int64")
    return _sign(ending, "contract", 4, ending.contract_end <= soon, risk)


def _sign(
    rows: ir.Table, sign: Sign, place: int, critical: ir.BooleanValue, at_risk: ir.IntegerValue
) -> ir.Table:
    return rows.mutate(
        sign=ibis.literal(sign),
        place=ibis.literal(place, type="int64"),
        critical=critical,
        at_risk=at_risk,
    )


def _reaches(rows: ir.Table, gap: ir.FloatingValue, ratio: Decimal) -> ir.BooleanValue:
    # Medians are in halves, so floats hold both sides exactly.
    part = Fraction(ratio)
    return rows.days_since_last * part.denominator >= gap * part.numerator


def _overdue_risk(rows: ir.Table, gap: ir.FloatingValue) -> ir.IntegerValue:
    """Return the part at risk: nothing on the usual day, all from four times the gap on."""
    part = (rows.days_since_last / gap - 1) / 3
    return ibis.least((part * BILLION).round(0).cast("int64"), BILLION)


def _value(rows: ir.Table) -> ir.IntegerValue:
    """Return the margin at risk, or the loss that a customer makes who is not worth keeping."""
    margin = (wide(rows.gross) * rows.at_risk / BILLION).round(0).cast("int64")
    return ibis.ifelse((rows.profit < 0) & ~rows.strategic, -rows.profit, margin)


def _fell_to(rows: ir.Table, share: Decimal) -> ir.BooleanValue:
    """Say whether revenue is *share* of that of the period before, or less."""
    return at_least(rows.previous_revenue, rows.revenue, 1 / Fraction(share))
