"""Undoing a run: what it wrote is put back, wherever it still stands as it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final, Literal, TypeVar

from connector.contract import CloseTask, Current, HeldTask, Ref, Scalar, SetFields, Writer
from connector.deliver import Delivery, accounts_of
from connector.errors import ConfigError
from connector.ledger import ledger_rows
from connector.model import OUTPUTS
from connector.plan import held_text
from connector.retry import retrying_call
from connector.runs import Report, add_counts
from connector.store.tables import RunRow
from connector.sync import Sync

Why = Literal["changed since", "gone", "closed since", "closed by the run", "brought up to date"]
"""Why something stays: what the run only closed or changed in a task is a person's by now."""

T = TypeVar("T")

_WRITTEN: Final = ("done", "partial", "stopped", "failed")


@dataclass(frozen=True, slots=True)
class Left:
    """Something that stays as it is, and why: a field, or a task by its marker."""

    account: str
    what: str
    why: Why


@dataclass(slots=True)
class Undoing:
    """What undoing a run changes, and what it leaves."""

    fields: list[SetFields] = field(default_factory=list)
    tasks: list[CloseTask] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    untouched: int = 0
    """Accounts whose fields the run had written, and of which none is put back."""


def plan_undo(sync: Sync, run_id: str) -> Undoing:
    """Return what undoing the run would change; nothing is written.

    Raise ConfigError if the job has no such run, or it has not ended.
    """
    run = _run(sync, run_id)
    with sync.sides.writer() as writer:
        return _Undoing(sync, run, writer).planned()


def undo(sync: Sync, run_id: str) -> tuple[Undoing, Report]:
    """Put back what the run has written, as a run of its own; return what was changed and left."""
    run = _run(sync, run_id)
    with (
        sync.runs.begun("undoing", f"undo of run {run_id}") as (own, report),
        sync.sides.writer() as writer,
    ):
        undoing = _Undoing(sync, run, writer).planned()
        report.accounts = _counts("read", len(undoing.fields), undoing.untouched)
        report.accounts["quarantined"] = 0
        report.tasks = _counts("planned", len(undoing.tasks), 0)
        delivery = Delivery(sync.store, sync.job_id, own.id, writer)
        markers = {change.marker for change in undoing.fields}
        markers |= {task.marker for task in undoing.tasks}
        delivery.resume(lambda: markers, ())
        size = sync.capabilities.write_batch
        for fields in _batches(undoing.fields, size):
            add_counts(report.accounts, delivery.send(fields))
        for tasks in _batches(undoing.tasks, size):
            add_counts(report.tasks, delivery.send(tasks))
        _forget_trials(sync, run_id)
        report.assert_adds_up()
        open_ends = (report.accounts, report.tasks)
        partly = any(counts["rejected"] or counts["waiting"] for counts in open_ends)
        report.state = "partial" if partly else "done"
    return undoing, report


class _Undoing:
    """Compares what a run wrote with what the target holds now."""

    def __init__(self, sync: Sync, run: RunRow, writer: Writer) -> None:
        self._sync = sync
        self._run = run
        self._writer = writer
        fields = sync.job.model.target.fields
        self._kinds = {
            theirs: OUTPUTS[ours].kind for ours, theirs in fields.items() if ours in OUTPUTS
        }
        self._found = Undoing()

    def planned(self) -> Undoing:
        rows = ledger_rows(self._sync.store, self._run.id, ("applied",))
        by_kind: dict[str, list[dict[str, Any]]] = {"fields": [], "put_task": [], "close_task": []}
        for row in rows:
            by_kind[row["kind"]].append(row)
        size = self._sync.capabilities.read_batch
        for batch in _batches(by_kind["fields"], size):
            self._put_back(batch)
        for batch in _batches(by_kind["put_task"], size):
            self._close(batch)
        for row in by_kind["close_task"]:
            self._leave(row, row["marker"], "closed by the run")
        return self._found

    def _put_back(self, rows: Sequence[Mapping[str, Any]]) -> None:
        said = {row["account_id"]: json.loads(row["content"]) for row in rows}
        names = sorted({name for fields in said.values() for name in fields} & self._kinds.keys())
        held = accounts_of(self._current(list(said), names))
        for row in rows:
            account = row["account_id"]
            values: dict[str, Scalar] = {}
            old: dict[str, Scalar] = {}
            for name, (before, written) in said[account].items():
                now = held.get(account)
                if now is None or name not in self._kinds:
                    self._leave(row, name, "gone")
                elif self._value(name, now.get(name)) == self._value(name, before):
                    continue  # back already: an undoing was cut off, or a person did it
                elif self._value(name, now.get(name)) != self._value(name, written):
                    self._leave(row, name, "changed since")
                else:
                    values[name] = self._value(name, before)
                    old[name] = held_text(now.get(name))
            if values:
                self._found.fields.append(SetFields(Ref(account), values, old))
            else:
                self._found.untouched += 1

    def _close(self, rows: Sequence[Mapping[str, Any]]) -> None:
        earlier = self._made_earlier()
        held = {task.marker: task for task in self._tasks_of(rows)}
        for row in rows:
            task = held.get(row["marker"])
            if task is None:
                self._leave(row, row["marker"], "gone")
            elif task.status != "open":
                self._leave(row, row["marker"], "closed since")
            elif row["marker"] in earlier:
                self._leave(row, row["marker"], "brought up to date")
            else:
                self._found.tasks.append(self._closing(task))

    def _closing(self, task: HeldTask) -> CloseTask:
        words = self._sync.words
        reason = words.say("The run that made this task has been undone.")
        day = datetime.now(self._sync.job.zone).date()
        return CloseTask(Ref(task.account), task.marker, task.id, reason, day)

    def _tasks_of(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[HeldTask]:
        return self._current(sorted({row["account_id"] for row in rows}), []).tasks

    def _current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        return retrying_call(partial(self._writer.current, accounts, fields))

    def _made_earlier(self) -> frozenset[str]:
        """Return the markers of the tasks that runs before this one have made."""
        with self._sync.store.bulk() as bulk:
            found = bulk.fetch(
                "select distinct l.marker from ledger l join run r on r.id = l.run_id"
                " where l.job_id = ? and l.kind = 'put_task' and l.state = 'applied'"
                " and r.started_at < (select started_at from run where id = ?)",
                self._sync.job_id,
                self._run.id,
            )
        return frozenset(found.column("marker").to_pylist())

    def _leave(self, row: Mapping[str, Any], what: str, why: Why) -> None:
        self._found.left.append(Left(row["account_id"], what, why))

    def _value(self, name: str, said: object) -> Scalar:
        return _value(self._kinds[name], held_text(said))


def _run(sync: Sync, run_id: str) -> RunRow:
    with sync.store.session() as session:
        row = session.get(RunRow, run_id)
    where = sync.job.path
    if row is None or row.job_id != sync.job_id:
        raise ConfigError(f"{where}: no run {run_id!r}; 'connector runs {where}' lists them")
    if row.state not in _WRITTEN:
        raise ConfigError(f"{where}: run {run_id} is {row.state}; there is nothing to undo")
    return row


def _forget_trials(sync: Sync, run_id: str) -> None:
    """Forget the trials that the run began: nobody has been treated after all."""
    with sync.store.bulk() as bulk:
        bulk.execute("delete from trial where job_id = ? and run_id = ?", sync.job_id, run_id)
        bulk.commit()


def _counts(whole: str, waiting: int, unchanged: int) -> dict[str, int]:
    parts = {"unchanged": unchanged, "applied": 0, "rejected": 0, "waiting": waiting}
    return {whole: waiting + unchanged, **parts}


def _batches(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _value(kind: str, text: str | None) -> Scalar:
    """Return what *text* means in a field of that *kind*; empty is None, and so is no value.

    What can't be read so is a person's text, and stays one.
    """
    given = (text or "").strip()
    if not given:
        return None
    try:
        match kind:
            case "integer" | "money" | "decimal":
                number = Decimal(given)
                return int(number) if kind == "integer" and number == int(number) else number
            case "date":
                return date.fromisoformat(given[:10])
            case "time":
                moment = datetime.fromisoformat(given)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, InvalidOperation):
        pass
    return text
