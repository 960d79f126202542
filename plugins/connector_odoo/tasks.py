"""Our tasks in Odoo: activities of partners, how they are found again, and their rows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

from connector import AccessError, CloseTask, ConfigError, HeldTask, PutTask
from connector_odoo import memory, notes
from connector_odoo.held import PARTNER, key_of
from connector_odoo.selection import number_of
from connector_odoo.values import moment, plain

if TYPE_CHECKING:
    from connector_odoo.connection import Odoo, Record
    from connector_odoo.writing import Writing

ACTIVITY: Final = "mail.activity"
_FIELDS: Final = (
    "id", "res_id", "user_id", "summary", "note", "date_deadline", "active", "state", "date_done",
    "feedback", "create_date", "write_date",
)  # fmt: skip
_PRIORITIES: Final = ("High", "Normal", "Low")
_MODULE: Final = "pyramid_connector"
_NUMBER: Final = re.compile(r"\d+")
_COLUMNS: Final = ("summary", "note", "date_deadline")


class Tasks:
    """The activities of an Odoo that are ours."""

    def __init__(self, odoo: Odoo, writing: Writing) -> None:
        self._odoo = odoo
        self._writing = writing

    @cached_property
    def marker_field(self) -> str | None:
        """Return the field of activities that holds our marker; None where there is none."""
        name = self._writing.marker_field
        return name if name in self._fields else None

    @cached_property
    def memory_field(self) -> str | None:
        """Return the field of partners that remembers tasks; None where there is none."""
        name = self._writing.memory_field
        return name if name in (self._odoo.fields_of(PARTNER) or {}) else None

    @cached_property
    def _fields(self) -> Mapping[str, Record]:
        return self._odoo.needed(ACTIVITY, "Discuss")

    @property
    def _ours(self) -> list[Any]:
        if self.marker_field is None:
            return [notes.SIGNED]
        return ["|", [self.marker_field, "!=", False], notes.SIGNED]

    def held(self, accounts: Mapping[str, Record]) -> list[HeldTask]:
        """Return our tasks of *accounts*, of which the memory is given; done ones too.

        One that is remembered and not there has been done or cancelled: nobody knows when, so it
        counts as done on the day it was due, if that has come.
        """
        asked = {number: one for one in accounts if (number := key_of(one)) is not None}
        names = [name for name in _FIELDS if name in self._fields]
        names += [self.marker_field] if self.marker_field else []
        where = [["res_model", "=", PARTNER], *self._ours]
        found = self._odoo.found_in(ACTIVITY, "res_id", list(asked), names, where=where)
        tasks = [task for record in found if (task := self._held(record, asked))]
        there = {task.marker for task in tasks}
        for account, record in accounts.items():
            for one in memory.read(record.get(self.memory_field or "")):
                if one.marker not in there:
                    tasks.append(self._gone(one, account))
        return tasks

    def by_marker(
        self, changes: Iterable[PutTask | CloseTask], accounts: Mapping[str, Record]
    ) -> dict[str, HeldTask]:
        """Return the task of each change that there is: of copies the one that the host knows."""
        known = {change.marker: change.task_id for change in changes}
        copies: dict[str, list[HeldTask]] = defaultdict(list)
        for task in self.held(accounts):
            if task.marker in known:
                copies[task.marker].append(task)
        return {marker: _one_of(tasks, known[marker]) for marker, tasks in copies.items()}

    def new_columns(self) -> list[str]:
        """Return the columns of rows that make tasks."""
        marked = [self.marker_field] if self.marker_field else []
        about = ["id", "res_model_id/.id", "res_id", "activity_type_id/.id", "user_id/.id"]
        return [*about, *_COLUMNS, *marked]

    def new_row(self, change: PutTask, owner: int | None, numbers: tuple[int, int]) -> list[str]:
        """Return the row that makes a task; sent again, it changes the one that it made."""
        model, kind = numbers
        about = [_external_id(change.marker), str(model), change.ref.id, str(kind)]
        return [*about, str(owner or ""), *self._content(change)]

    def changed_columns(self) -> list[str]:
        """Return the columns of rows that bring tasks up to date."""
        marked = [self.marker_field] if self.marker_field else []
        return [".id", "user_id/.id", *_COLUMNS, *marked]

    def changed_row(self, change: PutTask, held: HeldTask) -> list[str] | None:
        """Return the row that brings a task up to date; None if it is."""
        owner = change.owner or held.owner
        same = (held.subject, held.body, held.due, held.priority, held.owner) == (
            change.subject, change.body, change.due, change.priority, owner,
        )  # fmt: skip
        return None if same else [held.id, owner or "", *self._content(change)]

    def schedule(self, change: PutTask, owner: int | None) -> str:
        """Make a task where the numbers that a row needs are hidden from us; return its id.

        Its note is signed, by which it is found again.
        """
        kind = self._writing.activity_type
        said = {"act_type_xmlid": kind} if isinstance(kind, str) else {"activity_type_id": kind}
        answer = self._odoo.call(
            PARTNER,
            "activity_schedule",
            [int(change.ref.id)],
            context=self._writing.context,
            summary=change.subject,
            note=notes.as_html(change.body, _signature(change)),
            date_deadline=moment(change.due),
            **said,
            **({"user_id": owner} if owner else {}),
        )
        # 19 answers with a list, 17 with the text "mail.activity(3,)".
        number = _NUMBER.search(str(answer))
        return number[0] if number else change.marker

    @cached_property
    def _told(self) -> tuple[int | None, int | None]:
        return self._partner_model(), self._kind()

    def numbers(self) -> tuple[int, int] | None:
        """Return the numbers of the model of partners and of the type of our activities.

        Who may look up neither learns them from a task that we have made; None before the first.
        """
        model, kind = self._told
        if model is not None and kind is not None:
            return model, kind
        domain = [["res_model", "=", PARTNER], *self._ours]
        names = ["res_model_id", "activity_type_id"]
        for record in self._odoo.found(ACTIVITY, domain, names, limit=1, order="id desc"):
            found = number_of(record["res_model_id"]), number_of(record["activity_type_id"])
            return model or found[0], kind or found[1]
        return None

    def _partner_model(self) -> int | None:
        if self._writing.partner_model is not None:
            return self._writing.partner_model
        try:
            models = self._odoo.found("ir.model", [["model", "=", PARTNER]], ["id"], limit=1)
        except AccessError:
            return None
        return int(models[0]["id"]) if models else None

    def _kind(self) -> int | None:
        kind = self._writing.activity_type
        if isinstance(kind, int):
            return kind
        try:
            found = self._odoo.by_xmlid(kind)
        except AccessError:
            return None
        if found is None:
            raise ConfigError(
                f"{self._odoo.host}: settings.writing.activity_type: there is no {kind!r}; write"
                " the external id of an activity type (Settings > Technical > Activity Types), or"
                " its number"
            )
        return found

    def _content(self, change: PutTask) -> list[str]:
        signed = _signature(change)
        note = notes.as_html(change.body, "" if self.marker_field else signed)
        marked = [signed] if self.marker_field else []
        return [change.subject, note, moment(change.due), *marked]

    def _held(self, record: Record, asked: Mapping[int, str]) -> HeldTask | None:
        """Return a record as our task; None if it is nobody's of ours."""
        values = {name: plain(record.get(name), field) for name, field in self._fields.items()}
        body, signed = notes.as_text(str(values.get("note") or ""))
        marker, priority = _read_signature(str(values.get(self.marker_field or "") or signed))
        account = asked.get(number_of(record.get("res_id")))
        if not marker or account is None:
            return None
        status = self._status(values)
        closed = values.get("date_done") or values.get("write_date")
        owner = values.get("user_id")
        return HeldTask(
            marker=marker,
            account=account,
            status=status,
            id=str(record["id"]),
            subject=str(values.get("summary") or ""),
            body=body,
            owner=str(owner) if owner else None,
            due=values.get("date_deadline"),
            priority=priority,
            created_on=_day(values.get("create_date")),
            closed_on=None if status == "open" else _day(closed),
        )

    def _status(self, values: Record) -> Literal["open", "done", "rejected"]:
        is_open = values.get("active", True) and values.get("state") != "done"
        if is_open:
            return "open"
        feedback = notes.as_text(str(values.get("feedback") or ""))[0].strip().lower()
        words = tuple(word.lower() for word in self._writing.rejected_words)
        return "rejected" if words and feedback.startswith(words) else "done"

    def _gone(self, one: memory.Remembered, account: str) -> HeldTask:
        return HeldTask(
            marker=one.marker,
            account=account,
            status="done",
            id=one.id,
            due=one.due,
            created_on=one.created_on,
            closed_on=min(one.due, self._odoo.now.date()),
        )


def _external_id(marker: str) -> str:
    """Return the external id of a task: letters and digits, and yet another for each marker."""
    digest = sha256(marker.encode()).hexdigest()[:8]
    return f"{_MODULE}.{re.sub(r'[^A-Za-z0-9_]', '_', marker)}_{digest}"


def _signature(change: PutTask) -> str:
    # An activity has no priority of its own.
    return f"{change.marker} {change.priority}"


def _read_signature(text: str) -> tuple[str, str]:
    marker, _, priority = text.rpartition(" ")
    return (marker, priority) if priority in _PRIORITIES else (text, "Normal")


def _one_of(copies: Sequence[HeldTask], task_id: str | None) -> HeldTask:
    """Return the task that the host knows, else one that is open, else the oldest."""
    known = [one for one in copies if one.id == task_id]
    still_open = [one for one in copies if one.status == "open"]
    return (known or still_open or sorted(copies, key=lambda one: one.id))[0]


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


def owners_of(odoo: Odoo, users: Iterable[int]) -> Iterator[int]:
    """Yield those of *users* who are there and active."""
    for record in odoo.found_in("res.users", "id", sorted(set(users)), ["id", "active"]):
        if record.get("active"):
            yield int(record["id"])
