"""Values as they come in, as they are kept, and as they go out."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from sandbox_salesforce.ids import whole_id
from sandbox_salesforce.moments import read_day, read_moment, said
from sandbox_salesforce.refusal import ApiError, UnreadableBody
from sandbox_salesforce.schema import IDS, NUMBERS, FieldDef, Value

_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


def from_json(one: FieldDef, value: Any) -> Value:
    """Return a value of a body in JSON as it is kept; one of the wrong type spoils the body.

    The messages are from memory; the fact sheet has none for these.
    """
    if value is None or value == "":
        return None
    if isinstance(value, (list, dict)):
        raise UnreadableBody(f"Cannot deserialize instance of {_kind(one)} from {_token(value)}")
    try:
        return _read(one, value)
    except (ValueError, TypeError):
        raise UnreadableBody(
            f"Cannot deserialize instance of {_kind(one)} from {_token(value)} value {value}"
        ) from None


def from_csv(one: FieldDef, text: str) -> Value:
    """Return a cell of a CSV file as it is kept; a wrong one refuses its row."""
    if text == "#N/A":
        return None
    try:
        if one.type == "boolean":
            return _FLAGS[text.lower()]
        if one.type in NUMBERS:
            return _read(one, float(text))
        return _read(one, text)
    except (KeyError, ValueError, TypeError):
        raise ApiError(
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            f"{one.label}: value not of required type: {text}",
            one.name,
        ) from None


def _read(one: FieldDef, value: Any) -> Value:
    match one.type:
        case "boolean":
            if isinstance(value, str):
                return _FLAGS[value.lower()]
            return bool(_checked(value, bool))
        case "int":
            number = _number(value)
            if not number.is_integer():
                raise ValueError(value)
            return int(number)
        case "double" | "currency" | "percent":
            return _fitting(one, round(_number(value), one.scale))
        case "date":
            return read_day(_checked(value, str)).isoformat()
        case "datetime":
            text = _checked(value, str)
            # A date alone is midnight in UTC.
            return said(read_moment(text if "T" in text else f"{text}T00:00:00+00:00"))
        case kind if kind in IDS:
            whole = whole_id(_checked(value, str))
            if whole is None:
                raise ApiError("MALFORMED_ID", f"{one.label}: id value of incorrect type: {value}",
                               one.name)  # fmt: skip
            return whole
    text = str(_checked(value, str))
    if one.length and len(text) > one.length:
        raise ApiError(
            "STRING_TOO_LONG",
            f"{one.label}: data value too large: {text[:100]} (max length={one.length})",
            one.name,
        )
    return text


def _fitting(one: FieldDef, number: float) -> float:
    if one.precision and abs(number) >= 10 ** (one.precision - one.scale):
        raise ApiError(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{one.label}: value outside of valid range on numeric field: {number}",
            one.name,
        )
    return number


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _checked(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(value)
    return value


def _kind(one: FieldDef) -> str:
    return {"currency": "double", "percent": "double", "reference": "id"}.get(one.type, one.type)


def _token(value: Any) -> str:
    match value:
        case bool():
            return f"VALUE_{str(value).upper()}"
        case int():
            return "VALUE_NUMBER_INT"
        case float():
            return "VALUE_NUMBER_FLOAT"
        case list():
            return "START_ARRAY token"
        case dict():
            return "START_OBJECT token"
    return "VALUE_STRING"


def to_json(kind: str, value: Any) -> Any:
    """Return a value of a field of the type *kind* as it stands in an answer."""
    if value is None:
        return None
    if kind == "boolean":
        return bool(value)
    if kind == "address":
        parts = json.loads(value)
        return parts if any(part is not None for part in parts.values()) else None
    return value


def to_csv(kind: str, value: Any) -> str:
    """Return a value as a cell of a CSV file.

    From memory: times end in Z there, other than in JSON.
    """
    if value is None:
        return ""
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "datetime":
        return str(value).replace("+0000", "Z")
    return str(value)
