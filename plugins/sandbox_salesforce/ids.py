"""Record ids: three characters of the object, twelve of the record, three against lost case."""

from __future__ import annotations

import re
import string
from functools import cache
from itertools import product
from typing import Final

_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SUFFIX: Final = string.ascii_uppercase + "012345"
_BASE: Final = len(_DIGITS)
_ID: Final = re.compile(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?")
_POD: Final = "Sb"
"""The two characters after the prefix: the same in all ids of this organisation."""


def make_id(prefix: str, number: int) -> str:
    """Return the id of record *number* in 18 characters; ids grow as their numbers do."""
    start, start_suffix = _start(prefix)
    high, low = divmod(number, _BASE**3)
    digits, suffix = _digits(high, low)
    return f"{start}{digits}{start_suffix}{suffix}"


@cache
def _start(prefix: str) -> tuple[str, str]:
    """Return the first ten characters, and what the suffix says of them."""
    start = f"{prefix}{_POD}00000"
    return start, long_id(f"{start}00000")[15:17]


def _digits(high: int, low: int) -> tuple[str, str]:
    """Return the last five characters, and what the suffix says of them.

    From two tables: a made-up company takes millions of ids.
    """
    first, first_capitals = _table(2)[high]
    last, last_capitals = _table(3)[low]
    return first + last, _SUFFIX[first_capitals | last_capitals << 2]


@cache
def _table(places: int) -> list[tuple[str, int]]:
    words = ("".join(digits) for digits in product(_DIGITS, repeat=places))
    return [(word, _capitals(word)) for word in words]


def long_id(short: str) -> str:
    """Return an id of 15 characters in 18: each of the last tells where five have capitals."""
    parts = (short[start : start + 5] for start in (0, 5, 10))
    return short + "".join(_SUFFIX[_capitals(part)] for part in parts)


def whole_id(text: str) -> str | None:
    """Return *text* as an id of 18 characters; None if it is none."""
    if not _ID.fullmatch(text):
        return None
    whole = long_id(text[:15])
    return whole if text in (whole, text[:15]) else None


def _capitals(part: str) -> int:
    return sum(1 << place for place, letter in enumerate(part) if letter in string.ascii_uppercase)
