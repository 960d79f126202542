"""The exchange rates of a job: those that it gives, or else those that its source tells.

What the source tells is kept as it was told, and turned into rates of the base currency when it is
read: a job that changes its base needs no new answer, and later commands ask nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, TypeAlias

from sqlmodel import col, delete, insert, select

from connector.config import Job, Rate, load_rates
from connector.contract import ExchangeRate, RateSource, Source
from connector.errors import ConfigError, GuardError
from connector.retry import retrying_call
from connector.store import Store
from connector.store.tables import RateRow

logger = logging.getLogger(__name__)

_Steps: TypeAlias = Mapping[date, Decimal]
"""The rates of one currency by their first day."""

_PLACE: Final = Decimal("1e-10")
_MOST: Final = Decimal(999_999_999)
"""A rate has ten places, and nine digits before them, as in a job."""
_SHOWN: Final = 5


def rates_of(job: Job, store: Store, job_id: int) -> Sequence[Rate]:
    """Return the rates into the job's base currency: its own, or else those that were kept."""
    return load_rates(job) or _in_base(job, _kept(store, job_id))


def rates_now(job: Job, source: Source) -> Sequence[Rate]:
    """Return the rates into the job's base currency: its own, or else what *source* tells."""
    return load_rates(job) or _in_base(job, _told(source))


def refreshed_rates(
    job: Job, source: Source, store: Store, job_id: int, *, may_be_none: bool
) -> Sequence[Rate]:
    """Return the rates as `rates_now` does, and keep what *source* tells in place of what it told.

    Raise GuardError if it told some, and tells none any more.
    """
    if own := load_rates(job):
        return own
    told, before = _told(source), _kept(store, job_id)
    rates = _in_base(job, told)
    if before and not told and not may_be_none:
        raise GuardError(
            f"{job.path}: the source tells no exchange rates, where it told {len(before)}; nothing"
            " was changed. Check what our login may see there, or write currency.rates; if it is"
            " right, run with --override REASON"
        )
    if told != before:
        _keep(store, job_id, told)
        logger.info("kept %d exchange rates; there were %d", len(told), len(before))
    return rates


def said_of(rates: Sequence[Rate], base: str) -> str:
    """Return the newest rate of each currency as a person would say it, of the first few."""
    newest = {rate.currency: rate for rate in sorted(rates, key=lambda rate: rate.valid_from)}
    said = [_said(newest[currency], base) for currency in sorted(newest)[:_SHOWN]]
    more = [f"{len(newest) - _SHOWN} more"] if len(newest) > _SHOWN else []
    return ", ".join([*said, *more])


def _said(rate: Rate, base: str) -> str:
    since = "" if rate.valid_from == date.min else f" from {rate.valid_from}"
    return f"1 {rate.currency} = {rate.rate.normalize():f} {base}{since}"


def _told(source: Source) -> list[ExchangeRate]:
    return _sorted(retrying_call(source.rates)) if isinstance(source, RateSource) else []


def _kept(store: Store, job_id: int) -> list[ExchangeRate]:
    with store.session() as session:
        rows = session.exec(select(RateRow).where(RateRow.job_id == job_id)).all()
    return _sorted(ExchangeRate(row.currency, row.valid_from, Decimal(row.rate)) for row in rows)


def _sorted(rates: Iterable[ExchangeRate]) -> list[ExchangeRate]:
    return sorted(rates, key=lambda one: (one.currency, one.valid_from))


def _keep(store: Store, job_id: int, told: Sequence[ExchangeRate]) -> None:
    rows = [
        {
            "job_id": job_id,
            "currency": one.currency,
            "valid_from": one.valid_from,
            "rate": str(one.rate),
        }
        for one in told
    ]
    with store.session() as session:
        connection = session.connection()
        connection.execute(delete(RateRow).where(col(RateRow.job_id) == job_id))
        if rows:
            connection.execute(insert(RateRow), rows)


def _in_base(job: Job, told: Sequence[ExchangeRate]) -> Sequence[Rate]:
    """Return what was *told* in the job's base currency; raise ConfigError if that is not in it."""
    steps: dict[str, dict[date, Decimal]] = {}
    for one in told:
        steps.setdefault(one.currency, {})[one.valid_from] = one.rate
    base = job.model.currency.base
    if steps and base not in steps:
        raise ConfigError(
            f"{job.path}: currency.base: the source has no rate of {base!r}; it has:"
            f" {', '.join(steps)}. Write one of these, or rates of your own into currency.rates"
        )
    of_base = steps.pop(base, {})
    found: list[Rate] = []
    for currency, own in steps.items():
        rates = list(_crossed(own, of_base))
        if not all(_PLACE <= rate <= _MOST for _, rate in rates):
            logger.warning("the rate of %s in %s is out of range: it is left out", currency, base)
            continue
        for day, rate in rates:
            kept = rate.quantize(_PLACE, ROUND_HALF_EVEN)
            found.append(Rate(currency=currency, valid_from=day, rate=kept))
    return found


def _crossed(own: _Steps, base: _Steps) -> Iterator[tuple[date, Decimal]]:
    """Yield what a unit is in the base currency, from each day on which either rate changes."""
    unit = unit_of_base = None
    for day in sorted({*own, *base}):
        unit, unit_of_base = own.get(day, unit), base.get(day, unit_of_base)
        if unit is not None and unit_of_base is not None:
            yield day, unit / unit_of_base
