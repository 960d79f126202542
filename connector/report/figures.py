"""Figures as the readers of a report write them; a summary has money and shares as text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from customer_pyramid.money import places, to_units
from six_goals.words import Words

NOTHING: Final = "–"  # noqa: RUF001 - a dash of the length of a figure


class Figures:
    """Writes figures with *words*; what is None is a dash, unless it is said to be unknown."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def money(self, amount: Decimal | str | None) -> str:
        """Return an amount in whole units of the currency, with cents below 100."""
        return NOTHING if amount is None else self.words.money(to_units(Decimal(amount)))

    def share(self, share: Decimal | str | None, digits: int = 1) -> str:
        """Return a share as a percentage with all its *digits*: they stand below each other."""
        if share is None:
            return NOTHING
        figure = f"{places(Fraction(Decimal(share)) * 100, digits):,f}"
        return self.words.percent(0).replace("0", figure)

    def rate(self, share: Decimal | str) -> str:
        """Return a share as a percentage within a sentence: with no more digits than it needs."""
        return self.words.percent(Decimal(share), 1)

    def change(self, share: Decimal | str | None) -> str:
        """Return a share as a percentage that shows which way it goes."""
        return NOTHING if share is None else _signed(Decimal(share), self.share(share))

    def more(self, amount: Decimal | str | None) -> str:
        """Return an amount that shows which way it goes."""
        return NOTHING if amount is None else _signed(Decimal(amount), self.money(amount))

    def number(self, value: Decimal | str | int | None, digits: int = 0) -> str:
        """Return a number with all its *digits*."""
        return NOTHING if value is None else f"{places(Fraction(Decimal(value)), digits):,f}"

    def known(self, said: str, value: object) -> str:
        """Return *said*, or that it is unknown where there is no *value*."""
        return self.unknown if value is None else said

    @property
    def unknown(self) -> str:
        """Return the word for what nobody has recorded."""
        return self.words.say("unknown")

    def day(self, day: date | str) -> str:
        """Return a day."""
        return self.words.day(date.fromisoformat(day) if isinstance(day, str) else day)

    def period(self, period: Mapping[str, Any]) -> str:
        """Return a period as its first and its last day."""
        last = date.fromisoformat(period["end"]) - timedelta(days=1)
        first = self.day(period["start"])
        return self.words.say("{first} to {last}", first=first, last=self.day(last))

    def account(self, name: str | None, account_id: str) -> str:
        """Return what to call an account."""
        return self.words.name(name, account_id)


def _signed(value: Decimal, shown: str) -> str:
    return f"+{shown}" if value > 0 else shown
