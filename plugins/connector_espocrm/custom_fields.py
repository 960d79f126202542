"""Custom fields as EspoCRM's field manager takes them: what a result needs, choices that lack."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from connector import FieldKind, FieldSpec

_NAME: Final = re.compile(r"[a-z][A-Za-z0-9]*")

TYPES: Final[Mapping[FieldKind, str]] = {
    "text": "varchar",
    "choice": "enum",
    "integer": "int",
    # A currency field would show the currency of the user; amounts are in that of the job.
    "money": "float",
    "decimal": "float",
    "date": "date",
    "time": "datetime",
    "flag": "bool",
}
"""The field manager's type for each kind of value; of these our sheet of facts has seen enum, float
and datetime made."""


def definition(name: str, field: FieldSpec) -> dict[str, object]:
    """Return the new field *name* that holds a result."""
    made: dict[str, object] = {"type": TYPES[field.kind], "name": name, "label": field.label}
    if field.kind == "choice":
        made["options"] = ["", *field.choices]
    if field.kind == "text":
        made["maxLength"] = field.length
    return made


def marker(name: str) -> dict[str, object]:
    """Return the new field *name* of tasks by which ours are found again."""
    return {"type": "varchar", "name": name, "label": "Pyramid marker", "maxLength": 255}


def asked_name(name: str, prefix: str) -> str | None:
    """Return what to call a field that shall become *name*; None if it can't become that.

    EspoCRM puts its *prefix* before what is asked for: `customerTier` becomes `cCustomerTier`.
    """
    if not _NAME.fullmatch(name):
        return None
    bare = name.removeprefix(prefix)
    if not prefix:
        return name
    return f"{bare[0].lower()}{bare[1:]}" if bare != name and bare[:1].isupper() else None


def missing_choices(defined: Mapping[str, Any], field: FieldSpec) -> Sequence[str]:
    """Return the choices of *field* that a field of choices does not offer."""
    offered = defined.get("options")
    if defined.get("type") != "enum" or not isinstance(offered, list):
        return ()
    return [choice for choice in field.choices if choice not in offered]
