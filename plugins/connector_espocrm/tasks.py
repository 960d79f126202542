"""Our tasks in EspoCRM: how they are found, what their states are called, what they consist of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from connector import CloseTask, ConfigError, HeldTask, PutTask
from connector_espocrm.moments import day_of
from connector_espocrm.search import among, either, equals, portions
from connector_espocrm.values import equal

if TYPE_CHECKING:
    from connector_espocrm.connection import Espo
    from connector_espocrm.search import Condition, Record
    from connector_espocrm.writing import Priority, Writing

_FIELDS: Final = (
    "name", "description", "status", "priority", "dateEnd", "dateEndDate", "parentId",
    "assignedUserId", "createdAt", "modifiedAt",
)  # fmt: skip
_DONE_AT: Final = "dateCompleted"
"""Not in our sheet of facts: it is asked for where the definitions have it."""
_PRIORITIES: Final[tuple[Priority, ...]] = ("High", "Normal", "Low")
_SHOWN: Final = 9_900
"""Characters of a description that lists surely show: of a longer one we may not see the end."""
SIGN: Final = "pyramid-marker: "
"""Begins the line of a description that holds the marker, where there is no field for it."""
_PARENTS: Final = 200
"""Accounts whose tasks are asked for at once."""


class Tasks:
    """The tasks of an EspoCRM."""

    def __init__(self, espo: Espo, writing: Writing) -> None:
        self._espo = espo
        self._writing = writing
        self.by_field = True

    @cached_property
    def marker_field(self) -> str | None:
        """Return the field that holds markers; None where tasks have none."""
        name = self._writing.marker_field
        return name if name in self._defined else None

    @cached_property
    def _defined(self) -> Mapping[str, Mapping[str, Any]]:
        return self._espo.fields("Task") or {}

    @cached_property
    def priorities(self) -> Mapping[Priority, str]:
        """Return their priority for each of ours."""
        return {ours: self._writing.priorities.get(ours, ours) for ours in _PRIORITIES}

    def check(self) -> str:
        """Return how our tasks are known and closed; raise ConfigError for what is not offered."""
        writing = self._writing
        named = [("open_status", writing.open_status), ("closed_status", writing.closed_status)]
        named += [("done_statuses", one) for one in writing.done_statuses]
        named += [("rejected_statuses", one) for one in writing.rejected_statuses]
        self._expect("status", named)
        self._expect("priority", [(f"priorities.{o}", t) for o, t in self.priorities.items()])
        if writing.closed_status not in {*writing.done_statuses, *writing.rejected_statuses}:
            raise ConfigError(
                f"espocrm: writing.closed_status: {writing.closed_status!r} is none of"
                " done_statuses, so what we close would still be open; add it there"
            )
        known = self.marker_field or "the last line of their description"
        return f"tasks known by {known} and closed as {writing.closed_status!r}"

    def _expect(self, field: str, named: Sequence[tuple[str, str]]) -> None:
        options = self._defined.get(field, {}).get("options")
        if not isinstance(options, list):
            return
        for key, value in named:
            if value not in options:
                raise ConfigError(
                    f"espocrm: writing.{key}: tasks have no {field} {value!r}; there are"
                    f" {', '.join(map(str, options))}: write one of them"
                )

    def held(self, accounts: Iterable[str]) -> list[HeldTask]:
        """Return our tasks on *accounts*, of whatever status; copies a person made come along."""
        names = [*_FIELDS]
        # Tasks that were made before there was a field have their marker in the description.
        marked: list[Condition] = [
            {"type": "like", "attribute": "description", "value": f"%{SIGN}%"}
        ]
        if self.marker_field:
            names.append(self.marker_field)
            marked.append({"type": "isNotNull", "attribute": self.marker_field})
        if _DONE_AT in self._defined:
            names.append(_DONE_AT)
        found = []
        for portion in portions(accounts, _PARENTS):
            asked = frozenset(portion)
            where = [equals("parentType", "Account"), among("parentId", portion), either(*marked)]
            for record in self._espo.all("Task", names, where):
                task = self.task_of(record)
                # What does not belong to it came because a condition was not applied.
                if task is not None and task.account in asked:
                    found.append(task)
        return found

    def by_marker(self, changes: Sequence[PutTask | CloseTask]) -> dict[str, HeldTask]:
        """Return the task of each change that there is: of copies the one that the host knows."""
        known = {change.marker: change.task_id for change in changes}
        copies: dict[str, list[HeldTask]] = defaultdict(list)
        for task in self.held({change.ref.id for change in changes}):
            if task.marker in known:
                copies[task.marker].append(task)
        return {marker: _ours(tasks, known[marker]) for marker, tasks in copies.items()}

    def task_of(self, record: Record) -> HeldTask | None:
        """Return a record as our task; None if it is nobody's of ours."""
        body, marker = unsigned(str(record.get("description") or "").replace("\r\n", "\n"))
        marker = str(record.get(self.marker_field or "") or "") or marker
        if not marker:
            return None
        theirs = str(record.get("priority") or "")
        ours = {their: our for our, their in self.priorities.items()}
        status = self._status(record)
        closed = record.get(_DONE_AT) or record.get("modifiedAt")
        return HeldTask(
            marker=marker,
            account=str(record.get("parentId") or ""),
            status=status,
            id=str(record["id"]),
            subject=str(record.get("name") or ""),
            body=body,
            owner=record.get("assignedUserId"),
            due=day_of(record.get("dateEndDate")) or day_of(record.get("dateEnd")),
            priority=ours.get(theirs, theirs),
            created_on=day_of(record.get("createdAt")),
            closed_on=day_of(closed) if status != "open" else None,
        )

    def created(self, change: PutTask, owner: str | None) -> dict[str, object]:
        """Return the values of a new task."""
        values = self._content(change) | {
            "status": self._writing.open_status,
            "parentType": "Account",
            "parentId": change.ref.id,
        }
        if owner:
            values["assignedUserId"] = owner
        return values | self._mark(change.marker)

    def updated(self, change: PutTask, held: HeldTask) -> dict[str, object]:
        """Return the values that bring a task up to date; none if it is."""
        wanted = self._content(change)
        same = {
            "name": held.subject == change.subject,
            "description": held.body == change.body,
            "priority": held.priority == change.priority,
        }
        values = {name: value for name, value in wanted.items() if not same.get(name)}
        if held.due == change.due:
            values = {n: v for n, v in values.items() if n not in ("dateEnd", "dateEndDate")}
        if change.owner and held.owner and change.owner != held.owner:
            values["assignedUserId"] = change.owner
        return values | self._mark(change.marker) if values else {}

    def closed(self, change: CloseTask, held: HeldTask) -> dict[str, object]:
        """Return the values that close a task; the reason comes after what was there."""
        values: dict[str, object] = {"status": self._writing.closed_status}
        text = self.signed(f"{held.body}\n\n{change.reason}".strip(), change.marker)
        if len(text) <= _SHOWN:  # of a longer one we may not have seen all that a person wrote
            values |= {"description": text, **self._mark(change.marker)}
        return values

    def signed(self, body: str, marker: str) -> str:
        """Return a description, with the marker where there is no field for it."""
        if self.marker_field and self.by_field:
            return body
        return f"{body}\n\n{SIGN}{marker}".lstrip()

    def _mark(self, marker: str) -> dict[str, object]:
        """Return the marker in its field: one that was made before the field has it not yet."""
        return {self.marker_field: marker} if self.marker_field and self.by_field else {}

    def _content(self, change: PutTask) -> dict[str, object]:
        values: dict[str, object] = {
            "name": change.subject,
            "description": self.signed(change.body, change.marker),
            "priority": self.priorities[change.priority],
        }
        day = change.due.isoformat()
        if self._writing.due_time:
            return values | {"dateEnd": f"{day} {self._writing.due_time}:00"}
        return values | {"dateEndDate": day}

    def _status(self, record: Record) -> Literal["open", "done", "rejected"]:
        if record.get("status") in self._writing.rejected_statuses:
            return "rejected"
        return "done" if record.get("status") in self._writing.done_statuses else "open"


def unsigned(body: str) -> tuple[str, str]:
    """Return a description without the line of the marker, and the marker.

    People write above it and below it.
    """
    before, sign, after = body.partition(SIGN)
    if not sign:
        return body, ""
    marker, _, below = after.partition("\n")
    text = "\n".join(part.strip("\n") for part in (before, below) if part.strip("\n"))
    return text, marker.strip()


def lost(record: Record, values: Mapping[str, object]) -> list[str]:
    """Return which of *values* the *record* does not hold, though EspoCRM took them."""
    return [name for name, value in values.items() if not equal(record.get(name), value)]


def _ours(copies: Sequence[HeldTask], task_id: str | None) -> HeldTask:
    """Return the task that the host knows, else one that is open, else the oldest."""
    known = [one for one in copies if task_id and one.id == task_id]
    still_open = [one for one in copies if one.status == "open"]
    return (known or still_open or sorted(copies, key=lambda one: one.id))[0]
