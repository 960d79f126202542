"""Promises: what was delivered by the day it was promised for."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.money import share


class PromiseRow(TypedDict):
    """One row of `promises`: deliveries that had a promise, and those of them in time."""

    account_id: str
    delivered: int
    kept: int


def promises(deliveries: ir.Table, as_of: date) -> ir.Table:
    """Return one row for each account with a delivery up to *as_of*; see `PromiseRow`.

    *deliveries* has account_id, promised and delivered, both dates. What is not delivered yet, or
    was never promised, counts nothing. Source: domain 3.6.
    """
    promised = deliveries.filter(deliveries.promised.notnull())
    done = promised.filter(promised.delivered <= ibis.literal(as_of, type="date"))
    return done.group_by("account_id").aggregate(
        delivered=done.count(),
        kept=done.count(where=done.delivered <= done.promised),
    )


def promise_kept(rows: Iterable[PromiseRow]) -> Decimal | None:
    """Return the share of deliveries in time, to six places; None if nothing was delivered."""
    counts = [(row["kept"], row["delivered"]) for row in rows]
    return share(sum(kept for kept, _ in counts), sum(delivered for _, delivered in counts))
