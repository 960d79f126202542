"""Entities with their attributes: a field is one attribute or several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox_espocrm.entities import Defs, entity_defs

_ADDRESS: Final = ("Street", "City", "State", "Country", "PostalCode")
_PLAIN: Final = {
    "varchar": "text", "text": "text", "enum": "text", "url": "text", "email": "text",
    "phone": "text", "int": "int", "autoincrement": "int", "float": "float", "bool": "bool",
    "date": "date", "datetime": "datetime", "personName": "text",
}  # fmt: skip
CREATABLE: Final = frozenset(_PLAIN) - {"email", "phone", "personName", "autoincrement"} | {
    "currency", "datetimeOptional", "address",
}  # fmt: skip
"""The types of which an administrator can make fields here."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value of a record. *field* is what it belongs to.

    A *derived* one is computed when it is read; a *read_only* one is kept, but not for clients to
    write.
    """

    name: str
    kind: str
    field: str
    read_only: bool = False
    derived: bool = False


class Entity:
    """A kind of record."""

    def __init__(self, name: str, defs: Defs) -> None:
        self.name = name
        self.defs = defs
        self.attributes: dict[str, Attribute] = {"id": Attribute("id", "text", "id", True)}
        for field in self.fields:
            self.learn(field)

    @property
    def fields(self) -> dict[str, Defs]:
        """The fields, by name."""
        fields: dict[str, Defs] = self.defs["fields"]
        return fields

    def learn(self, field: str) -> tuple[Attribute, ...]:
        """Take the attributes of a field up; return them."""
        made = tuple(_attributes(field, self.fields[field]))
        self.attributes |= {one.name: one for one in made}
        return made

    def forget(self, field: str) -> tuple[Attribute, ...]:
        """Take a field away with its attributes; return them."""
        gone = tuple(one for one in self.attributes.values() if one.field == field)
        for one in gone:
            del self.attributes[one.name]
        del self.fields[field]
        return gone

    def target(self, link: str) -> str:
        """Return what entity *link* leads to."""
        name: str = self.defs["links"][link]["entity"]
        return name

    def is_set(self, field: str, values: Mapping[str, Any]) -> bool:
        """Say whether *values* have anything to say on a field."""
        return any(one.name in values for one in self.attributes.values() if one.field == field)


class Schema:
    """All entities."""

    def __init__(self) -> None:
        self.defs = entity_defs()
        self._entities = {name: Entity(name, defs) for name, defs in self.defs.items()}

    def __iter__(self) -> Iterator[Entity]:
        return iter(self._entities.values())

    def __getitem__(self, name: str) -> Entity:
        return self._entities[name]

    def find(self, name: str) -> Entity | None:
        """Return the entity *name*, if there is one."""
        return self._entities.get(name)


def _attributes(name: str, field: Defs) -> Iterator[Attribute]:
    fixed = bool(field.get("readOnly"))
    match field["type"]:
        case "link":
            yield Attribute(f"{name}Id", "text", name, fixed)
            yield Attribute(f"{name}Name", "name", name, derived=True)
        case "linkParent":
            yield Attribute(f"{name}Type", "text", name, fixed)
            yield Attribute(f"{name}Id", "text", name, fixed)
            yield Attribute(f"{name}Name", "name", name, derived=True)
        case "currency":
            yield Attribute(name, "float", name, fixed)
            yield Attribute(f"{name}Currency", "text", name, fixed)
        case "currencyConverted":
            yield Attribute(name, "converted", name, derived=True)
        case "address":
            for part in _ADDRESS:
                yield Attribute(f"{name}{part}", "text", name, fixed)
        case "datetimeOptional":
            yield Attribute(name, "datetime", name, fixed)
            yield Attribute(f"{name}Date", "date", name, fixed)
        case kind:
            # The name of a person is made of its parts.
            yield Attribute(name, _PLAIN[kind], name, fixed or kind == "personName")
