"""Tasks: those of the module project, found again by the key in their comment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from connector import CloseTask, ConfigError, HeldTask, PutTask
from connector_tryton.accounts import key_of
from connector_tryton.models import STAMP, WORK
from connector_tryton.task_text import KEY, TaskText, compose, parse

if TYPE_CHECKING:
    from connector_tryton.server import Tryton
    from connector_tryton.settings import TrytonSettings

_STATUSES: Final = "project.work.status"
_FIELDS: Final = ("name", "comment", "party", "status", "create_date", STAMP)


@dataclass(frozen=True, slots=True)
class Statuses:
    """The work statuses: which of them *closes* a task, and which say that it is no longer open."""

    closes: int
    done: frozenset[int]
    rejected: frozenset[int]

    def of(self, status: int) -> Literal["open", "done", "rejected"]:
        """Return what a task of this *status* is."""
        if status in self.rejected:
            return "rejected"
        return "done" if status in self.done else "open"


class Tasks:
    """The tasks of a company."""

    def __init__(self, tryton: Tryton, settings: TrytonSettings) -> None:
        self._tryton = tryton
        self._settings = settings
        self._names: dict[str, str] = {}

    @cached_property
    def statuses(self) -> Statuses:
        """Return what the statuses mean; raise ConfigError where the job must say it."""
        fields = ["name", "progress", "types"]
        found = self._tryton.search_read(_STATUSES, [], fields)
        named = {str(one["name"]): int(one["id"]) for one in found if "task" in one["types"]}
        full = [int(one["id"]) for one in found if (one["progress"] or 0) >= 1]
        closing = [one for one in named.values() if one in full]
        closing = [self._named("done_status", given, named) for given in self._given()] or closing
        if not closing:
            raise ConfigError(
                "tryton: done_status: no work status wants all of the progress; write one of"
                f" {', '.join(named)}"
            )
        rejected = self._settings.rejected_statuses
        return Statuses(
            closing[0],
            frozenset([*full, closing[0]]),
            frozenset(self._named("rejected_statuses", name, named) for name in rejected),
        )

    def held(self, accounts: Iterable[str]) -> list[HeldTask]:
        """Return our tasks of *accounts*, of whatever status; copies come along."""
        parties = sorted(key for one in accounts if (key := key_of(one)) is not None)
        if not parties:
            return []
        domain = [
            ("company", "=", self._tryton.company[0]),
            ("party", "in", parties),
            ("comment", "ilike", f"%{KEY}%"),
        ]
        found = self._tryton.search_read(WORK, domain, _FIELDS)
        return [task for record in found if (task := self._held(record)) is not None]

    def by_marker(self, changes: Sequence[PutTask | CloseTask]) -> dict[str, HeldTask]:
        """Return the task of each change that there is: of copies the one that the host knows."""
        known = {change.marker: change.task_id for change in changes}
        found: dict[str, HeldTask] = {}
        for task in self.held({change.ref.id for change in changes}):
            if task.marker in known and (task.marker not in found or task.id == known[task.marker]):
                found[task.marker] = task
        return found

    def learn_names(self, owners: Iterable[str | None]) -> None:
        """Ask what those are called who shall do the tasks, once each."""
        new = {owner for owner in owners if owner is not None} - self._names.keys()
        if keys := {key for owner in new if (key := key_of(owner)) is not None}:
            domain = [("id", "in", sorted(keys))]
            for one in self._tryton.search_read("company.employee", domain, ["rec_name"]):
                self._names[str(one["id"])] = str(one["rec_name"])

    def created(self, change: PutTask) -> dict[str, object]:
        """Return the values of a new task; its status is the server's default."""
        return {
            "type": "task",
            "company": self._tryton.company[0],
            "party": key_of(change.ref.id),
            **self._content(change),
        }

    def edit(self, change: PutTask | CloseTask, held: HeldTask) -> dict[str, object] | None:
        """Return the values that do to a task what *change* asks; None if nothing is left to do.

        A task that is done or rejected stays so.
        """
        if held.status != "open":
            return None
        if isinstance(change, CloseTask):
            return self._closed(change, held)
        same = (held.subject, held.body, held.due, held.priority, held.owner) == (
            change.subject, change.body, change.due, change.priority, change.owner,
        )  # fmt: skip
        return None if same else self._content(change)

    def _closed(self, change: CloseTask, held: HeldTask) -> dict[str, object]:
        # The reason comes after what was there.
        body = f"{held.body}\n\n{change.reason}".strip()
        text = TaskText(held.marker, body, held.due, held.priority, held.owner)
        return {
            "comment": compose(text, owner_name=self._names.get(held.owner or "")),
            "status": self.statuses.closes,
            "progress": 1.0,  # a status may want it
        }

    def _content(self, change: PutTask) -> dict[str, object]:
        text = TaskText(change.marker, change.body, change.due, change.priority, change.owner)
        name = self._names.get(change.owner or "")
        return {"name": change.subject, "comment": compose(text, owner_name=name)}

    def _held(self, record: Mapping[str, Any]) -> HeldTask | None:
        text = parse(record["comment"] or "")
        if text is None:
            return None
        status = self.statuses.of(int(record["status"]))
        return HeldTask(
            marker=text.marker,
            account=str(record["party"]),
            status=status,
            id=str(record["id"]),
            subject=str(record["name"]),
            body=text.body,
            owner=text.owner,
            due=text.due,
            priority=text.priority,
            created_on=_day(record["create_date"]),
            # It keeps no day of its own for it; what came later would be an edit of a closed task.
            closed_on=None if status == "open" else _day(record[STAMP]),
        )

    def _given(self) -> list[str]:
        return [self._settings.done_status] if self._settings.done_status else []

    def _named(self, key: str, name: str, named: Mapping[str, int]) -> int:
        if name not in named:
            raise ConfigError(
                f"tryton: {key}: tasks have no status {name!r}; write one of {', '.join(named)}"
            )
        return named[name]


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
