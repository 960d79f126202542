"""Party categories as choices: the children of one are the values that a result can take."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector_tryton.models import CATEGORY

if TYPE_CHECKING:
    from connector_tryton.server import Tryton

BETWEEN: Final = " / "
"""What Tryton writes between a category and its parent."""


@dataclass(frozen=True, slots=True)
class Choices:
    """A category and, by name, its children.

    *deepest* is as much of *path* as there is, and *missing* what of it is not.
    """

    path: str
    deepest: int | None
    missing: Sequence[str]
    children: Mapping[str, int]

    def made(self, names: Sequence[str]) -> list[dict[str, object]]:
        """Return the values of new categories: *names*, below what is missing of the path."""
        made: list[dict[str, object]] = [{"name": name} for name in names]
        for name in reversed(self.missing):
            made = [{"name": name, "childs": [["create", made]]}]
        return [{**one, "parent": self.deepest} for one in made]

    def held(self, categories: Collection[int]) -> str | None:
        """Return the value that a party in *categories* has: several are named side by side."""
        names = [name for name, child in self.children.items() if child in categories]
        return ", ".join(sorted(names)) or None

    def swap(self, categories: Collection[int], value: str | None) -> list[list[object]]:
        """Return the commands that leave *value* alone of these categories."""
        wanted = None if value is None else self.children[value]
        gone = [one for one in self.children.values() if one in categories and one != wanted]
        commands: list[list[object]] = [["remove", gone]] if gone else []
        if wanted is not None and wanted not in categories:
            commands.append(["add", [wanted]])
        return commands


def all_choices(tryton: Tryton, paths: Mapping[str, str]) -> dict[str, Choices]:
    """Return, for each name of a job, what the category at its path offers."""
    if not paths:
        return {}
    found = tryton.search_read(CATEGORY, [], ["name", "parent"])
    below: dict[int | None, dict[str, int]] = {}
    for one in found:
        below.setdefault(one["parent"], {})[str(one["name"])] = int(one["id"])
    return {name: _choices(path, below) for name, path in paths.items()}


def _choices(path: str, below: Mapping[int | None, Mapping[str, int]]) -> Choices:
    here: int | None = None
    parts = [part.strip() for part in path.split(BETWEEN)]
    for number, part in enumerate(parts):
        if part not in below.get(here, {}):
            return Choices(path, here, parts[number:], {})
        here = below[here][part]
    return Choices(path, here, (), below.get(here, {}))
