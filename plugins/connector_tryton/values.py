"""Values as a field of Tryton takes and gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from connector import Scalar
from connector.values import as_text

TYPES: Final = frozenset(
    {"char", "text", "selection", "integer", "float", "numeric", "boolean", "date"}
    | {"datetime", "timestamp"}
)
"""The types of fields that hold one plain value."""

_YES: Final = ("true", "yes", "y", "1", "t")


def fit(value: object, field: Mapping[str, Any]) -> Scalar:
    """Return *value* as a described *field* keeps it, so that what means the same is equal.

    Texts are read where the field wants something else; what can't be is returned as it is, for
    Tryton to refuse.
    """
    if field["type"] == "boolean":
        return str(value).lower() in _YES
    if value is None or value == "":
        return None
    try:
        return _fit(value, field)
    except (ValueError, ArithmeticError):
        return str(value)


def as_json(value: Scalar, field: Mapping[str, Any]) -> object:
    """Return *value*, as `fit` gives it, for a request."""
    # A float is the one number that JSON has; Tryton refuses an object where it wants one.
    return float(value) if field["type"] == "float" and isinstance(value, Decimal) else value


def _fit(value: object, field: Mapping[str, Any]) -> Scalar:
    match field["type"]:
        case "integer":
            return int(Decimal(str(value)).to_integral_value(ROUND_HALF_UP))
        case "float" | "numeric":
            number, scale = Decimal(str(value)), _scale(field)
            if scale is None:
                return number
            return number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
        case "date":
            return _moment(value).date()
        case "datetime":  # it drops what is less than a second
            return _moment(value).replace(microsecond=0)
        case "timestamp":
            return _moment(value)
    return as_text(value)


def _scale(field: Mapping[str, Any]) -> int | None:
    """Return how many decimals a field has; None if it has no limit, or another field says it."""
    digits = json.loads(field.get("digits") or "null")
    return digits[1] if isinstance(digits, list) and isinstance(digits[1], int) else None


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime.combine(value, time())
    else:
        moment = datetime.fromisoformat(str(value))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
