"""Custom fields as the Metadata API takes them: what a result needs, choices that are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from connector import AccessError, FieldKind, FieldSpec, Refused

if TYPE_CHECKING:
    from simple_salesforce.metadata import SfdcMetadataApi

DIGITS: Final = 18
_HELP: Final = 510
"""Characters of a help text; the sheet of facts names no limit, this is the vendor's."""
_NO_RIGHT: Final = ("INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY")

TYPES: Final[Mapping[FieldKind, str]] = {
    "text": "Text",
    "choice": "Picklist",
    "integer": "Number",
    "money": "Currency",
    "decimal": "Number",
    "date": "Date",
    "time": "Date/Time",
    "flag": "Checkbox",
}
"""What people choose in Setup to get a field of each kind."""


def component(
    md: SfdcMetadataApi, field: FieldSpec, *, currencies: bool, record_types: bool
) -> Any:
    """Return the field of accounts that holds a result.

    With several *currencies* an amount is a plain number: a Currency field would show it in the
    currency of the account, and it is in the job's. With *record_types* a list of choices takes
    other values too: each type offers a part of it alone, of a new one none.
    """
    kind = "Number" if field.kind == "money" and currencies else TYPES[field.kind]
    about = field.about[:_HELP]
    said = {"label": field.label, "inlineHelpText": about, "description": about}
    return md.CustomField(
        fullName=f"Account.{field.name}",
        type=md.FieldType("DateTime" if field.kind == "time" else kind),
        **said,
        **_parts(md, field, restricted=not record_types),
    )


def marker(md: SfdcMetadataApi, name: str) -> Any:
    """Return the field of activities by which our tasks are found again."""
    return md.CustomField(
        fullName=f"Activity.{name}",
        label="Pyramid marker",
        description="By this the connector finds its tasks again. Leave it as it is.",
        type=md.FieldType("Text"),
        length=255,
        externalId=True,
    )


def missing_choices(held: Any, field: FieldSpec) -> Sequence[str]:
    """Return the choices of *field* that the component *held* does not offer."""
    offered = {value.fullName for value in _values(held) if value.isActive is not False}
    return [choice for choice in field.choices if choice not in offered]


def add_choices(md: SfdcMetadataApi, held: Any, field: FieldSpec) -> Any:
    """Return the component *held* with the choices that it lacks; raise Refused if it takes none.

    Those that are there stay, also if the job no longer writes them: records hold them.
    """
    if held.valueSet is None or held.valueSet.valueSetDefinition is None:
        words = "its values are those of a global value set, or it is no picklist"
        raise Refused(f"{held.fullName}: {words}", code="not_ours", words=words)
    missing = missing_choices(held, field)
    values = _values(held)
    for value in values:
        value.isActive = True if value.fullName in missing else value.isActive
    known = {value.fullName for value in values}
    values += [_value(md, choice) for choice in missing if choice not in known]
    held.valueSet.valueSetDefinition.value = values
    return held


def saved(md: SfdcMetadataApi, wanted: Any, kind: str = "CustomField") -> None:
    """Make or change a component; raise AccessError where the right to is missing, else Refused.

    Upsert, for what is made a second time would be refused as a duplicate.
    """
    try:
        getattr(md, kind).upsert([wanted])
    except Exception as error:
        # A component that is refused is a bare Exception, which says so in its text; whatever else
        # happens has a class of its own.
        if type(error) is not Exception:
            raise
        text = " ".join(str(error).split())
        if any(code in text for code in _NO_RIGHT):
            raise AccessError(text) from error
        raise Refused(text, code="metadata", words=text) from error


def found(md: SfdcMetadataApi, kind: str, names: Sequence[str]) -> dict[str, Any]:
    """Return the components *names* that there are, ten a call."""
    held: dict[str, Any] = {}
    for start in range(0, len(names), 10):
        read = getattr(md, kind).read(list(names[start : start + 10]))
        records = read if isinstance(read, list) else [read]
        held |= {one.fullName: one for one in records if one is not None and one.fullName}
    return held


def _parts(md: SfdcMetadataApi, field: FieldSpec, *, restricted: bool) -> dict[str, Any]:
    match field.kind:
        case "text":
            return {"length": field.length}
        case "integer" | "money" | "decimal":
            return {"precision": DIGITS, "scale": field.scale}
        case "flag":
            return {"defaultValue": "false"}
        case "choice":
            values = [_value(md, choice) for choice in field.choices]
            definition = md.ValueSetValuesDefinition(sorted=False, value=values)
            return {"valueSet": md.ValueSet(restricted=restricted, valueSetDefinition=definition)}
    return {}


def _value(md: SfdcMetadataApi, choice: str) -> Any:
    return md.CustomValue(fullName=choice, label=choice, default=False)


def _values(held: Any) -> list[Any]:
    definition = held.valueSet and held.valueSet.valueSetDefinition
    return list(definition.value or ()) if definition else []
