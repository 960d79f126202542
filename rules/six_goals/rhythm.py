"""Own rhythm: how often a customer orders, and how late the next order is."""

from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir


def own_rhythm(sales: ir.Table, as_of: date) -> ir.Table:
    """Return one row for each account with at least two order days.

    Columns: account_id, order_days, median_gap (days, in halves), days_since_last, overdue (their
    ratio). Order days are different days with a sale above zero, over the whole history.
    Materialise the result. Source: domain 3.3.
    """
    gaps = _gaps(sales)
    # Two orders on one day are one order day: their gap of 0 says nothing.
    real = gaps.gap > 0
    rhythm = gaps.group_by("account_id").aggregate(
        order_days=gaps.count(where=real) + 1,
        median_gap=gaps.gap.median(where=real),
        last_order=gaps.close_date.max(),
    )
    rhythm = rhythm.filter(rhythm.order_days > 1)
    since = ibis.literal(as_of, type="date").delta(rhythm.last_order, unit="day")
    timed = rhythm.select("account_id", "order_days", "median_gap", days_since_last=since)
    return timed.mutate(overdue=timed.days_since_last / timed.median_gap)


def pooled_gaps(sales: ir.Table, tiers: ir.Table, share: Decimal) -> ir.Table:
    """Return tier and usual_gap: the gap that *share* of all gaps in the tier do not exceed.

    *tiers* has account_id and tier. Gaps are days between two order days of one account.
    """
    gaps = _gaps(sales)
    real = gaps.filter(gaps.gap > 0).join(tiers, "account_id")
    return real.group_by("tier").aggregate(usual_gap=real.gap.quantile(float(share)))


def _gaps(sales: ir.Table) -> ir.Table:
    orders = sales.filter(sales.amount > 0).select("account_id", "close_date")
    by_day = ibis.window(group_by=orders.account_id, order_by=orders.close_date)
    return orders.mutate(
        gap=orders.close_date.delta(orders.close_date.lag().over(by_day), unit="day")
    )
