"""The records of a model: what is kept of them, and how they are found."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sandbox_odoo.domain import ids_in, names_in, test_of
from sandbox_odoo.fields import Field, Row, char, moment, named, one, whole
from sandbox_odoo.refusal import USER, Refused, invalid_field

if TYPE_CHECKING:
    from sandbox_odoo.org import Env, Org

STAMPS: Final = ("create_date", "create_uid", "write_date", "write_uid")
_ORDER: Final = re.compile(r"\s*(\w+)(?:\s+(asc|desc))?(?:\s+nulls\s+\w+)?\s*", re.IGNORECASE)


class Table:
    """The fields of a model, and its records by id."""

    name: str
    description: str
    rec_name = "name"
    order = "id"

    def __init__(self, org: Org) -> None:
        self.org = org
        self.rows: dict[int, Row] = {}
        self.last = 0
        self.fields: dict[str, Field] = {}
        self._named: dict[str, defaultdict[Any, dict[int, None]]] = {}
        self._given: list[Field] = []
        self._required: list[Field] = []
        self.set_fields(
            named(
                id=whole("ID", readonly=True),
                display_name=char("Display Name", readonly=True, compute=self.display),
                **self.declared(),
                create_date=moment("Created on", readonly=True),
                create_uid=one("Created by", "res.users", readonly=True),
                write_date=moment("Last Updated on", readonly=True),
                write_uid=one("Last Updated by", "res.users", readonly=True),
            )
        )

    def declared(self) -> dict[str, Field]:
        """Return the fields of the model's own."""
        return {}

    def indexed(self) -> Iterable[str]:
        """Return fields whose values lead to records quickly, besides many2one fields."""
        return ()

    def set_fields(self, fields: Mapping[str, Field]) -> None:
        """Add or replace fields."""
        self.fields |= fields
        self._sort_out()
        for field in fields.values():
            link = field.type == "many2one" and field.stored and field.name not in STAMPS
            if (link or field.name in self.indexed()) and field.name not in self._named:
                self._named[field.name] = defaultdict(dict)
                for id_, row in self.rows.items():
                    self._named[field.name][row.get(field.name)][id_] = None

    def drop_field(self, name: str) -> None:
        """Take a field away."""
        self.fields.pop(name, None)
        self._sort_out()

    def _sort_out(self) -> None:
        """Remember what each new record asks for."""
        self._given = [one for one in self.fields.values() if one.default is not None]
        self._required = [one for one in self.fields.values() if one.required]

    def put(self, id_: int, row: Row | None) -> None:
        """Keep a record as it is now, or no more; a transaction that fails takes it back."""
        before = self.rows.get(id_)
        self._put(id_, before, row)
        self.org.on_failure(lambda: self._put(id_, self.rows.get(id_), before))

    def _put(self, id_: int, before: Row | None, row: Row | None) -> None:
        for name, index in self._named.items():
            old = before.get(name) if before else None
            new = row.get(name) if row else None
            if old != new:
                index[old].pop(id_, None)
                if new is not None:
                    index[new][id_] = None
        if row is None:
            self.rows.pop(id_, None)
        else:
            self.rows[id_] = row

    def naming(self, field: str, value: Any) -> Collection[int]:
        """Return the ids of records with a value in an indexed field."""
        return self._named[field].get(value, {})

    def field(self, name: str) -> Field:
        """Return a field; refuse one that isn't there."""
        if name not in self.fields:
            raise invalid_field(name, self.name)
        return self.fields[name]

    def value(self, env: Env, row: Row, field: Field) -> Any:
        """Return a value of a record as it is kept, or found out."""
        if field.compute is not None:
            return field.compute(env, row)
        if field.type == "one2many":
            return self._lines(env, row, field)
        return row.get(field.name, () if field.type == "many2many" else None)

    def _lines(self, env: Env, row: Row, field: Field) -> list[int]:
        there = env[field.relation]
        ids = sorted(there.naming(field.inverse, row["id"]))
        if "active" in there.fields and env.context.get("active_test", True):
            ids = [one for one in ids if there.rows[one].get("active")]
        return ids

    def display(self, env: Env, row: Row) -> str | None:
        """Return what a record is called."""
        return row.get(self.rec_name) or None

    def called(self, env: Env, id_: int) -> str:
        """Return what the record *id_* is called; as everybody may know it."""
        return self.display(env.sudo(), self.rows[id_]) or f"{self.name},{id_}"

    def find(self, env: Env, domain: Any, order: str | None = None) -> list[int]:
        """Return the ids of all records that *domain* describes, in order."""
        # Conditions may name fields that aren't there: to be known before anything is read.
        test = test_of(env, self, domain or [])
        ids = ids_in(domain or [])
        rows = (
            [*self.rows.values()]
            if ids is None
            else [self.rows[one] for one in ids if one in self.rows]
        )
        if self._hides_archived(env, domain):
            rows = [row for row in rows if row.get("active")]
        found = [row for row in rows if test(row)]
        return [row["id"] for row in self._ordered(env, found, order or self.order)]

    def _hides_archived(self, env: Env, domain: Any) -> bool:
        told = "active" in names_in(domain or [])
        return "active" in self.fields and not told and env.context.get("active_test", True)

    def _ordered(self, env: Env, rows: list[Row], order: str) -> list[Row]:
        # The last first: a sort keeps the order of what is equal.
        for term in reversed(order.split(",")):
            if (matched := _ORDER.fullmatch(term)) is None:
                raise Refused(USER, f'Invalid "order" specified ({order}).')
            field = self.field(matched[1])
            down = (matched[2] or "").lower() == "desc"
            rows.sort(key=partial(self._key, env, field), reverse=down)
        return rows

    def _key(self, env: Env, field: Field, row: Row) -> tuple[Any, ...]:
        # As PostgreSQL has it, what is empty comes last, or first if the order is turned round.
        value = self.value(env, row, field)
        if field.type == "many2one" and value:
            there = env[field.relation]
            return (False, there.rows[value].get("sequence") or 0, there.called(env, value))
        if isinstance(value, str):
            return (False, value.casefold(), value)
        return (value is None, value if value is not None else 0)
