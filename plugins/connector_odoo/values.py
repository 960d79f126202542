"""Values as Odoo gives and takes them, and whether two of them mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from connector.values import as_text, exact, is_empty, to_the_second

if TYPE_CHECKING:
    from connector import Scalar

NUMBERS: Final = ("integer", "float", "monetary")
_MOMENT: Final = "%Y-%m-%d %H:%M:%S"
_YES: Final = ("true", "yes", "y", "1", "t")
_PLACES: Final = Decimal("0.000001")
_PLACES_OF_FLOATS: Final = -6


def plain(value: Any, field: Mapping[str, Any]) -> Any:
    """Return what a described *field* holds: false is empty but for flags, times know their zone.

    Of a record that another names it is the number.
    """
    kind = field.get("type")
    if kind == "boolean":
        return bool(value)
    if value is None or value is False:
        return None
    if kind == "many2one":
        return value[0] if isinstance(value, list) else value
    if kind == "datetime":
        return datetime.strptime(str(value), _MOMENT).replace(tzinfo=UTC)
    if kind == "date":
        return date.fromisoformat(str(value))
    if isinstance(value, Decimal):
        return _without_remains(value)
    return value


def named(value: Any) -> str | None:
    """Return the name of the record that a value names."""
    return str(value[1]) if isinstance(value, list) and len(value) > 1 else None


def fit(value: Scalar, field: Mapping[str, Any]) -> Scalar:
    """Return *value* as a described *field* keeps it; a number in a text field is its text."""
    if value is None or value == "":
        return None
    match field.get("type"):
        case "boolean":
            return value if isinstance(value, bool) else str(value).lower() in _YES
        case "integer" | "many2one":
            return _whole(value)
        case "float" | "monetary":
            return _number(value)
        case "date":
            return value.date() if isinstance(value, datetime) else value
        case "datetime":
            if isinstance(value, date) and not isinstance(value, datetime):
                return datetime.combine(value, time(), UTC)
            return value
        case None:
            return value
    return as_text(value)


def as_json(value: Scalar) -> object:
    """Return *value* for `write`; what is empty is false there."""
    match value:
        case None | "":
            return False
        case bool() | int():
            return value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case date():
            return moment(value)
    return value


def as_cell(value: Scalar) -> str:
    """Return *value* for a cell of `load`."""
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case Decimal():
            return format(value, "f")
        case date():
            return moment(value)
    return str(value)


def moment(value: date) -> str:
    """Return a day or a time as Odoo wants it: in UTC, and nothing that says so."""
    if not isinstance(value, datetime):
        return value.isoformat()
    zoned = value.astimezone(UTC) if value.tzinfo else value
    return zoned.strftime(_MOMENT)


def equal(held: object, wanted: object, kind: str = "") -> bool:
    """Say whether both mean the same, whatever their types.

    None and "" do; in a number None and 0 do too, for Odoo knows no empty number; nor an empty
    flag.
    """
    if kind in NUMBERS:
        held, wanted = held or 0, wanted or 0
    if kind == "boolean":
        return str(held or False).lower() == str(wanted or False).lower()
    if is_empty(held) or is_empty(wanted):
        return is_empty(held) and is_empty(wanted)
    if isinstance(held, datetime) or isinstance(wanted, datetime):
        return to_the_second(held) == to_the_second(wanted)
    numbers = (int, float, Decimal)
    if isinstance(held, numbers) or isinstance(wanted, numbers):
        return exact(held) == exact(wanted)
    return str(held) == str(wanted)


def _without_remains(value: Decimal) -> Decimal:
    # A float that was reckoned with may end in 0000000004.
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < _PLACES_OF_FLOATS:
        return value.quantize(_PLACES)
    return value


def _whole(value: Scalar) -> Scalar:
    try:
        return int(Decimal(str(value)).to_integral_value())
    except (InvalidOperation, ValueError):
        return value


def _number(value: Scalar) -> Scalar:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return value
