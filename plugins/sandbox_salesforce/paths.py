"""Paths of SOQL: which column of which table `Account.Owner.Name` is, and the joins to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox_salesforce.org import Org
from sandbox_salesforce.refusal import ApiError, no_such_column
from sandbox_salesforce.schema import FieldDef, SObject
from sandbox_salesforce.soql import FieldPath


@dataclass(slots=True)
class Paths:
    """The paths of one query from *sobject*, as *user* may go them.

    *base* is the name of its table in SQL, *alias* the one that the query may give it. What lies
    on the ways is noted in *joins*, by the path in small letters.
    """

    org: Org
    user: str
    sobject: SObject
    alias: str | None
    base: str
    joins: dict[FieldPath, tuple[str, SObject]] = field(default_factory=dict)
    _sql: list[str] = field(default_factory=list)

    @property
    def source(self) -> str:
        """Return where the records come from, in SQL."""
        return f'FROM "{self.sobject.name}" {self.base} {" ".join(self._sql)}'

    def field(self, path: FieldPath) -> tuple[FieldDef, str]:
        """Return the field at the end of *path*, and its SQL."""
        *way, last = self._from_base(path)
        alias, at = self.base, self.sobject
        for depth, part in enumerate(way, 1):
            alias, at = self._join(at, alias, part, lower(way[:depth]))
        one = self.org.permissions.visible(self.user, at).get(last.lower())
        if one is None:
            raise no_such_column(last, at.name)
        return one, sql_of(alias, one)

    def said(self, path: FieldPath) -> FieldPath:
        """Return a path of relationships in the letters that the schema has."""
        names, at = [], self.sobject
        for part in self._from_base(path):
            link = at.relationship(part)
            if link is None or link.relationship is None:
                raise _no_relationship(part)
            names.append(link.relationship)
            at = self.org.schema[_joined(link)]
        return tuple(names)

    def _from_base(self, path: FieldPath) -> FieldPath:
        """Return *path* without the name of the base that may stand before it."""
        if not path:
            return path
        first = path[0].lower()
        if first == (self.alias or "").lower():
            return path[1:]
        if first == self.sobject.name.lower() and not self.sobject.relationship(first):
            return path[1:]
        return path

    def _join(
        self, sobject: SObject, alias: str, part: str, path: FieldPath
    ) -> tuple[str, SObject]:
        if path in self.joins:
            return self.joins[path]
        link = sobject.relationship(part)
        visible = self.org.permissions.visible(self.user, sobject)
        if link is None or link.name.lower() not in visible:
            raise _no_relationship(part)
        parent = self.org.schema[_joined(link)]
        name = f"{self.base}{len(self.joins) + 1}"
        self._sql.append(f'LEFT JOIN "{parent.name}" {name} ON {name}."Id" = {alias}."{link.name}"')
        self.joins[path] = (name, parent)
        return name, parent


def sql_of(alias: str, one: FieldDef) -> str:
    """Return a field of the table *alias* in SQL; a compound one as an object of JSON."""
    if one.parts:
        parts = ", ".join(f"'{key}', {alias}.\"{name}\"" for key, name in one.parts)
        return f"json_object({parts})"
    return f'{alias}."{one.name}"'


def lower(path: Sequence[str]) -> FieldPath:
    """Return a path in small letters: names mean the same in any."""
    return tuple(part.lower() for part in path)


def _joined(link: FieldDef) -> str:
    # Of several objects one is joined: the account of a task, the user of an owner.
    return "Account" if "Account" in link.refers_to else link.refers_to[-1]


def _no_relationship(part: str) -> ApiError:
    return ApiError(
        "INVALID_FIELD",
        f"Didn't understand relationship '{part}' in field path. If you are attempting to use a"
        " custom relationship, be sure to append the '__r' after the custom relationship name.",
    )
