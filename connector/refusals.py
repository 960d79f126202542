"""Refusals: what the target refused for good is not sent again before it changes.

The same change would be refused again, run after run, and each costs a call. Fields are sent again
when their values or names differ, a task when its text, owner or priority does; everything is when
somebody asks for it (`connector retry`), and what only lacked its record is in every run.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final, assert_never

import pyarrow as pa

from connector.contract import Change, CloseTask, PutTask, Rejected, SetFields, WriteOutcome
from connector.store import Bulk, Store

_COLUMNS: Final = ("subject", "digest", "account_id", "code", "message")
_PARAMETERS: Final = 500  # of one query: a batch may have more changes than a database takes
_NOT_FOUND: Final = "not_found"  # the record may be there by now: it says nothing of the change
_AGAIN: Final = " (refused before; not sent again: connector retry)"


class Refusals:
    """What the target has refused of one job, as one run goes by it.

    *stamps* are the target's fields that go along with a change and never are its reason.
    """

    def __init__(self, store: Store, job_id: int, run_id: str, stamps: Collection[str]) -> None:
        self._store = store
        self._job_id = job_id
        self._run_id = run_id
        self._stamps = frozenset(stamps)
        self._any: bool | None = None  # whether anything was refused before this run began to send

    def known(self, changes: Sequence[Change]) -> dict[str, WriteOutcome]:
        """Return the outcomes, by marker, of those *changes* that were refused just like this."""
        if self._any is None:
            self._any = bool(codes(self._store, self._job_id))
        if not self._any:
            return {}
        by_subject = {_subject(change): change for change in changes}
        found: dict[str, WriteOutcome] = {}
        for row in self._about(list(by_subject)):
            change = by_subject[row["subject"]]
            if row["code"] != _NOT_FOUND and row["digest"] == self._digest(change):
                found[change.marker] = _again(change, row["code"], row["message"])
        return found

    def note(
        self, bulk: Bulk, changes: Mapping[str, Change], outcomes: Mapping[str, WriteOutcome]
    ) -> None:
        """Keep what was refused of *changes*, or is held back once more."""
        kept = [
            {
                "job_id": self._job_id,
                "subject": _subject(changes[marker]),
                "digest": self._digest(changes[marker]),
                "account_id": changes[marker].ref.id,
                "code": outcome.code,
                "message": outcome.message.removesuffix(_AGAIN),
                "run_id": self._run_id,
            }
            for marker, outcome in outcomes.items()
            if isinstance(outcome, Rejected)
        ]
        if kept:
            bulk.upsert("refusal", pa.Table.from_pylist(kept))

    def end(self) -> None:
        """Forget what this run neither met again nor was refused: it is done, or not wanted."""
        with self._store.bulk() as bulk:
            bulk.execute(
                "delete from refusal where job_id = ? and run_id <> ?", self._job_id, self._run_id
            )
            bulk.commit()

    def _about(self, subjects: Sequence[str]) -> Iterator[Mapping[str, str]]:
        with self._store.bulk() as bulk:
            for start in range(0, len(subjects), _PARAMETERS):
                part = subjects[start : start + _PARAMETERS]
                marks = ", ".join("?" * len(part))
                yield from bulk.fetch(
                    f"select {', '.join(_COLUMNS)} from refusal where job_id = ?"
                    f" and subject in ({marks})",
                    self._job_id,
                    *part,
                ).to_pylist()

    def _digest(self, change: Change) -> str:
        asked = json.dumps(self._asked(change), sort_keys=True, ensure_ascii=False, default=str)
        return sha256(asked.encode()).hexdigest()[:16]

    def _asked(self, change: Change) -> Mapping[str, object]:
        """Return what makes two changes the same."""
        match change:
            case SetFields(values=values):
                return {name: value for name, value in values.items() if name not in self._stamps}
            case PutTask():
                names = ("subject", "body", "owner", "priority", "task_id")
                return {name: getattr(change, name) for name in names}
            case CloseTask(task_id=task):
                return {"task_id": task}
            case _:
                assert_never(change)


def forget(store: Store, job_id: int, code: str | None = None) -> int:
    """Forget what was refused, or refused with *code*; return how much that was."""
    with store.bulk() as bulk:
        only = "" if code is None else " and code = ?"
        count = bulk.execute(
            f"delete from refusal where job_id = ?{only}",
            job_id,
            *([] if code is None else [code]),
        )
        bulk.commit()
    return count


def codes(store: Store, job_id: int) -> dict[str, int]:
    """Return how many changes were refused with each code."""
    with store.bulk() as bulk:
        found = bulk.fetch(
            "select code, count(*) as n from refusal where job_id = ? group by code order by code",
            job_id,
        )
    return {row["code"]: row["n"] for row in found.to_pylist()}


def _subject(change: Change) -> str:
    """Return what the change is about, on whatever day it is made: a new task has a new marker."""
    if isinstance(change, PutTask) and change.task_id is None:
        return f"task:{change.goal}:{change.ref.id}"
    return change.marker


def _again(change: Change, code: str, message: str) -> Rejected:
    return Rejected(change.marker, code, message + _AGAIN)
