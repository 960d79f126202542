"""Purchases: what was bought, from line items where there are any, else from the deals."""

from __future__ import annotations

from typing import Literal, TypeAlias

import ibis
import ibis.expr.types as ir

from customer_pyramid.exact import total
from customer_pyramid.periods import Period

Level: TypeAlias = Literal["category", "product"]


def purchases(sales: ir.Table, lines: ir.Table | None, level: Level) -> ir.Table:
    """Return account_id, close_date, item, amount and discontinued of everything bought.

    *level* says whether an item is a category or a product; a line that has only the other is
    known by it. Without *lines* the product of the sale is the item. What names no item is left
    out.
    """
    if lines is None:
        rows = sales.select(
            "account_id", "close_date", "amount", item="product", discontinued=ibis.literal(False)
        )
    else:
        first, second = ("category", "product") if level == "category" else ("product", "category")
        rows = lines.select(
            "account_id",
            "close_date",
            "amount",
            item=ibis.coalesce(lines[first], lines[second]),
            discontinued=lines.discontinued.fill_null(False),
        )
    named = rows.filter(rows.item.notnull(), rows.account_id.notnull())
    return named.select("account_id", "close_date", "item", "amount", "discontinued")


def baskets(purchases: ir.Table, period: Period) -> ir.Table:
    """Return one row for each account and item that it ever bought for more than 0.

    Columns: account_id, item, revenue (inside *period*), first_bought and last_bought. Materialise
    the result.
    """
    start, end = (ibis.literal(day, type="date") for day in (period.start, period.end))
    inside = (purchases.close_date >= start) & (purchases.close_date < end)
    # One condition a row instead of one a row and column: there are millions.
    timed = purchases.select(
        "account_id",
        "item",
        revenue=ibis.ifelse(inside, purchases.amount, 0),
        day=ibis.ifelse(purchases.amount > 0, purchases.close_date, ibis.null("date")),
    )
    found = timed.group_by("account_id", "item").aggregate(
        revenue=total(timed.revenue), first_bought=timed.day.min(), last_bought=timed.day.max()
    )
    return found.filter(found.first_bought.notnull())


def ended(purchases: ir.Table) -> ir.Table:
    """Return each item that is no longer sold, by everything that was bought of it: item."""
    items = purchases.group_by("item").aggregate(discontinued=purchases.discontinued.all())
    return items.filter(items.discontinued).select("item")
