"""What a person clicks in EspoCRM where our login may not, each as one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from connector_espocrm.custom_fields import TYPES

if TYPE_CHECKING:
    from connector import FieldSpec

_ENTITY: Final = "Administration > Entity Manager > {entity}"
_SHOWN: Final = {"varchar": "Varchar", "int": "Integer", "datetime": "Date-Time", "bool": "Boolean"}
SECTION: Final = "Customer pyramid"


def new_field(name: str, field: FieldSpec) -> str:
    """Return how a field of accounts is made that is asked for as *name*."""
    kind = TYPES[field.kind]
    where = _ENTITY.format(entity="Account")
    return (
        f"{where} > Fields > Add Field > {_SHOWN.get(kind, kind.capitalize())}; Name {name!r},"
        f" Label {field.label!r}{_rest(field)}; Save"
    )


def new_choices(name: str, missing: Sequence[str]) -> str:
    """Return how choices are added."""
    where = _ENTITY.format(entity="Account")
    return f"{where} > Fields > {name} > Options: add {', '.join(missing)}; Save"


def new_marker(name: str) -> str:
    """Return how the field for our markers is made."""
    where = _ENTITY.format(entity="Task")
    return (
        f"{where} > Fields > Add Field > Varchar; Name {name!r}, Label 'Pyramid marker',"
        " Max Length 255; Save"
    )


def another_name(name: str, prefix: str) -> str:
    """Return what to do about a name that no field can get."""
    if not prefix:
        return f"{name!r} is no name of a field: write one like 'customerTier' in target.fields"
    return (
        f"EspoCRM puts {prefix!r} before the names of new fields: write a name like"
        f" '{prefix}CustomerTier' in target.fields (or set field_prefix, if yours does otherwise)"
    )


def to_write(name: str) -> str:
    """Return how a field can be written that can't be now."""
    where = _ENTITY.format(entity="Account")
    return f"{where} > Fields > {name}: untick Read-only and Disabled; Save"


def on_layout(layout: str, names: Sequence[str]) -> str:
    """Return how fields get before the eyes of people."""
    where = f"{_ENTITY.format(entity='Account')} > Layouts > {layout}"
    panel = f" into a panel {SECTION!r}" if layout == "Detail" else " to the enabled ones"
    return f"{where}: drag {', '.join(names)}{panel}; Save"


def _rest(field: FieldSpec) -> str:
    match field.kind:
        case "choice":
            return f", Options: one that is empty, then {', '.join(field.choices)}"
        case "text":
            return f", Max Length {field.length}"
    return ""
