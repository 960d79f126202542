"""The opportunities behind a tier: those counted, at which amount, and why the others are not."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from connector.config import Rate
from connector.store.tables import OpportunityRow
from customer_pyramid.money import from_units, half_up
from customer_pyramid.periods import Period


@dataclass(frozen=True, slots=True)
class Deal:
    """An opportunity as the pyramid sees it.

    *amount* is in the deal's own currency, *counted* in the base currency: None if it does not
    count in the period, and then *reason* says why.
    """

    id: str
    name: str | None
    account: str
    day: date | None
    amount: Decimal | None
    currency: str
    counted: Decimal | None
    reason: str | None = None


class Rates:
    """The rates table, asked by currency and day."""

    def __init__(self, rates: Iterable[Rate], base: str) -> None:
        self.base = base
        self._by_currency: dict[str, list[tuple[date, Decimal]]] = {}
        for rate in sorted(rates, key=lambda rate: rate.valid_from):
            self._by_currency.setdefault(rate.currency, []).append((rate.valid_from, rate.rate))

    def to_base(self, units: int, currency: str, day: date) -> int | None:
        """Return *units* in the base currency; None if there is no rate valid on that day."""
        if currency == self.base:
            return units
        dated = self._by_currency.get(currency, [])
        place = bisect_right([valid_from for valid_from, _ in dated], day)
        return half_up(Fraction(dated[place - 1][1]) * units) if place else None


def deals(
    opportunities: Iterable[OpportunityRow],
    period: Period,
    previous: Period,
    as_of: date,
    rates: Rates,
) -> Sequence[Deal]:
    """Return every opportunity with what it counts in *period*, the newest first."""
    found = [_deal(row, period, previous, as_of, rates) for row in opportunities]
    return sorted(found, key=lambda deal: (deal.day or date.max, deal.id), reverse=True)


def _deal(row: OpportunityRow, period: Period, previous: Period, as_of: date, rates: Rates) -> Deal:
    currency = row.currency or rates.base
    counted, reason = None, _why_not(row, period, previous, as_of)
    if reason is None and row.amount is not None and row.close_date is not None:
        counted = rates.to_base(row.amount, currency, row.close_date)
        if counted is None:
            reason = f"no rate for {currency} on that day"
    return Deal(
        id=row.id,
        name=row.name,
        account=row.account_id or "",
        day=row.close_date,
        amount=None if row.amount is None else from_units(row.amount),
        currency=currency,
        counted=None if counted is None else from_units(counted),
        reason=reason,
    )


def _why_not(row: OpportunityRow, period: Period, previous: Period, as_of: date) -> str | None:
    if row.status != "won":
        return f"{row.status} ({row.stage})" if row.stage else row.status
    if row.amount is None:
        return "won without an amount"
    if row.close_date is None:
        return "won without a close date"
    if row.close_date > as_of:
        return f"dated after {as_of}"
    if row.close_date >= period.end:
        return f"after the period, which ends on {period.end - timedelta(days=1)}"
    if row.close_date >= period.start:
        return None
    return "in the period before" if row.close_date >= previous.start else "older"
