"""Words: how a goal says things to people, in the language of the job."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from gettext import NullTranslations
from typing import Final

from customer_pyramid.money import UNITS, places, show, whole

NAME_LIMIT: Final = 80
"""Characters of a customer's name in a text; a longer one is cut, so that figures never are."""

_ELLIPSIS: Final = "…"
_FULL_WIDTH: Final = "。！？；"  # noqa: RUF001 - these are the signs that end a Chinese sentence


class Words:
    """Speaks one language: texts from *translations*, figures and days as its readers write them.

    English is the language of the messages themselves: what has no translation stays English.
    """

    def __init__(self, language: str = "en", translations: NullTranslations | None = None) -> None:
        self.language = language
        self._translations = translations or NullTranslations()

    def say(self, message: str, **figures: str) -> str:
        """Return *message* translated, with *figures* in the places of their {names}."""
        try:
            return self._translations.gettext(message).format(**figures)
        except (KeyError, IndexError, ValueError):
            # The slip of a translator must not stop a run.
            return message.format(**figures)

    def count(self, one: str, many: str, number: int, **figures: str) -> str:
        """Return the message for *number*, which is {count} in it."""
        message = self._translations.ngettext(one, many, number)
        return message.format(count=f"{number:,}", **figures)

    def join(self, *sentences: str) -> str:
        """Return the sentences one after the other; after a Chinese full stop there is no space."""
        text = ""
        for sentence in filter(None, sentences):
            text += sentence if not text or text[-1] in _FULL_WIDTH else f" {sentence}"
        return text

    def title(self, name: str) -> str:
        """Return the name of a tier, a layer or a goal; one that the job made up stays as it is."""
        return self._translations.gettext(name) if name else name

    def name(self, name: str | None, account_id: str) -> str:
        """Return what to call an account: its name, cut if it is very long, else its id."""
        called = " ".join((name or "").split()) or account_id
        if len(called) <= NAME_LIMIT:
            return called
        return called[: NAME_LIMIT - 1].rstrip() + _ELLIPSIS

    def money(self, units: int) -> str:
        """Return money units as a reader writes them: `38,400`, and cents only below 100."""
        if abs(units) >= 100 * UNITS:
            return f"{whole(units):,}"
        return show(units)

    def number(self, value: Fraction | Decimal | int | float, digits: int = 0) -> str:
        """Return a number with at most *digits* decimals."""
        if isinstance(value, int):
            return f"{value:,}"
        exact = value if isinstance(value, Fraction) else Fraction(value)
        return _shown(places(exact, digits))

    def percent(self, share: Fraction | Decimal | float, digits: int = 0) -> str:
        """Return a share (0.25) as a percentage (25 %)."""
        exact = share if isinstance(share, Fraction) else Fraction(share)
        figure = _shown(places(exact, digits + 2).scaleb(2))
        return f"{figure}%" if self.language.startswith("zh") else f"{figure} %"

    def day(self, day: date) -> str:
        """Return a day as the language writes it in a sentence."""
        if self.language.startswith("zh"):
            return f"{day.year}年{day.month}月{day.day}日"
        return f"{day:%B} {day.day}, {day.year}"


def _shown(value: Decimal) -> str:
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
