"""Sends the changes of a plan, batch by batch, through the ledger.

A batch stands in the ledger as `sending` before the first request leaves. A change without an
answer is never sent again before the target has been read: it may have arrived.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa

from connector.contract import (
    Applied,
    Change,
    Conflict,
    Current,
    HeldTask,
    PutTask,
    Ref,
    Rejected,
    Retry,
    SetFields,
    Unchanged,
    Unknown,
    WriteOutcome,
    Writer,
)
from connector.decide import goal_of
from connector.errors import Transient
from connector.ledger import SCHEMA, Ledger, ledger_rows, task_row
from connector.poison import apart
from connector.redaction import without_secrets
from connector.refusals import Refusals
from connector.retry import DEADLINE
from connector.store import Bulk, Store

logger = logging.getLogger(__name__)

_ATTEMPTS: Final = 5
_SETTLED: Final = (Applied, Unchanged, Rejected, Conflict)


@dataclass(slots=True)
class Delivered:
    """What became of the changes: sent = applied + unchanged + rejected + waiting."""

    sent: int = 0
    applied: int = 0
    unchanged: int = 0
    rejected: int = 0
    waiting: int = 0

    def add(self, outcomes: Iterable[WriteOutcome]) -> None:
        """Count what became of some changes."""
        kinds = Counter(map(type, outcomes))
        self.applied += kinds[Applied]
        self.unchanged += kinds[Unchanged]
        self.rejected += kinds[Rejected]
        self.waiting += kinds[Conflict] + kinds[Retry] + kinds[Unknown]

    def assert_adds_up(self) -> None:
        """Raise AssertionError if a change has no outcome."""
        if self.sent != self.applied + self.unchanged + self.rejected + self.waiting:
            raise AssertionError(f"changes do not add up: {self}")


class Delivery:
    """The sending of one run's changes to one target."""

    def __init__(
        self,
        store: Store,
        job_id: int,
        run_id: str,
        writer: Writer,
        *,
        stamps: Collection[str] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._job_id = job_id
        self._run_id = run_id
        self._writer = writer
        self._ledger = Ledger(job_id, run_id)
        self._refusals = Refusals(store, job_id, run_id, stamps)
        self._sleep = sleep
        self._waited = 0.0  # seconds, of all batches

    def send(self, changes: Sequence[Change]) -> Delivered:
        """Send a batch; return its counts when every change has an outcome in the ledger."""
        counts = Delivered(sent=len(changes))
        by_marker = _by_marker(changes)
        with self._store.bulk() as bulk:
            self._ledger.sending(bulk, by_marker)
            bulk.commit()
        outcomes = self._refusals.known(changes)
        try:
            self._settle(by_marker, outcomes)
        finally:
            # Also when the target refuses us in the middle: what has arrived is known.
            with self._store.bulk() as bulk:
                self._ledger.settle(bulk, by_marker, outcomes)
                self._remember_tasks(bulk, by_marker, outcomes)
                if outcomes.keys() == by_marker.keys():
                    # A target that takes nothing at all says nothing of a single change.
                    self._refusals.note(bulk, by_marker, outcomes)
                bulk.commit()
        counts.add(outcomes.values())
        counts.assert_adds_up()
        return counts

    def refuse(self, accounts: Iterable[str], code: str, message: str) -> None:
        """Note accounts that can't be written at all, because the target does not have them."""
        changes = [SetFields(Ref(account), {}, {}) for account in accounts]
        self._note(changes, lambda marker: Rejected(marker, code, message))

    def skip(self, changes: Sequence[Change]) -> None:
        """Note changes that are not sent because they are no longer what was approved."""
        if changes:
            self._note(changes, lambda marker: Conflict(marker, {}))

    def _note(self, changes: Sequence[Change], outcome: Callable[[str], WriteOutcome]) -> None:
        by_marker = _by_marker(changes)
        with self._store.bulk() as bulk:
            self._ledger.note(bulk, by_marker, {marker: outcome(marker) for marker in by_marker})
            bulk.commit()

    def end(self) -> None:
        """Forget earlier refusals that this run had no more to do with: all was sent."""
        self._refusals.end()

    def resume(self, planned: Callable[[], Collection[str]], held: Iterable[HeldTask]) -> None:
        """Settle what a process that died had sent; *held* are the tasks that have arrived.

        A change whose marker is no longer *planned* is in the target, or a task that nobody wants
        any more; the others are sent again.
        """
        tasks = {task.marker: task for task in held}
        self._recognise(tasks)
        sent = ledger_rows(self._store, self._run_id, ("sending",))
        if not sent:
            return
        to_send = planned()
        settled = [row for row in sent if row["marker"] not in to_send]
        for row in settled:
            task = tasks.get(row["marker"])
            if row["kind"] == "put_task" and task is None:
                row["state"], row["message"] = "unknown", "not in the target, and no longer wanted"
                continue
            row["state"], row["message"] = "applied", "found in the target after a restart"
            row["target_id"] = task.id if task else row["target_id"]
        with self._store.bulk() as bulk:
            bulk.upsert("ledger", pa.Table.from_pylist(settled, schema=SCHEMA))
            put = [row for row in settled if row["kind"] == "put_task" and row["target_id"]]
            if put:
                bulk.upsert("task", pa.Table.from_pylist([task_row(row) for row in put]))
            bulk.commit()

    def _recognise(self, held: Mapping[str, HeldTask]) -> None:
        """Remember as ours the tasks that an earlier run sent, never heard of, and that are there.

        Without that they would pass for a person's, and never be brought up to date.
        """
        with self._store.bulk() as bulk:
            rows = bulk.fetch(
                "select marker, subject, priority from task where job_id = ?", self._job_id
            ).to_pylist()
            known = {row["marker"]: (row["subject"], row["priority"]) for row in rows}
            strange = {m for m, t in held.items() if known.get(m) != (t.subject, t.priority)}
            if not strange:
                return
            sent = bulk.fetch(
                "select * from ledger where job_id = ? and kind = 'put_task'"
                " and state in ('sending', 'unknown') order by run_id",
                self._job_id,
            ).to_pylist()
            found: dict[str, dict[str, Any]] = {}
            for row in sent:
                if (marker := row["marker"]) not in strange:
                    continue
                task, ours = held[marker], task_row({**row, "target_id": held[marker].id})
                written = (ours["subject"], ours["priority"])
                if marker not in known or written == (task.subject, task.priority):
                    found[marker] = ours
            if found:
                bulk.upsert("task", pa.Table.from_pylist(list(found.values())))
                bulk.commit()

    def _settle(self, changes: Mapping[str, Change], outcomes: dict[str, WriteOutcome]) -> None:
        """Send *changes* until each has an outcome in *outcomes*, or the attempts are used up."""
        for attempt in range(_ATTEMPTS):
            pending = self._to_send(changes, outcomes, attempt)
            whole = len(pending) == len(changes)
            asked = changes.keys() if whole else {change.marker for change in pending}
            delay = self._attempt(pending, asked, outcomes)
            if not _open(changes, outcomes):
                break
            pause = delay if delay is not None else min(60.0, 2.0**attempt)
            if attempt + 1 == _ATTEMPTS or self._waited + pause > DEADLINE:
                break  # what is left waits for a later run
            self._waited += pause
            self._sleep(pause)
        for marker in changes.keys() - outcomes.keys():
            outcomes[marker] = Unknown(marker, "no answer")
        # What is new and there already is ours all the same: sent before, it arrived late.
        late = [c for c in changes.values() if _is_new(c) and _is_there(outcomes[c.marker])]
        if late:
            with suppress(Transient):
                outcomes |= self._arrived(late)

    def _to_send(
        self, changes: Mapping[str, Change], outcomes: dict[str, WriteOutcome], attempt: int
    ) -> list[Change]:
        if not attempt and not outcomes:
            return list(changes.values())
        pending = _open(changes, outcomes)
        if not attempt:
            return pending
        try:
            # An answer may have been lost: see what has arrived before anything is sent again.
            outcomes |= self._arrived(pending)
        except Transient:
            # Not to be seen: only what the target said it did not take is sent again.
            return [c for c in pending if isinstance(outcomes.get(c.marker), Retry)]
        return _open(changes, outcomes)

    def _attempt(
        self,
        pending: Sequence[Change],
        asked: Collection[str],
        outcomes: dict[str, WriteOutcome],
    ) -> float | None:
        """Send *pending* once, *asked* are their markers.

        Return how long the target asks to wait, None if it does not say.
        """
        delay: float | None = None
        if not pending:
            return delay
        try:
            for outcome in apart(self._writer.write, pending):
                marker = outcome.marker
                if marker not in asked:
                    raise AssertionError(f"outcome for {marker!r}, which was not sent")
                earlier = outcomes.get(marker)
                if earlier is None or not isinstance(earlier, _SETTLED):  # said twice: the first
                    outcomes[marker] = _discreet(outcome)
                if isinstance(outcome, Retry) and outcome.after is not None:
                    delay = max(delay or 0.0, outcome.after)
        except Transient as error:
            delay = error.retry_after if error.retry_after is not None else delay
            for marker in asked:
                if not isinstance(outcomes.get(marker), _SETTLED):
                    outcomes[marker] = _discreet(Unknown(marker, str(error)))
        return delay

    def _arrived(self, pending: Sequence[Change]) -> dict[str, WriteOutcome]:
        accounts = sorted({change.ref.id for change in pending})
        fields = sorted({n for c in pending if isinstance(c, SetFields) for n in c.values})
        found = _Found(self._writer.current(accounts, fields))
        return {
            change.marker: Applied(change.marker, target)
            for change in pending
            if (target := found.target_of(change)) is not None
        }

    def _remember_tasks(
        self, bulk: Bulk, changes: Mapping[str, Change], outcomes: Mapping[str, WriteOutcome]
    ) -> None:
        puts = [
            (change, outcome.id)
            for marker, change in changes.items()
            if isinstance(change, PutTask) and isinstance(outcome := outcomes.get(marker), Applied)
        ]
        if puts:
            bulk.upsert("task", self._tasks(puts))

    def _tasks(self, puts: Sequence[tuple[PutTask, str]]) -> pa.Table:
        count = len(puts)
        changes = [change for change, _ in puts]
        return pa.table(
            {
                "job_id": pa.array([self._job_id] * count, pa.int64()),
                "marker": pa.array([change.marker for change in changes], pa.string()),
                "account_id": pa.array([change.ref.id for change in changes], pa.string()),
                "goal": pa.array([goal_of(change.marker) for change in changes], pa.string()),
                "target_id": pa.array([target for _, target in puts], pa.string()),
                "subject": pa.array([change.subject for change in changes], pa.string()),
                "priority": pa.array([change.priority for change in changes], pa.string()),
            }
        )


def _by_marker(changes: Sequence[Change]) -> dict[str, Change]:
    found = {change.marker: change for change in changes}
    if len(found) != len(changes):
        raise AssertionError("two changes of a batch have one marker")
    return found


def _open(changes: Mapping[str, Change], outcomes: Mapping[str, WriteOutcome]) -> list[Change]:
    """Return the changes of which it is not known for good what became of them."""
    return [c for m, c in changes.items() if not isinstance(outcomes.get(m), _SETTLED)]


def _is_new(change: Change) -> bool:
    return isinstance(change, PutTask) and change.task_id is None


def _is_there(outcome: WriteOutcome) -> bool:
    return isinstance(outcome, Unchanged)


class _Found:
    """What the target holds after an answer was lost."""

    def __init__(self, current: Current) -> None:
        self._accounts = accounts_of(current)
        self._tasks = {task.marker: task for task in current.tasks}

    def target_of(self, change: Change) -> str | None:
        """Return the id of the record if the change is in the target, else None."""
        if isinstance(change, SetFields):
            held = self._accounts.get(change.ref.id)
            if held is None:
                return None
            same = all(same_text(held.get(n), value) for n, value in change.values.items())
            return change.ref.id if same else None
        task = self._tasks.get(change.marker)
        if isinstance(change, PutTask):
            same = task is not None and (
                change.task_id is None
                or (task.subject, task.priority) == (change.subject, change.priority)
            )
        else:
            same = task is not None and task.status != "open"
        return task.id if task is not None and same else None


def accounts_of(current: Current) -> dict[str, Mapping[str, object]]:
    """Return what the target holds of each account, by its id."""
    rows = current.accounts
    listed = rows.to_pylist() if isinstance(rows, pa.Table) else rows
    return {str(row["id"]): row for row in listed}


def same_text(held: object, value: object) -> bool:
    """Say whether two values read the same: None and empty text are one."""
    return ("" if held is None else str(held)) == ("" if value is None else str(value))


def _discreet(outcome: WriteOutcome) -> WriteOutcome:
    """Return *outcome* without a secret in the target's words, which are kept."""
    if type(outcome) is not Applied and isinstance(outcome, Rejected | Retry | Unknown):
        return replace(outcome, message=without_secrets(outcome.message))
    return outcome
