"""Our memory of the tasks that a partner had: a line each, in a field of the partner.

Odoo 17 deletes an activity that somebody has done, any version one that somebody has cancelled.
Without a trace of them the same task would come back the next day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

_LINES: Final = 40
"""How many tasks of a partner are remembered, the latest ones."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A task that was given to a partner, under the number *id*."""

    marker: str
    id: str
    created_on: date
    due: date

    def __str__(self) -> str:
        """Return the line."""
        return f"{self.created_on} {self.due} {self.id} {self.marker}"


def read(text: str | None) -> list[Remembered]:
    """Return the tasks that a field remembers; lines that people have changed are passed over."""
    found = []
    for line in (text or "").splitlines():
        parts = line.split(" ", 3)
        try:
            created, due = date.fromisoformat(parts[0]), date.fromisoformat(parts[1])
            found.append(Remembered(parts[3], parts[2], created, due))
        except (ValueError, IndexError):
            continue
    return found


def with_more(text: str | None, more: Iterable[Remembered]) -> str:
    """Return the text of a field that remembers *more*, too."""
    tasks: dict[str, Remembered] = {one.marker: one for one in (*read(text), *more)}
    latest: Sequence[Remembered] = sorted(tasks.values(), key=lambda one: one.created_on)
    return "\n".join(map(str, latest[-_LINES:]))
