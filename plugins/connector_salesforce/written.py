"""Values as Salesforce takes and gives them, and whether two of them mean the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from connector.values import as_text, exact, is_empty, to_the_second

if TYPE_CHECKING:
    from connector import Scalar

_YES: Final = ("true", "yes", "y", "1", "t")
EMPTY: Final = "#N/A"
"""What clears a field in a file of the Bulk API; an empty cell leaves it alone."""


def fit(value: Scalar, field: Mapping[str, Any]) -> Scalar:
    """Return *value* as a described *field* keeps it; a number in a text field is its text.

    Salesforce takes no number where it wants a text, nor the other way round, and rounds what has
    more decimals than the field without a word.
    """
    if value is None or value == "":
        return None
    match field.get("type"):
        case "boolean":
            return value if isinstance(value, bool) else str(value).lower() in _YES
        case "double" | "currency" | "percent" | "int":
            return _fit_number(value, int(field.get("scale") or 0))
        case "date":
            return value.date() if isinstance(value, datetime) else value
        case "datetime":
            if isinstance(value, date) and not isinstance(value, datetime):
                return datetime.combine(value, time(), UTC)
            return value
        case None:
            return value
    return as_text(value)


def lacking(described: Mapping[str, Any], choices: Sequence[str]) -> list[str]:
    """Return which of *choices* a described field does not take; none if it is not restricted."""
    if not described.get("restrictedPicklist"):
        return []
    offered = [one["value"] for one in described.get("picklistValues") or () if one["active"]]
    return [choice for choice in choices if choice not in offered]


def as_json(value: Scalar) -> object:
    """Return *value* for a request in JSON; an empty text clears as None does."""
    match value:
        case None | "":
            return None
        case Decimal():
            # JSON is given floats, and Salesforce keeps numbers as such: 15 digits are exact.
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime() | date():
            return _moment(value)
    return value


def as_cell(value: Scalar) -> str:
    """Return *value* for a cell of a CSV file."""
    match value:
        case None | "":
            return EMPTY
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case datetime() | date():
            return _moment(value)
    return str(value)


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


def _fit_number(value: Scalar, scale: int) -> Scalar:
    try:
        number = Decimal(str(value))
        return number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    except InvalidOperation:
        return value


def _moment(value: date) -> str:
    if not isinstance(value, datetime):
        return value.isoformat()
    zoned = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return f"{zoned:%Y-%m-%dT%H:%M:%S}.{zoned.microsecond // 1000:03d}Z"
