"""What administrators set up: custom fields, and what a page shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sandbox_espocrm.entities import Defs
from sandbox_espocrm.refusal import Refused, translated
from sandbox_espocrm.schema import CREATABLE, Entity
from sandbox_espocrm.settings import Settings
from sandbox_espocrm.store import Store

_LONGEST: Final = 50
_NAME: Final = re.compile(r"[a-z][a-zA-Z\d]*")
_PARAMETERS: Final = frozenset(
    {"type", "required", "options", "default", "maxLength", "min", "max", "pattern", "readOnly",
     "audited", "tooltip", "style", "isSorted", "displayAsLabel", "decimalPlaces"}
)  # fmt: skip
"""What is kept of a field; anything else that is said of it goes without a word."""


class Fields:
    """Custom fields: what the fact sheet leaves open is by what the source of 8.4.2 says."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._labels: dict[tuple[str, str], str] = {}

    def create(self, entity: Entity, body: Mapping[str, Any]) -> Defs:
        """Make a field and return it; its name gets the prefix of what is not EspoCRM's own."""
        name = body.get("name")
        if not name:
            raise Refused(400)
        if prefix := self._settings.prefix:
            name = f"{prefix}{str(name)[0].upper()}{str(name)[1:]}"
        if len(name) > _LONGEST or not _NAME.fullmatch(name):
            raise Refused(500, "Field name should contain only letters and numbers.")
        if name in entity.fields:
            body = {"field": name, "entityType": entity.name}
            raise Refused(
                409,
                f"Field '{name}' already exists in '{entity.name}'.",
                translated("fieldAlreadyExists", body, "FieldManager"),
            )
        if not body.get("type"):
            raise Refused(400, "No type.")
        self.add(entity, name, body)
        named = {"name": name} if self._settings.names_fields else {}
        return self.read(entity, name) | named

    def add(self, entity: Entity, name: str, defs: Mapping[str, Any]) -> None:
        """Make a field of exactly this name."""
        if defs["type"] not in CREATABLE:
            raise Refused(400, f"Field type '{defs['type']}' does not exist.")
        made = {key: value for key, value in defs.items() if key in _PARAMETERS}
        if made["type"] == "enum":
            made["options"] = made.get("options") or []
        entity.fields[name] = made | {"isCustom": True}
        self._labels[entity.name, name] = str(defs.get("label", name))
        self._store.add_columns(entity, entity.learn(name))

    def read(self, entity: Entity, name: str) -> Defs:
        """Return a field; where there is none, EspoCRM fails."""
        if name not in entity.fields:
            raise Refused(500, f"Can't read field defs {entity.name}.{name}.")
        return entity.fields[name] | {"label": self._labels.get((entity.name, name), name)}

    def update(self, entity: Entity, name: str, body: Mapping[str, Any]) -> Defs:
        """Change a field, but neither its name nor its type; return it."""
        self.read(entity, name)
        entity.fields[name] |= {
            key: value
            for key, value in body.items()
            if key != "type" and (key in _PARAMETERS or key in entity.fields[name])
        }
        if "label" in body:
            self._labels[entity.name, name] = str(body["label"])
        return self.read(entity, name)

    def delete(self, entity: Entity, name: str) -> None:
        """Take a custom field away, with what records hold in it."""
        if not self.read(entity, name).get("isCustom"):
            raise Refused(500, f"Cannot delete core field '{name}' in '{entity.name}'.")
        self._store.drop_columns(entity, entity.forget(name))


class Layouts:
    """What pages show of each entity."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Any] = {}

    def read(self, entity: Entity, name: str) -> Any:
        """Return what the page *name* shows."""
        if (entity.name, name) not in self._known and name not in ("detail", "list"):
            raise Refused(404)
        return self._known.get((entity.name, name)) or _first(entity, name)

    def update(self, entity: Entity, name: str, layout: Any) -> Any:
        """Let the page *name* show something else; return it."""
        if not isinstance(layout, list):
            raise Refused(400)
        self._known[entity.name, name] = layout
        return layout


def _first(entity: Entity, name: str) -> Any:
    # A field that somebody has made is on no page before it is put there.
    hidden = ("readOnly", "isCustom")
    own = [n for n, field in entity.fields.items() if not any(field.get(one) for one in hidden)]
    if name == "list":
        return [{"name": "name", "link": True}, *({"name": one} for one in own[1:4])]
    pairs = [own[at : at + 2] for at in range(0, len(own), 2)]
    rows = [[{"name": one} for one in pair] + [False] * (2 - len(pair)) for pair in pairs]
    return [{"label": "Overview", "rows": rows}]
