"""Own rhythm: how often a customer orders, and how late the next order is."""

from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from customer_pyramid.days import days_since


def order_days(sales: ir.Table) -> ir.Table:
    """Return one row for each account and day with a sale above zero: account_id, day and gap.

    The gap is in days since the order day before; null on the first one. Materialise the result:
    all else in this module comes from it. Source: domain 3.3.
    """
    orders = sales.filter(sales.amount > 0).select("account_id", day="close_date")
    by_day = ibis.window(group_by=orders.account_id, order_by=orders.day)
    since = orders.mutate(gap=orders.day.delta(orders.day.lag().over(by_day), unit="day"))
    # Two orders on one day are one order day: the second has a gap of 0.
    return since.filter((since.gap > 0) | since.gap.isnull())


def ordering(order_days: ir.Table) -> ir.Table:
    """Return one row for each account with an order; materialise it.

    Columns: account_id, order_days, median_gap (days, in halves; null where there is only one),
    first_day and last_day.
    """
    return order_days.group_by("account_id").aggregate(
        order_days=order_days.count(),
        median_gap=order_days.gap.median(),
        first_day=order_days.day.min(),
        last_day=order_days.day.max(),
    )


def own_rhythm(ordering: ir.Table, as_of: date) -> ir.Table:
    """Return one row for each account with at least two order days.

    Columns: account_id, order_days, median_gap, days_since_last, overdue (their ratio).
    """
    regular = ordering.filter(ordering.order_days > 1)
    since = days_since(regular.last_day, as_of)
    timed = regular.select("account_id", "order_days", "median_gap", days_since_last=since)
    return timed.mutate(overdue=timed.days_since_last / timed.median_gap)


def pooled_gaps(order_days: ir.Table, tiers: ir.Table, share: Decimal) -> ir.Table:
    """Return tier and usual_gap: the gap that *share* of all gaps in the tier do not exceed.

    *tiers* has account_id and tier. Gaps are days between two order days of one account.
    """
    gaps = order_days.filter(order_days.gap.notnull()).join(tiers, "account_id")
    return gaps.group_by("tier").aggregate(usual_gap=gaps.gap.quantile(float(share)))
