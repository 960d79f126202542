"""Reasons: why a customer left, and what that does to the chance that it returns."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, TypeAlias

import ibis
import ibis.expr.types as ir

from customer_pyramid.days import days_since
from customer_pyramid.money import half_up
from six_goals.lapse import YEAR
from six_goals.settings import WinBackSettings

Told: TypeAlias = Literal["deal", "case"]

PARTS: Final = 10_000
"""Chances and factors are whole numbers of these parts in SQL."""

UNKNOWN: Final = "unknown"
UNKNOWN_FACTOR: Final = Decimal("0.7")


def why_left(gone: ir.Table, lost: ir.Table, cases: ir.Table, as_of: date) -> ir.Table:
    """Return account_id, why and told: the reason of its last lost deal, else of its last case.

    What was said more than a year before the last order did not make the customer leave.
    """
    of_deals = lost.select(
        "account_id",
        "id",
        why="reason",
        told=ibis.literal("deal"),
        rank=ibis.literal(0),
        ago=days_since(lost.close_date, as_of),
    )
    of_cases = cases.select(
        "account_id",
        "id",
        why="category",
        told=ibis.literal("case"),
        rank=ibis.literal(1),
        ago=days_since(cases.opened_at.date(), as_of),
    )
    said = of_deals.union(of_cases)
    said = said.filter(said.why.strip() != "")
    known = gone.select(gone_id="account_id", silent="days_since_last")
    rows = said.join(known, said.account_id == known.gone_id)
    rows = rows.filter(rows.ago <= rows.silent + YEAR)
    latest = ibis.window(group_by=rows.account_id, order_by=[rows.rank, rows.ago, rows.id])
    first = rows.mutate(place=ibis.row_number().over(latest))
    return first.filter(first.place == 0).select("account_id", "why", "told")


def with_factor(rows: ir.Table, settings: WinBackSettings) -> ir.Table:
    """Return *rows* with the cause, the setting whose word is in *why*, and its factor.

    The cause is null, and the factor that of an unknown reason, where no word is in it.
    """
    text = rows.why.lower()
    words = [(word, factor) for word, factor in settings.reasons.items() if word != UNKNOWN]
    found = [(text.contains(word.lower()), word) for word, _ in words]
    nothing = ibis.null("string")
    told = rows.mutate(cause=ibis.cases(*found, else_=nothing) if found else nothing)
    unknown = parts(settings.reasons.get(UNKNOWN, UNKNOWN_FACTOR))
    factors = [(told.cause == word, parts(factor)) for word, factor in words]
    return told.mutate(factor=ibis.cases(*factors, else_=unknown) if factors else unknown)


def parts(share: Decimal) -> ir.IntegerScalar:
    """Return *share* in `PARTS`."""
    return ibis.literal(half_up(Fraction(share) * PARTS), type="int64")
