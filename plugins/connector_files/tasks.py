"""The tasks file: one row a task, found by its marker; people may edit it and add columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal

from connector import (
    Applied,
    CloseTask,
    HeldTask,
    PutTask,
    Rejected,
    Unchanged,
    WriteOutcome,
)
from connector_files.task_sheet import COLUMNS, open_sheet
from connector_files.values import same, text

Status = Literal["open", "done", "rejected"]

_STATUSES: Final[dict[str, Status]] = {
    **dict.fromkeys(("done", "closed", "completed"), "done"),
    **dict.fromkeys(("rejected", "cancelled", "canceled", "declined"), "rejected"),
}


class Tasks:
    """The tasks of one file; changes are kept until `save`."""

    def __init__(self, path: Path) -> None:
        self._sheet = open_sheet(path)
        self._places = {name: self._sheet.header.index(name) for name in COLUMNS}
        self._by_marker: dict[str, int] = {}
        self._by_account: dict[str, list[int]] = {}
        for row in range(len(self._sheet.rows)):
            self._index(row)

    def is_fresh(self) -> bool:
        """Say whether the file is as it was when it was read or saved."""
        return self._sheet.is_fresh()

    def held(self, accounts: Sequence[str]) -> list[HeldTask]:
        """Return the tasks of *accounts*, whether open or not."""
        if not self._by_account:
            return []
        found = (self._by_account.get(account.strip(), ()) for account in dict.fromkeys(accounts))
        return [self._task(row) for rows in found for row in rows]

    def put(self, change: PutTask) -> WriteOutcome:
        """Create the task, or bring it up to date if it is still open."""
        row = self._found(change.marker, change.task_id)
        wanted: dict[str, object] = {
            "subject": change.subject,
            "body": change.body,
            "owner": change.owner,
            "due": change.due,
            "priority": change.priority,
        }
        if refused := self._refused(change.marker, wanted):
            return refused
        if row is None:
            wanted |= {
                "marker": change.marker,
                "account": change.ref.id,
                "goal": change.goal,
                "status": "open",
                "created_on": change.created_on,
            }
            self._sheet.rows.append([None] * len(self._sheet.header))
            self._set(len(self._sheet.rows) - 1, wanted)
            self._index(len(self._sheet.rows) - 1)
            return Applied(change.marker, change.marker)
        if self._status(row) != "open":
            return Unchanged(change.marker)
        if all(_says(self._get(row, name), value) for name, value in wanted.items()):
            return Unchanged(change.marker)
        self._set(row, wanted)
        return Applied(change.marker, self._text(row, "marker"))

    def close(self, change: CloseTask) -> WriteOutcome:
        """Close the task if it is still open; the reason goes to the end of its body."""
        row = self._found(change.marker, change.task_id)
        if row is None:
            return Rejected(change.marker, "not_found", f"no task {change.marker!r}")
        if self._status(row) != "open":
            return Unchanged(change.marker)
        body = f"{self._text(row, 'body')}\n{change.reason}".strip()
        values: dict[str, object] = {
            "status": "closed",
            "closed_on": change.closed_on,
            "body": body,
        }
        if refused := self._refused(change.marker, values):
            return refused
        self._set(row, values)
        return Applied(change.marker, self._text(row, "marker"))

    def save(self) -> None:
        """Write the file anew if a task has changed."""
        self._sheet.save()

    def _index(self, row: int) -> None:
        marker = self._text(row, "marker")
        if marker and marker not in self._by_marker:
            self._by_marker[marker] = row
            self._by_account.setdefault(self._text(row, "account"), []).append(row)

    def _found(self, marker: str, task_id: str | None) -> int | None:
        row = self._by_marker.get(marker)
        return self._by_marker.get(task_id or "") if row is None else row

    def _refused(self, marker: str, values: dict[str, object]) -> Rejected | None:
        for name, value in values.items():
            if problem := self._sheet.limit(value):
                return Rejected(marker, "not_writable", f"{name} of the task: {problem}")
        return None

    def _get(self, row: int, name: str) -> object:
        return self._sheet.rows[row][self._places[name]]

    def _text(self, row: int, name: str) -> str:
        value = text(self._get(row, name))
        return value.strip() if name in ("marker", "account", "status") else value

    def _set(self, row: int, values: dict[str, object]) -> None:
        for name, value in values.items():
            self._sheet.rows[row][self._places[name]] = value
        self._sheet.changed.add(row)

    def _status(self, row: int) -> Status:
        return _STATUSES.get(self._text(row, "status").casefold(), "open")

    def _task(self, row: int) -> HeldTask:
        marker = self._text(row, "marker")
        return HeldTask(
            marker=marker,
            account=self._text(row, "account"),
            status=self._status(row),
            id=marker,
            subject=self._text(row, "subject"),
            body=self._text(row, "body"),
            owner=self._text(row, "owner") or None,
            due=_day(self._get(row, "due")),
            priority=self._text(row, "priority") or "Normal",
            created_on=_day(self._get(row, "created_on")),
            closed_on=_day(self._get(row, "closed_on")),
        )


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(text(value).strip()[:10])
    except ValueError:
        return None


def _says(held: object, value: object) -> bool:
    return _day(held) == value if isinstance(value, date) else same(held, value)
