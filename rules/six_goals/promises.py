"""Promises: what was delivered by the day it was promised for."""

from collections.abc import Iterable
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


class PromiseRow(PromiseCounts):
    """One row of `promises`."""

    account_id: str


def promises(deliveries: ir.Table, as_of: date) -> ir.Table:
    """Return one row for each account with a delivery up to *as_of*; see `PromiseRow`.

    *deliveries* has account_id, promised and delivered, both dates. What is not delivered yet, or
    was never promised, counts nothing. Source: domain 3.6.
    """
    done = _delivered(deliveries, as_of)
    return done.group_by("account_id").aggregate(**_counts(done))


def all_promises(deliveries: ir.Table, as_of: date) -> ir.Table:
    """Return the same as `promises` of all accounts together, in one row without an account."""
    done = _delivered(deliveries, as_of)
    return done.aggregate(**_counts(done))


def promise_kept(rows: Iterable[PromiseCounts]) -> Decimal | None:
    """Return the share of deliveries in time, to six places; None if nothing was delivered."""
    counts = [(row["kept"], row["delivered"]) for row in rows]
    return share(sum(kept for kept, _ in counts), sum(delivered for _, delivered in counts))


def _delivered(deliveries: ir.Table, as_of: date) -> ir.Table:
    promised = deliveries.filter(deliveries.promised.notnull())
    return promised.filter(promised.delivered <= ibis.literal(as_of, type="date"))


def _counts(done: ir.Table) -> dict[str, ir.IntegerScalar]:
    return {
        "delivered": done.count(),
        "kept": done.count(where=done.delivered <= done.promised),
    }
