"""What an object is: its fields, and what may be done with each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Value: TypeAlias = str | int | float | bool | None

TEXTS: Final = frozenset(
    {"string", "textarea", "picklist", "email", "phone", "url", "combobox", "encryptedstring"}
)
"""Types whose values are compared without regard to case."""
IDS: Final = frozenset({"id", "reference"})
NUMBERS: Final = frozenset({"int", "double", "currency", "percent"})


@dataclass(frozen=True, slots=True)
class Option:
    """A value of a picklist."""

    value: str
    label: str
    default: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True)
class FieldDef:
    """A field, with what describe says of it.

    *default* is what a record gets that is created without a value; *derived* fields follow from
    others and are never written. *parts* are the fields of a compound one (an address).
    """

    name: str
    type: str
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    filterable: bool = True
    sortable: bool = True
    defaulted: bool = False
    default: Value = None
    external_id: bool = False
    id_lookup: bool = False
    unique: bool = False
    case_sensitive: bool = False
    custom: bool = False
    calculated: bool = False
    restricted: bool = False
    options: tuple[Option, ...] = ()
    refers_to: tuple[str, ...] = ()
    relationship: str | None = None
    compound: str | None = None
    parts: tuple[tuple[str, str], ...] = ()

    @property
    def required(self) -> bool:
        """Say whether a record can't be created without it."""
        return self.createable and not self.nillable and not self.defaulted

    @property
    def is_stored(self) -> bool:
        """Say whether it is a column: compound fields are put together when they are read."""
        return not self.parts


@dataclass(slots=True)
class SObject:
    """An object: a kind of record. Fields and relationships are found in any case.

    *tooling*: it is known to the Tooling API alone.
    """

    name: str
    prefix: str
    label: str
    fields: dict[str, FieldDef] = field(default_factory=dict)
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    custom: bool = False
    replicateable: bool = True
    custom_fields: bool = True
    tooling: bool = False

    def add(self, *fields: FieldDef) -> None:
        """Add *fields*, or take them in the place of those of the same name."""
        self.fields |= {one.name.lower(): one for one in fields}

    def find(self, name: str) -> FieldDef | None:
        """Return the field *name* in whatever case; None if there is none."""
        return self.fields.get(name.lower())

    def relationship(self, name: str) -> FieldDef | None:
        """Return the field that leads to the parent *name*; None if none does."""
        wanted = name.lower()
        for one in self.fields.values():
            if one.relationship and one.relationship.lower() == wanted:
                return one
        return None

    def __iter__(self) -> Iterator[FieldDef]:
        return iter(self.fields.values())


class Schema:
    """The objects of an organisation, found by their name in any case."""

    def __init__(self, objects: list[SObject]) -> None:
        self._objects = {one.name.lower(): one for one in objects}
        self._by_prefix = {one.prefix: one for one in objects}

    def find(self, name: str) -> SObject | None:
        """Return the object *name*; None if there is none."""
        return self._objects.get(name.lower())

    def __getitem__(self, name: str) -> SObject:
        return self._objects[name.lower()]

    def __iter__(self) -> Iterator[SObject]:
        return iter(self._objects.values())

    def of_id(self, record: str) -> SObject | None:
        """Return the object that the prefix of an id tells; None if there is none."""
        return self._by_prefix.get(record[:3])
