"""Totals: the one pass over the sales, from which everything about a customer follows."""

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import total
from customer_pyramid.periods import Period


def totals(sales: ir.Table, current: Period, previous: Period) -> ir.Table:
    """Return one row for each account that ever had a sale.

    Columns: account_id, revenue, orders, previous_revenue, previous_orders, first_order,
    last_order. Revenue is net, in money units; orders are sales above zero, and so are the first
    and the last one, over the whole history. Materialise the result: all later steps read it
    instead of the sales.
    """
    now, before, positive = _inside(sales, current), _inside(sales, previous), sales.amount > 0
    return sales.group_by("account_id").aggregate(
        revenue=total(sales.amount, now),
        orders=sales.count(where=now & positive),
        previous_revenue=total(sales.amount, before),
        previous_orders=sales.count(where=before & positive),
        first_order=sales.close_date.min(where=positive),
        last_order=sales.close_date.max(where=positive),
    )


def _inside(sales: ir.Table, period: Period) -> ir.BooleanValue:
    start, end = (ibis.literal(day, type="date") for day in (period.start, period.end))
    return (sales.close_date >= start) & (sales.close_date < end)
