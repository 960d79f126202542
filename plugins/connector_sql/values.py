"""Values as a column wants them, and whether two of them are the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from connector import Scalar


def fit(value: Scalar, column: sa.Column[Any], *, sqlite: bool) -> object:
    """Return *value* as *column* stores it.

    An empty text is NULL where the column allows it. Times are UTC where it keeps no zone.
    """
    kind = column.type
    if value is None or value == "":
        return "" if isinstance(kind, sa.String) and not column.nullable else None
    if isinstance(value, bool):
        return _flag(value, kind, sqlite=sqlite)
    if isinstance(value, (int, Decimal)):
        return _number(value, kind, sqlite=sqlite)
    if isinstance(value, datetime):
        return _time(value, kind, sqlite=sqlite)
    if isinstance(value, date) and (sqlite or isinstance(kind, sa.String)):
        return value.isoformat()
    return value


def equal(held: object, wanted: object) -> bool:
    """Return whether the database would show both alike; None and "" are."""
    if _empty(held) or _empty(wanted):
        return _empty(held) and _empty(wanted)
    return _plain(held, wanted) == _plain(wanted, held)


def day(value: object) -> date | None:
    """Return the day of a value that a date column or a person's text may hold."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(str(value)).date() if value else None
    except ValueError:
        return None


def exact(value: object) -> object:
    """Return the value, a float as the decimal number that was put: its shortest text."""
    return Decimal(repr(value)) if isinstance(value, float) else value


def _flag(value: bool, kind: sa.types.TypeEngine[Any], *, sqlite: bool) -> object:
    if isinstance(kind, sa.String):
        return "true" if value else "false"
    return value if isinstance(kind, sa.Boolean) and not sqlite else int(value)


def _number(value: int | Decimal, kind: sa.types.TypeEngine[Any], *, sqlite: bool) -> object:
    if isinstance(kind, sa.String):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if isinstance(kind, sa.Float) and not sqlite:
        return float(value)
    if isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float) and kind.scale is not None:
        value = Decimal(value).quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_UP)
    # SQLite's driver takes no Decimal; the column makes a number of its text.
    return format(value, "f") if sqlite and isinstance(value, Decimal) else value


def _time(value: datetime, kind: sa.types.TypeEngine[Any], *, sqlite: bool) -> object:
    if isinstance(kind, sa.String):
        return value.isoformat()
    if isinstance(kind, sa.Date) and not isinstance(kind, sa.DateTime):
        return value.date().isoformat() if sqlite else value.date()
    if getattr(kind, "timezone", False):
        return value
    bare = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return bare.isoformat(sep=" ") if sqlite else bare


def _empty(value: object) -> bool:
    return value is None or value == ""


def _plain(value: object, other: object) -> str:
    """Return the value's text, in the form that the kind of *other* asks for."""
    kinds = (type(value), type(other))
    if bool in kinds:
        return {"true": "1", "false": "0"}.get(str(value).lower(), str(value))
    if any(issubclass(kind, (int, float, Decimal)) for kind in kinds):
        return _number_text(value)
    if any(issubclass(kind, datetime) for kind in kinds):
        return _time_text(value)
    return str(value)


def _number_text(value: object) -> str:
    try:
        return format(Decimal(str(value)).normalize(), "f")
    except InvalidOperation:
        return str(value)


def _time_text(value: object) -> str:
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return (time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time).isoformat()
