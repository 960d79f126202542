"""Parties as accounts: what a job may write of them, what they hold, and how it is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from connector import ConfigError, Scalar
from connector_tryton.categories import Choices, all_choices
from connector_tryton.models import PARTY
from connector_tryton.values import TYPES, as_json, fit

if TYPE_CHECKING:
    from connector_tryton.server import Tryton


class Accounts:
    """The parties of a database; a name of a job is a category of the settings, or a field."""

    def __init__(self, tryton: Tryton, categories: Mapping[str, str]) -> None:
        self._tryton = tryton
        self._categories = categories

    @cached_property
    def choices(self) -> dict[str, Choices]:
        """Return what each category of the settings offers."""
        return all_choices(self._tryton, self._categories)

    def expect(self, names: Sequence[str]) -> None:
        """Raise ConfigError for the first of *names* that can't be written."""
        for name in names:
            if problem := self.problem(name):
                raise ConfigError(f"tryton: {name!r}: {problem}")

    def problem(self, name: str) -> str | None:
        """Return why *name* can't be written; None if it can."""
        if name in self._categories:
            if self.choices[name].missing:
                return (
                    f"there is no party category {self._categories[name]!r}; make it with"
                    " `connector provision`"
                )
            return None
        field = self._fields.get(name)
        if field is None:
            return (
                "parties have no such field: have it added by a module, or keep the result as"
                " categories (settings.categories), as those of few values can be"
            )
        if field["readonly"] or field["type"] not in TYPES:
            return f"the field is {'read-only' if field['readonly'] else field['type']}"
        return None

    def read(self, accounts: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the records of those *accounts* that exist, by account."""
        keys = {key: account for account in accounts if (key := key_of(account)) is not None}
        fields = [name for name in names if name not in self._categories]
        asked = ["_timestamp", *fields]
        if len(fields) < len(names):
            asked.append("categories")
        found = self._tryton.search_read(PARTY, [("id", "in", sorted(keys))], asked) if keys else []
        return {keys[int(record["id"])]: record for record in found}

    def held(self, record: Mapping[str, Any], names: Sequence[str]) -> dict[str, Scalar]:
        """Return what *record* holds under *names*."""
        return {
            name: self.choices[name].held(record["categories"])
            if name in self._categories
            else fit(record.get(name), self._fields[name])
            for name in names
        }

    def meant(self, values: Mapping[str, object]) -> dict[str, Scalar]:
        """Return *values* as they would be held, so that what means the same is equal."""
        return {name: self._meant(name, value) for name, value in values.items()}

    def unknown(self, values: Mapping[str, Scalar]) -> str | None:
        """Return why one of *values* can't be set: there is no category for it."""
        for name, value in values.items():
            choices = self.choices.get(name)
            if choices and value is not None and value not in choices.children:
                return (
                    f"there is no category {value!r} below {choices.path!r}; make it with"
                    " `connector provision`"
                )
        return None

    def change(self, record: Mapping[str, Any], values: Mapping[str, Scalar]) -> dict[str, object]:
        """Return what to write to set *values* on *record*."""
        fields: dict[str, object] = {}
        commands: list[list[object]] = []
        for name, value in values.items():
            if name in self._categories:
                wanted = None if value is None else str(value)
                commands += self.choices[name].swap(record["categories"], wanted)
            else:
                fields[name] = as_json(value, self._fields[name])
        return fields | ({"categories": commands} if commands else {})

    @cached_property
    def _fields(self) -> Mapping[str, Mapping[str, Any]]:
        return self._tryton.described(PARTY)

    def _meant(self, name: str, value: object) -> Scalar:
        if name in self._categories:
            return None if value is None or value == "" else str(value)
        return fit(value, self._fields[name])


def key_of(record: str) -> int | None:
    """Return an id as Tryton has it; None if it can't be one of its own."""
    key = int(record) if record.isascii() and record.isdigit() else None
    return key if str(key) == record else None
