"""Lapse: customers who stopped buying, when they did, and what they were worth."""

from datetime import date, timedelta
from typing import TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.days import day, days_since
from customer_pyramid.exact import wide
from customer_pyramid.periods import add_months
from customer_pyramid.settings import INACTIVE
from six_goals.settings import WinBackSettings

SILENT_MONTHS = 12
SILENT_GAPS = 3
YEAR = 365  # days


class LapsedRow(TypedDict):
    """One row of `lapsed`; money is revenue.

    *silent_days* is how long the customer may be silent by its own rhythm, None where that is not
    known. *best_year* is the most it bought in 365 days from an order on, less what it gave back in
    them. *active_years* are those with an order, of 365 days each, counted back from the last one;
    *revenue* is that of its whole history.
    """

    account_id: str
    name: str | None
    owner_id: str | None
    previous_tier: str | None
    last_order: date
    days_since_last: int
    silent_days: int | None
    best_year: int
    active_years: int
    revenue: int


def lapsed(
    standings: ir.Table, sales: ir.Table, rhythm: ir.Table, as_of: date, settings: WinBackSettings
) -> ir.Table:
    """Return the inactive customers that have lapsed; see `LapsedRow`. Materialise the result.

    A customer lapses at the end of 12 months without an order, or after three of its usual gaps if
    these end earlier and it has enough order days. Source: domain 3.5.
    """
    inactive = standings.filter(standings.layer == INACTIVE, standings.inherited_from.isnull())
    known = rhythm.filter(rhythm.order_days >= settings.min_order_days)
    silent = known.select(
        rhythm_id="account_id",
        silent_days=(known.median_gap * SILENT_GAPS).ceil().cast("int64"),
    )
    rows = inactive.left_join(silent, inactive.account_id == silent.rhythm_id)
    rows = rows.mutate(days_since_last=days_since(rows.last_order, as_of))
    # A month later, so that a year ends where the pyramid's period of twelve months begins.
    year_over = rows.last_order < day(add_months(as_of + timedelta(days=1), -SILENT_MONTHS))
    over = year_over | (rows.days_since_last >= rows.silent_days).fill_null(False)
    gone = rows.filter(over).select(
        "account_id",
        "name",
        "owner_id",
        "previous_tier",
        "last_order",
        "days_since_last",
        "silent_days",
    )
    worth = _worth(sales, gone)
    return gone.join(worth, gone.account_id == worth.worth_id).drop("worth_id")


def lapsed_on(row: LapsedRow) -> date:
    """Return the day on which the customer lapsed."""
    year_over = add_months(row["last_order"], SILENT_MONTHS)
    if row["silent_days"] is None:
        return year_over
    return min(year_over, row["last_order"] + timedelta(days=row["silent_days"]))


def lapsed_within(rows: ir.Table, as_of: date, months: int) -> ir.BooleanValue:
    """Say which of the lapsed did so in the last *months*."""
    silent_since = (as_of - add_months(as_of, -months)).days
    by_year = rows.last_order >= day(add_months(as_of, -months - SILENT_MONTHS))
    by_rhythm = rows.days_since_last - rows.silent_days <= silent_since
    return by_year & by_rhythm.fill_null(True)


def whole_months(start: date, end: date) -> int:
    """Return how many full months lie between two days."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return months - (add_months(start, months) > end)


def _worth(sales: ir.Table, gone: ir.Table) -> ir.Table:
    """Return worth_id, best_year, active_years and revenue of those in *gone* that brought any."""
    last = gone.select(gone_id="account_id", last_order="last_order")
    sold = sales.select("account_id", "close_date", "amount")
    joined = sold.join(last, sold.account_id == last.gone_id)
    year = ibis.window(
        group_by=joined.account_id,
        order_by=joined.close_date,
        preceding=0,
        following=ibis.interval(days=YEAR - 1),
    )
    timed = joined.mutate(
        year=joined.amount.sum().over(year),
        number=joined.last_order.delta(joined.close_date, unit="day") // YEAR,
    )
    ordered = timed.amount > 0
    sums = timed.group_by(worth_id="account_id").aggregate(
        best_year=timed.year.max(where=ordered),
        active_years=timed.number.nunique(where=ordered),
        revenue=timed.amount.sum(),
    )
    # Sums are slow to cast back to int64: only those that stay.
    some = sums.filter(sums.best_year > 0, sums.revenue > 0)
    return some.mutate(
        best_year=wide(some.best_year).cast("int64"), revenue=wide(some.revenue).cast("int64")
    )
