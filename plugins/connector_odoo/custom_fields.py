"""Fields of one's own, as `ir.model.fields` takes them, and as people make them by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from connector import AccessError, FieldKind, FieldSpec

if TYPE_CHECKING:
    from connector_odoo.connection import Odoo

FIELDS: Final = "ir.model.fields"

TYPES: Final[Mapping[FieldKind, str]] = {
    "text": "char",
    "choice": "selection",
    "integer": "integer",
    "money": "float",
    "decimal": "float",
    "date": "date",
    "time": "datetime",
    "flag": "boolean",
}
"""The type of field that holds each kind of result. Amounts are in the currency of the job: a
monetary field would show them in that of the company."""

_HOLD: Final[Mapping[FieldKind, Sequence[str]]] = {
    "text": ("char", "text"),
    "choice": ("selection", "char", "text"),
    "integer": ("integer", "float", "char"),
    "money": ("float", "monetary", "char"),
    "decimal": ("float", "char"),
    "date": ("date", "datetime", "char"),
    "time": ("datetime", "char"),
    "flag": ("boolean",),
}


def holds(kind: FieldKind, described: Mapping[str, Any]) -> bool:
    """Say whether a field that there is takes results of a kind."""
    return described.get("type") in _HOLD[kind]


def missing_choices(field: FieldSpec, described: Mapping[str, Any]) -> list[str]:
    """Return the choices of *field* that the one that there is does not offer."""
    if described.get("type") != "selection":
        return []
    offered = {str(value) for value, _ in described.get("selection") or ()}
    return [choice for choice in field.choices if choice not in offered]


def make(
    odoo: Odoo, model: int, name: str, label: str, type_: str, choices: Sequence[str] = ()
) -> None:
    """Make a field; it can be used at once."""
    values: dict[str, Any] = {
        "model_id": model,
        "name": name,
        "field_description": label,
        "ttype": type_,
        "state": "manual",
    }
    if choices:
        values["selection_ids"] = _options(choices, 0)
    odoo.call(FIELDS, "create", vals_list=[values])


def add_choices(odoo: Odoo, model: str, field: FieldSpec, described: Mapping[str, Any]) -> None:
    """Add the choices that a field lacks; those that are there stay, for records hold them."""
    domain = [["model", "=", model], ["name", "=", field.name]]
    found = odoo.found(FIELDS, domain, ["id"], limit=1)
    if not found:
        raise AccessError(f"{odoo.host}: {model}: {field.name} is not shown among the fields")
    more = _options(missing_choices(field, described), len(described.get("selection") or ()))
    odoo.call(FIELDS, "write", [int(found[0]["id"])], vals={"selection_ids": more})


def clicks(model: str, name: str, label: str, type_: str, choices: Sequence[str] = ()) -> str:
    """Return how a person makes a field."""
    options = f", Selection Options (value and name alike): {', '.join(choices)}" if choices else ""
    return (
        f"{_PATH} > New: Model {model!r}, Field Name {name!r}, Field Label {label!r}, Field Type"
        f" {type_!r}{options}; Save. Or let an administrator run 'connector provision' with an API"
        " key of theirs"
    )


def clicks_for_choices(model: str, name: str, missing: Sequence[str]) -> str:
    """Return how a person adds choices."""
    more = ", ".join(missing)
    return f"{_PATH} > {name} of {model} > Selection Options > Add a line: {more}"


_PATH: Final = (
    "with developer mode (Settings > Activate the developer mode): Settings > Technical > Fields"
)


def _options(choices: Sequence[str], start: int) -> list[list[Any]]:
    return [
        [0, 0, {"value": choice, "name": choice, "sequence": number}]
        for number, choice in enumerate(choices, start + 1)
    ]
