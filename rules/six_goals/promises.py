"""Promises: what was delivered by the day it was promised for."""

from datetime import date
from decimal import Decimal
from typing import TypedDict

import ibis
import ibis.expr.types as ir

from customer_pyramid.money import share


class PromiseCounts(TypedDict):
    """Deliveries that had a promise, and those of them in time."""

    delivered: int
    kept: int


def promises(deliveries: ir.Table, as_of: date) -> ir.Table:
    """Return one row with the promises of all accounts up to *as_of*; see `PromiseCounts`.

    *deliveries* has promised and delivered, both dates. What is not delivered yet, or was never
    promised, counts nothing. Source: domain 3.6.
    """
    promised = deliveries.filter(deliveries.promised.notnull())
    done = promised.filter(promised.delivered <= ibis.literal(as_of, type="date"))
    return done.aggregate(
        delivered=done.count(), kept=done.count(where=done.delivered <= done.promised)
    )


def promise_kept(counts: PromiseCounts) -> Decimal | None:
    """Return the share of deliveries in time, to six places; None if nothing was delivered."""
    return share(counts["kept"], counts["delivered"])
