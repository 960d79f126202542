"""Behaviour: how long and how often a customer buys, and how much of its demand it brings to us."""

from datetime import date

import ibis
import ibis.expr.types as ir

from customer_pyramid.days import dated_in, day, days_since, months_since, years
from customer_pyramid.division import divided, ratio, times
from customer_pyramid.money import UNITS
from customer_pyramid.periods import Period


def ordered_months(sales: ir.Table, period: Period) -> ir.Table:
    """Return account_id and ordered_months: in how many months of *period* it ordered."""
    orders = sales.filter(sales.amount > 0, dated_in(sales.close_date, period))
    months = orders.select("account_id", month=months_since(orders.close_date, period.start))
    months = months.distinct()
    return months.group_by("account_id").aggregate(ordered_months=months.count())


def share_of_wallet(rows: ir.Table, period: Period) -> ir.IntegerValue:
    """Return the part of what an account spends a year, its wallet, that it spends with us."""
    yearly = times(rows.revenue, 1 / years(period))
    return ratio(yearly, rows.wallet)


def lifetime(rows: ir.Table, period: Period, as_of: date) -> dict[str, ir.Value]:
    """Return lifetime_months, active_months, orders_per_year and recency_days, in 1/10,000.

    *rows* have first_order, last_order, orders and ordered_months. Active months are the part of
    the period's months since the first order.
    """
    months = ibis.literal(_months(period), type="int64")
    late = rows.first_order > day(period.start)
    possible = ibis.ifelse(late, months - months_since(rows.first_order, period.start), months)
    possible = ibis.ifelse(possible > 0, possible, None)
    return {
        "lifetime_months": _age(rows.first_order, as_of) * UNITS,
        "active_months": divided(rows.ordered_months.fill_null(0) * UNITS, possible),
        "orders_per_year": times(rows.orders, UNITS / years(period)),
        "recency_days": days_since(rows.last_order, as_of) * UNITS,
    }


def _age(days: ir.DateValue, as_of: date) -> ir.IntegerValue:
    """Return the full months from each of *days* to *as_of*."""
    months = (as_of.year - days.year()) * 12 + as_of.month - days.month()
    return (months - ibis.ifelse(days.day() > as_of.day, 1, 0)).cast("int64")


def _months(period: Period) -> int:
    """Return how many months, begun ones too, *period* has, counted from its first day."""
    last = period.last_day
    months = (last.year - period.start.year) * 12 + last.month - period.start.month
    return months + (last.day >= period.start.day)
