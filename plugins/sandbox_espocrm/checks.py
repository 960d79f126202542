"""What values clients may write: unknown ones are dropped without a word, bad ones refused.

Where the fact sheet is silent, by what the source of 8.4.2 says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sandbox_espocrm.entities import CLEAN, Defs
from sandbox_espocrm.moments import is_day, is_moment, kept_moment
from sandbox_espocrm.refusal import invalid
from sandbox_espocrm.schema import Attribute, Entity
from sandbox_espocrm.store import Row

_NUMERIC: Final = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)
_INTEGERS: Final = (-(2**31), 2**31 - 1)
_PATTERNS: Final = {CLEAN: re.compile("[^<>=]+")}
_LENGTH: Final = 255
"""How long a text of one line is, unless its field says something else."""


def writable(entity: Entity, body: Mapping[str, Any]) -> Row:
    """Return what of *body* can be written at all, as it is kept."""
    known = entity.attributes
    return {
        name: _as_kept(known[name], entity.fields[known[name].field]["type"], value)
        for name, value in body.items()
        if name in known and not known[name].read_only and not known[name].derived
    }


def _as_kept(attribute: Attribute, field: str, value: Any) -> Any:
    if value == "" and (attribute.kind != "text" or field in ("enum", "text")):
        return None
    match attribute.kind:
        case "bool" if value is not None:
            return bool(value)
        case "int" if _is_number(value):
            return int(float(value))
        case "datetime":
            return kept_moment(value)
        case "text" if isinstance(value, int | float):
            return str(value)
    return value.strip() if field == "varchar" and isinstance(value, str) else value


def check(entity: Entity, values: Row, *, new: bool, currencies: Mapping[str, float]) -> None:
    """Refuse values that a field does not take; of a *new* record, also what is missing."""
    for attribute in entity.attributes.values():
        if isinstance(values.get(attribute.name), list | dict):
            raise invalid(entity.name, attribute.field, "valid")
    for name, field in entity.fields.items():
        if new or entity.is_set(name, values):
            if field.get("required") and _is_missing(name, field, values):
                raise invalid(entity.name, name, "required")
            if wrong := _wrong(name, field, values, currencies):
                raise invalid(entity.name, name, wrong)


def _is_missing(name: str, field: Defs, values: Row) -> bool:
    return values.get(f"{name}Id" if field["type"] == "link" else name) in (None, "")


def _wrong(name: str, field: Defs, values: Row, currencies: Mapping[str, float]) -> str | None:
    """Return which check the value of a field fails."""
    value, kind = values.get(name), field["type"]
    if kind == "currency" and values.get(f"{name}Currency") not in (None, *currencies):
        return "valid"
    if kind == "datetimeOptional" and not _is_day_or_none(values.get(f"{name}Date")):
        return "valid"
    if kind == "enum" and name in values:
        # Nothing is an option, too, and must be one.
        return None if (value or "") in field["options"] else "valid"
    if value is None:
        return None
    match kind:
        case "int" | "float" | "currency":
            return _wrong_number(value, field) if _is_number(value) else "valid"
        case "date":
            return None if is_day(value) else "valid"
        case "datetime" | "datetimeOptional":
            return None if is_moment(value) else "valid"
        case "varchar" | "url" | "email" | "phone" | "text":
            return _wrong_text(value, field)
    return None


def _is_day_or_none(value: Any) -> bool:
    return value is None or is_day(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) or (
        isinstance(value, str) and _NUMERIC.fullmatch(value) is not None
    )


def _wrong_number(value: Any, field: Defs) -> str | None:
    number = float(value)
    if number > field.get("max", number):
        return "max"
    if number < field.get("min", number):
        return "min"
    if field["type"] == "int" and not _INTEGERS[0] <= number <= _INTEGERS[1]:
        return "rangeInternal"
    return None


def _wrong_text(value: Any, field: Defs) -> str | None:
    if not isinstance(value, str):
        return "valid"
    if field["type"] != "text" and len(value) > field.get("maxLength", _LENGTH):
        return "maxLength"
    pattern = _PATTERNS.get(field.get("pattern", ""))
    return None if pattern is None or not value or pattern.fullmatch(value) else "pattern"
