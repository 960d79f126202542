"""Our tasks in the org: how they are found, what their states are called, and their rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

from connector import AccessError, CloseTask, ConfigError, HeldTask, PutTask, Refused
from connector_salesforce.held import by_id, key_of, selected, time_of
from connector_salesforce.sending import Row

if TYPE_CHECKING:
    from connector_salesforce.connection import Org
    from connector_salesforce.writing import Priority, Writing

_FIELDS: Final = (
    "Id", "WhatId", "OwnerId", "Subject", "Description", "ActivityDate", "Status", "Priority",
    "IsClosed", "CreatedDate",
)  # fmt: skip
_CLOSED_AT: Final = "CompletedDateTime"
_PRIORITIES: Final[tuple[Priority, ...]] = ("High", "Normal", "Low")
_LONGEST: Final = 32_000
"""Characters of a description."""
_SIGN: Final = "pyramid-marker: "
"""Begins the last line of a description, where the org has no field for the marker."""
_COMPLETED: Final = "Completed"
"""The closed status of an org as it is delivered, where its own can't be asked for."""


class Tasks:
    """The tasks of an org, as its describe shows them."""

    def __init__(self, org: Org, writing: Writing) -> None:
        self._org = org
        self._writing = writing

    @cached_property
    def shape(self) -> Shape:
        """Return what the org calls things; raise ConfigError where the job must say it."""
        return _shape(self._org, self._writing)

    @cached_property
    def closed_status(self) -> str:
        """Return the status that closes a task; raise ConfigError where the job must say it."""
        fields = {field["name"]: field for field in self._org.describe("Task")["fields"]}
        statuses = _values(fields, "Status")
        return self._writing.closed_status or _closed_status(self._org, statuses)

    def held(self, accounts: Iterable[str]) -> list[HeldTask]:
        """Return our tasks on *accounts*, of whatever status; copies a person made come along."""
        shape, asked = self.shape, {key_of(one): one for one in accounts}
        names = [*_FIELDS, *((_CLOSED_AT,) if shape.tells_closing else ())]
        names += [shape.marker_field] if shape.marker_field else []
        where = "IsDeleted = false"
        where += f" AND {shape.marker_field} != null" if shape.marker_field else ""
        found = by_id(
            self._org,
            f"SELECT {', '.join(names)} FROM Task",  # noqa: S608 - names of fields
            "WhatId",
            asked.values(),
            where=where,
            archived=True,
        )
        tasks = (_held(record, shape, asked) for record in found)
        return [task for task in tasks if task is not None]

    def by_marker(self, changes: Sequence[PutTask | CloseTask]) -> dict[str, HeldTask]:
        """Return the task of each change that there is: of copies the one that the host knows."""
        known = {change.marker: change.task_id for change in changes}
        copies: dict[str, list[HeldTask]] = defaultdict(list)
        for task in self.held({change.ref.id for change in changes}):
            if task.marker in known:
                copies[task.marker].append(task)
        return {marker: _ours(tasks, known[marker]) for marker, tasks in copies.items()}


@dataclass(frozen=True, slots=True)
class Shape:
    """What an org calls the parts of a task. *marker_field* is None where there is no such field;
    *open_status* is None for the org's default."""

    marker_field: str | None
    tells_closing: bool
    open_status: str | None
    rejected: frozenset[str]
    priorities: Mapping[Priority, str]

    def created(self, change: PutTask, owner: str | None) -> Row:
        """Return the row of a new task."""
        values: dict[str, object] = {"WhatId": change.ref.id, **self._content(change)}
        if owner:
            values["OwnerId"] = owner
        if self.open_status:
            values["Status"] = self.open_status
        if self.marker_field:
            values[self.marker_field] = change.marker
        return Row(change.marker, "Task", None, values)

    def updated(self, change: PutTask, held: HeldTask) -> Row | None:
        """Return the row that brings a task up to date; None if it is."""
        values = self._content(change)
        owner = change.owner if change.owner and held.owner else None
        if owner and key_of(owner) != key_of(held.owner or ""):
            values["OwnerId"] = owner
        same = (held.subject, held.body, held.due, held.priority) == (
            change.subject, change.body, change.due, change.priority,
        )  # fmt: skip
        if same and "OwnerId" not in values:
            return None
        return Row(change.marker, "Task", held.id, values)

    def closed(self, change: CloseTask, held: HeldTask, status: str) -> Row:
        """Return the row that closes a task; the reason comes after what was there."""
        values: dict[str, object] = {"Status": status}
        text = self._signed(f"{held.body}\n\n{change.reason}".strip(), change.marker)
        if len(text) <= _LONGEST:  # else what a person wrote goes before our reason
            values["Description"] = text
        return Row(change.marker, "Task", held.id, values)

    def _content(self, change: PutTask) -> dict[str, object]:
        return {
            "Subject": change.subject,
            "Description": self._signed(change.body, change.marker),
            "ActivityDate": change.due.isoformat(),
            "Priority": self.priorities[change.priority],
        }

    def _signed(self, body: str, marker: str) -> str:
        return body if self.marker_field else f"{body}\n\n{_SIGN}{marker}".lstrip()


def _held(record: Mapping[str, Any], shape: Shape, asked: Mapping[str, str]) -> HeldTask | None:
    """Return a record as our task; None if it is nobody's of ours."""
    body = str(record.get("Description") or "").replace("\r\n", "\n")
    if shape.marker_field:
        marker = str(record.get(shape.marker_field) or "")
    else:
        body, marker = _unsigned(body)
    account = asked.get(key_of(str(record.get("WhatId") or "")))
    if not marker or account is None:
        return None
    theirs = str(record.get("Priority") or "")
    ours = {their: our for our, their in shape.priorities.items()}
    status = _status(record, shape)
    closed = record.get(_CLOSED_AT) if status != "open" else None
    return HeldTask(
        marker=marker,
        account=account,
        status=status,
        id=str(record["Id"]),
        subject=str(record.get("Subject") or ""),
        body=body,
        owner=record.get("OwnerId"),
        due=_day(record.get("ActivityDate")),
        priority=ours.get(theirs, theirs),
        created_on=_day(record.get("CreatedDate")),
        closed_on=_day(closed),
    )


def _status(record: Mapping[str, Any], shape: Shape) -> Literal["open", "done", "rejected"]:
    if record.get("Status") in shape.rejected:
        return "rejected"
    return "done" if record.get("IsClosed") else "open"


def _unsigned(body: str) -> tuple[str, str]:
    """Return a description without its last line, and the marker that stands there."""
    text, _, last = body.rstrip().rpartition("\n")
    if not last.startswith(_SIGN):
        return body, ""
    return text.rstrip("\n"), last.removeprefix(_SIGN).strip()


def _day(value: object) -> date | None:
    time = time_of(value)
    return time.date() if time else None


def _ours(copies: Sequence[HeldTask], task_id: str | None) -> HeldTask:
    """Return the task that the host knows, else one that is open, else the oldest."""
    known = [one for one in copies if task_id and key_of(one.id) == key_of(task_id)]
    still_open = [one for one in copies if one.status == "open"]
    return (known or still_open or sorted(copies, key=lambda one: one.id))[0]


def _shape(org: Org, writing: Writing) -> Shape:
    fields = {field["name"]: field for field in org.describe("Task")["fields"]}
    marker = writing.marker_field if writing.marker_field in fields else None
    statuses = _values(fields, "Status")
    named = [("rejected_statuses", status) for status in writing.rejected_statuses]
    named += [("open_status", writing.open_status)] if writing.open_status else []
    named += [("closed_status", writing.closed_status)] if writing.closed_status else []
    for key, status in named:
        if status not in statuses:
            raise ConfigError(
                f"settings.writing.{key}: tasks have no status {status!r}; there are"
                f" {', '.join(statuses)}: write one of them"
            )
    return Shape(
        marker_field=marker,
        tells_closing=_CLOSED_AT in fields,
        open_status=writing.open_status,
        rejected=frozenset(writing.rejected_statuses),
        priorities=_priorities(writing, _values(fields, "Priority")),
    )


def _priorities(writing: Writing, theirs: Sequence[str]) -> dict[Priority, str]:
    named: dict[Priority, str] = {ours: writing.priorities.get(ours, ours) for ours in _PRIORITIES}
    for ours, wanted in named.items():
        if wanted not in theirs:
            raise ConfigError(
                f"settings.writing.priorities: tasks have no priority {wanted!r}; there are"
                f" {', '.join(theirs)}: say which of them {ours} is"
            )
    return named


def _closed_status(org: Org, statuses: Sequence[str]) -> str:
    """Return the status that closes a task, as the org itself tells it where it does."""
    # `TaskStatus` is not in our sheet of facts: where it can't be read, another way is found.
    soql = "SELECT ApiName FROM TaskStatus WHERE IsClosed = true ORDER BY SortOrder"
    try:
        told = [str(record["ApiName"]) for record in selected(org, soql)]
    except (AccessError, Refused):
        told = []
    closing = [status for status in told if status in statuses]
    if not closing and _COMPLETED not in statuses:
        raise ConfigError(
            "settings.writing.closed_status: the org does not tell which status closes a task;"
            f" write one of {', '.join(statuses)}"
        )
    return closing[0] if closing else _COMPLETED


def _values(fields: Mapping[str, Mapping[str, Any]], name: str) -> Sequence[str]:
    """Return what may be chosen; nothing where the user does not see the field."""
    listed = fields.get(name, {}).get("picklistValues") or ()
    return [str(one["value"]) for one in listed if one.get("active", True)]


def owners_of(org: Org, accounts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each account with who it belongs to."""
    asked = {key_of(one): one for one in accounts}
    for record in by_id(org, "SELECT Id, OwnerId FROM Account", "Id", asked.values()):
        if record.get("OwnerId"):
            yield asked[key_of(record["Id"])], str(record["OwnerId"])
