"""Records: who may do what with them; listed, read, made, changed and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sandbox_espocrm.checks import check, writable
from sandbox_espocrm.derive import derive
from sandbox_espocrm.login import Caller
from sandbox_espocrm.moments import said
from sandbox_espocrm.refusal import Refused, no_access, not_existing
from sandbox_espocrm.schema import Entity, Schema
from sandbox_espocrm.settings import Role, Settings
from sandbox_espocrm.store import LIVE, Row, Store
from sandbox_espocrm.where import Search, Sql, condition

EVERYTHING: Final[Sql] = ("1", [])
_CHECKED: Final = ("Account", "Contact", "Lead")
"""Where duplicates are looked for: of one name, or with one e-mail address."""


class Records:
    """The records of all entities, and what callers may do with them."""

    def __init__(
        self, schema: Schema, settings: Settings, role: Role, clock: Callable[[], datetime]
    ) -> None:
        self.schema = schema
        self.role = role
        self.store = Store(schema, settings.rate)
        self._settings = settings
        self.now = clock

    def page(
        self,
        caller: Caller,
        entity: Entity,
        search: Search,
        *,
        counted: bool,
        only: Sql = EVERYTHING,
    ) -> dict[str, Any]:
        """Return a page of the records that are asked for, of those that *only* leaves."""
        own = self._readable(caller, entity)
        most = self._settings.max_size
        size = most if search.max_size is None else search.max_size
        if size > most:
            raise Refused(403, f"Max size should not exceed {most}. Use offset and limit.")
        asked = condition(entity, search.where, lambda name: self.store.expression(entity, name))
        where = " AND ".join([LIVE, *(f"({text})" for text, _ in (only, own, asked))])
        values = [value for _, part in (only, own, asked) for value in part]
        names, order = _selected(entity, search.select), self._order(entity, search)
        # One more, to know whether there are more.
        found = self.store.page(entity, names, where, values, order, search.offset, size + 1)
        total = -1 if len(found) > size else self._settings.total_at_end
        if counted:
            total = self.store.count(entity, where, values)
        return {"total": total, "list": [as_json(row) for row in found[:size]]}

    def _order(self, entity: Entity, search: Search) -> str:
        name = asked = search.order_by or entity.defs["collection"]["orderBy"]
        match entity.fields.get(name, {}).get("type"):
            case "link":
                name = f"{name}Name"
            case "linkParent":
                name = f"{name}Type"
        if name not in entity.attributes:
            raise Refused(400, f"Order by non-existing field '{asked}'.")
        way = "DESC" if search.descending or not search.order_by else "ASC"
        return f"{self.store.expression(entity, name)} {way}, t.id {way}"

    def read(self, caller: Caller, entity: Entity, record: str) -> Row:
        """Return a whole record."""
        return as_json(self._fetched(caller, entity, record, "read"))

    def create(
        self, caller: Caller, entity: Entity, body: Mapping[str, Any], *, duplicates: bool
    ) -> Row:
        """Add a record and return it; *duplicates* are not looked for."""
        if self._level(caller, entity, "create") == "no":
            raise no_access("create")
        values = self._defaults(entity) | writable(entity, body)
        if caller.is_admin and "assignedUserId" in entity.attributes:
            # From memory: whoever is a person takes a record on, if nobody is named.
            values = {"assignedUserId": caller.user} | values
        self._check(entity, values, None)
        if not duplicates:
            self._refuse_duplicate(entity, values)
        return as_json(self.add(entity, values, user=caller.user))

    def update(self, caller: Caller, entity: Entity, record: str, body: Mapping[str, Any]) -> Row:
        """Change a record and return it; what is the same as before is a change, too."""
        before = self._fetched(caller, entity, record, "edit")
        values = writable(entity, body)
        self._check(entity, values, before)
        return as_json(self.change(entity, record, values, user=caller.user))

    def delete(self, caller: Caller, entity: Entity, record: str) -> None:
        """Delete a record: nobody sees it again."""
        self._fetched(caller, entity, record, "delete")
        self.remove(entity, record)

    def add(
        self, entity: Entity, values: Row, *, user: str | None = None, at: datetime | None = None
    ) -> Row:
        """Add a record as it is, with what follows from it; return it."""
        row = self.made(entity, values, user=user, at=at)
        self.store.insert(entity, [row])
        return self._known(entity, row["id"])

    def made(
        self, entity: Entity, values: Row, *, user: str | None = None, at: datetime | None = None
    ) -> Row:
        """Return a new record as it is kept, which it is not yet."""
        moment = at or self.now()
        now = said(moment)
        stamps: Row = {
            "id": f"{int(moment.timestamp()):08x}{self.store.next_number():09x}",
            "createdAt": now, "modifiedAt": now, "createdById": user, "modifiedById": user,
        }  # fmt: skip
        if "number" in entity.attributes:
            stamps["number"] = self.store.next_number(entity)
        return self._derived(entity, stamps | self._defaults(entity) | values, {}, now)

    def change(
        self,
        entity: Entity,
        record: str,
        values: Row,
        *,
        user: str | None = None,
        at: datetime | None = None,
    ) -> Row:
        """Change a record as it is, with what follows from it; return it."""
        now = said(at or self.now())
        stamps = {"modifiedAt": now, "modifiedById": user}
        before = self._known(entity, record)
        self.store.update(entity, record, self._derived(entity, stamps | values, before, now))
        return self._known(entity, record)

    def remove(self, entity: Entity, record: str) -> None:
        """Delete a record."""
        self.store.update(entity, record, {"deleted": 1, "modifiedAt": said(self.now())})

    def _known(self, entity: Entity, record: str) -> Row:
        row = self.store.fetch(entity, record)
        if row is None:
            raise KeyError(record)
        return row

    def _derived(self, entity: Entity, values: Row, before: Row, now: str) -> Row:
        currency = self._settings.currency
        return derive(entity, values, before, currency=currency, now=now, look_up=self._account_of)

    def _account_of(self, kind: Any, record: Any) -> str | None:
        entity = self.schema.find(kind) if kind else None
        if entity is None or not record:
            return None
        if entity.name == "Account":
            return str(record)
        row = self.store.fetch(entity, record) or {}
        if entity.name == "Lead":
            return row.get("createdAccountId") if row.get("status") == "Converted" else None
        return row.get("accountId")

    def _defaults(self, entity: Entity) -> Row:
        return {
            name: field["default"]
            for name, field in entity.fields.items()
            if field.get("default") is not None
        }

    def _check(self, entity: Entity, values: Row, before: Row | None) -> None:
        check(entity, values, new=before is None, currencies=self._settings.rates)
        for link, target, record in _links(entity, values, before or {}):
            there = self.schema.find(target)
            if there is None or self.store.fetch(there, record) is None:
                raise not_existing(entity.name, link, target)

    def _refuse_duplicate(self, entity: Entity, values: Row) -> None:
        if entity.name not in _CHECKED:
            return
        names = ("firstName", "lastName") if "lastName" in entity.attributes else ("name",)
        same = " AND ".join(f"t.{name} IS ?" for name in names)
        found = self.store.select(
            entity,
            [*entity.attributes],
            f"{LIVE} AND ({same} OR t.emailAddress = ?)",
            [*(values.get(name) for name in names), values.get("emailAddress")],
        )
        if found:
            raise Refused(409, "duplicate", [as_json(row) for row in found])

    def _level(self, caller: Caller, entity: Entity, action: str) -> str:
        if caller.is_admin:
            return "yes" if action == "create" else "all"
        return self.role.get(entity.name, {}).get(action, "no")

    def _readable(self, caller: Caller, entity: Entity) -> Sql:
        level = self._level(caller, entity, "read")
        if level == "no":
            raise no_access("read")
        listed = "t.type <> 'api'" if entity.name == "User" else "1"
        if level == "all":
            return listed, []
        return f"{listed} AND t.{_owner(entity)} = ?", [caller.user]

    def _fetched(self, caller: Caller, entity: Entity, record: str, action: str) -> Row:
        level = self._level(caller, entity, action)
        if level == "no":
            raise no_access(action)
        row = self.store.fetch(entity, record)
        if row is None:
            raise Refused(404)
        if level != "all" and row[_owner(entity)] != caller.user:
            raise no_access(action)
        return row


def _owner(entity: Entity) -> str:
    """Return where a record says whose it is; there are no teams here."""
    if entity.name == "User":
        return "id"
    return "assignedUserId" if "assignedUserId" in entity.attributes else "createdById"


def _selected(entity: Entity, select: Sequence[str] | None) -> list[str]:
    if select is None:
        return [*entity.attributes]
    return [
        "id",
        *(one for one in dict.fromkeys(select) if one in entity.attributes and one != "id"),
    ]


def _links(entity: Entity, values: Row, before: Row) -> Iterator[tuple[str, str, str]]:
    """Yield what links are set: their names, to what entity, to what record."""
    for name, link in entity.defs["links"].items():
        record = values.get(f"{name}Id")
        if record and link["type"] == "belongsTo":
            yield name, link["entity"], record
        elif record and link["type"] == "belongsToParent":
            yield name, str((before | values).get(f"{name}Type")), record


def as_json(row: Row) -> Row:
    """Return a record as it is answered: PHP writes a whole number without decimals."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in row.items()
    }
