"""One way to show a value as text, and one to say that two values are the same."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation


def text(value: object) -> str:
    """Return *value* as a text file holds it; empty for None, ISO 8601 for dates and times."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case float():
            return format(Decimal(repr(value)), "f")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def same(one: object, other: object) -> bool:
    """Say whether two values are the same in a file: as text, or as numbers if one is a number.

    A time is the same as a text that means it: the host gives back what it read as text.
    """
    if one is None or other is None:
        return one in (None, "") and other in (None, "")
    if (type(one) is type(other) and one == other) or text(one) == text(other):
        return True
    if isinstance(one, datetime) or isinstance(other, datetime):
        moment = _time(one)
        return moment is not None and moment == _time(other)
    if not (_is_number(one) or _is_number(other)):
        return False
    first, second = _number(one), _number(other)
    return first is not None and first == second


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text(value).strip())
    except ValueError:
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _number(value: object) -> Decimal | None:
    try:
        return Decimal(text(value).strip())
    except InvalidOperation:
        return None
