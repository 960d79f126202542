"""Values as EspoCRM takes and gives them, and whether two of them mean the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from connector.values import as_text, exact, is_empty, to_the_second
from connector_espocrm.moments import moment_of, written

if TYPE_CHECKING:
    from connector import Scalar

_YES: Final = ("true", "yes", "y", "1", "t")
_NUMBERS: Final = ("float", "currency", "decimal")
_TIMES: Final = ("datetime", "datetimeOptional")


def fit(value: Scalar, field: Mapping[str, Any]) -> Scalar:
    """Return *value* as a defined *field* keeps it; a number in a text field is its text.

    Without a definition it stays what it is.
    """
    if value is None or value == "":
        return None
    match field.get("type"):
        case None:
            return value
        case "bool":
            return value if isinstance(value, bool) else str(value).lower() in _YES
        case "int":
            return _number(value, whole=True)
        case kind if kind in _NUMBERS:
            return _number(value, whole=False)
        case "date":
            return value.date() if isinstance(value, datetime) else value
        case kind if kind in _TIMES:
            if isinstance(value, date) and not isinstance(value, datetime):
                return datetime.combine(value, time(), UTC)
            return value
    return as_text(value)


def as_json(value: Scalar) -> object:
    """Return *value* for a request in JSON."""
    match value:
        case Decimal():
            # JSON is given floats, and EspoCRM keeps numbers as such: 15 digits are exact.
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            return written(value)
        case date():
            return value.isoformat()
    return value


def held_value(value: Any, field: Mapping[str, Any]) -> Any:
    """Return what EspoCRM gave as the host compares it: a time with its zone."""
    if field.get("type", "datetime") in _TIMES and (moment := moment_of(value)):
        return moment
    return value


def not_offered(value: Scalar, field: Mapping[str, Any]) -> Sequence[str]:
    """Return what a field of choices offers in place of *value*; nothing if it takes it."""
    options = field.get("options")
    if field.get("type") != "enum" or not isinstance(options, list) or value is None:
        return ()
    return () if value in options else [str(one) for one in options if one]


def equal(held: object, wanted: object) -> bool:
    """Say whether both mean the same, whatever their types; None and "" do."""
    if is_empty(held) or is_empty(wanted):
        return is_empty(held) and is_empty(wanted)
    if isinstance(held, bool) or isinstance(wanted, bool):
        return str(held).lower() == str(wanted).lower()
    kinds = (type(held), type(wanted))
    if any(issubclass(kind, datetime) for kind in kinds):
        return to_the_second(held) == to_the_second(wanted)
    if any(issubclass(kind, (int, float, Decimal)) for kind in kinds):
        return exact(held) == exact(wanted)
    return str(held) == str(wanted)


def _number(value: Scalar, *, whole: bool) -> Scalar:
    try:
        number = Decimal(str(value))
        return int(number.quantize(Decimal(1), ROUND_HALF_UP)) if whole else number
    except InvalidOperation:
        return value
