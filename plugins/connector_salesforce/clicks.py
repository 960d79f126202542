"""What a person clicks in Setup where our login may not, each as one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connector_salesforce.custom_fields import DIGITS, TYPES

if TYPE_CHECKING:
    from connector import FieldSpec

_FIELDS = "Setup > Object Manager > {object} > Fields & Relationships"


def new_field(field: FieldSpec, *, currencies: bool) -> str:
    """Return how a field of accounts is made, and shown to the connector."""
    kind = "Number" if field.kind == "money" and currencies else TYPES[field.kind]
    where = _FIELDS.format(object="Account")
    name = field.name.removesuffix("__c")
    return (
        f"{where} > New > {kind}; Field Label {field.label!r}, {_shape(field)}Field Name {name!r};"
        " Next, make it Visible to those who shall see it; Save. Then "
        + grant("Accounts", field.name)
    )


def new_choices(field: FieldSpec, missing: Sequence[str]) -> str:
    """Return how choices are added."""
    where = _FIELDS.format(object="Account")
    return f"{where} > {field.name} > Values > New: {', '.join(missing)}"


def new_marker(name: str) -> str:
    """Return how the field for our markers is made."""
    where = _FIELDS.format(object="Activity")
    return (
        f"{where} > New > Text; Field Label 'Pyramid marker', Length 255, Field Name"
        f" {name.removesuffix('__c')!r}, tick External ID; Save. Then " + grant("Tasks", name)
    )


def grant(objects: str, field: str) -> str:
    """Return how the connector gets the right to a field."""
    return (
        "Setup > Permission Sets > one that the connector's user has > Object Settings >"
        f" {objects} > Edit > Field Permissions: Read and Edit Access for {field}"
    )


def permission_set(label: str, name: str, whom: str) -> str:
    """Return how a permission set is made and given to *whom*."""
    return (
        f"Setup > Permission Sets > New: Label {label!r}, API Name {name!r}; Save; then Manage"
        f" Assignments > Add Assignment: {whom}"
    )


def give(label: str) -> str:
    """Return how a permission set is given to people."""
    return f"give it to them: Setup > Permission Sets > {label} > Manage Assignments"


def _shape(field: FieldSpec) -> str:
    match field.kind:
        case "text":
            return f"Length {field.length}, "
        case "integer" | "money" | "decimal":
            return f"Length {DIGITS - field.scale}, Decimal Places {field.scale}, "
        case "flag":
            return "Default Value Unchecked, "
        case "choice":
            return (
                f"Enter values, one a line: {', '.join(field.choices)}; tick 'Restrict picklist to"
                " the values defined in the value set', "
            )
    return ""
