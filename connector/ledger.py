"""The ledger: every change that was ever sent, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final, assert_never

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from connector.contract import (
    Applied,
    Change,
    CloseTask,
    Conflict,
    PutTask,
    Rejected,
    Retry,
    SetFields,
    Unchanged,
    Unknown,
    WriteOutcome,
)
from connector.decide import goal_of
from connector.store import Bulk, Store

KINDS: Final = {SetFields: "fields", PutTask: "put_task", CloseTask: "close_task"}
"""What the ledger calls each kind of change."""


class Ledger:
    """The ledger of one run."""

    def __init__(self, job_id: int, run_id: str) -> None:
        self._job_id = job_id
        self._run_id = run_id

    def sending(self, bulk: Bulk, changes: Mapping[str, Change]) -> None:
        """Note that *changes*, by marker, are about to be sent."""
        bulk.upsert("ledger", self._rows(changes).append_column("state", _all("sending", changes)))

    def note(
        self, bulk: Bulk, changes: Mapping[str, Change], outcomes: Mapping[str, WriteOutcome]
    ) -> None:
        """Note what became of *changes* that may not have been noted as sent."""
        said = self._outcomes(changes, outcomes)
        table = self._rows(changes)
        for name in ("state", "code", "message", "target_id"):
            table = table.append_column(name, said.column(name))
        bulk.upsert("ledger", table)

    def settle(
        self, bulk: Bulk, changes: Mapping[str, Change], outcomes: Mapping[str, WriteOutcome]
    ) -> None:
        """Note what became of *changes* noted as sent; those without an outcome stay so."""
        if not (_all_arrived(changes, outcomes) and self._settle_at_once(bulk, changes)):
            bulk.update("ledger", self._outcomes(changes, outcomes))

    def _settle_at_once(self, bulk: Bulk, changes: Mapping[str, Change]) -> bool:
        """Note that *changes* of fields have all arrived; return False where it can't be done.

        It can where nothing else was sent between the first and the last of them, as is usual:
        changes are sent in order. One statement then costs a quarter of an update for each.
        """
        if not bulk.sorts_by_code_point:
            return False
        where = "run_id = ? and marker between ? and ? and state = 'sending'"
        ends = self._run_id, min(changes), max(changes)
        found = bulk.fetch(f"select count(*) as n from ledger where {where}", *ends)
        if found.column("n")[0].as_py() != len(changes):
            return False
        bulk.execute(
            "update ledger set state = 'applied', code = null, message = null,"
            f" target_id = account_id where {where}",
            *ends,
        )
        return True

    def _rows(self, changes: Mapping[str, Change]) -> pa.Table:
        every = changes.values()
        kinds = {type(change) for change in every}
        if len(kinds) == 1:
            kind = _all(KINDS[kinds.pop()], changes)
        else:
            kind = pa.array([KINDS[type(change)] for change in every], pa.string())
        return pa.table(
            {
                "run_id": _all(self._run_id, changes),
                "marker": pa.array(list(changes), pa.string()),
                "job_id": pa.array([self._job_id] * len(changes), pa.int64()),
                "account_id": pa.array([change.ref.id for change in every], pa.string()),
                "kind": kind,
                "content": _contents(every),
            }
        )

    def _outcomes(
        self, changes: Mapping[str, Change], outcomes: Mapping[str, WriteOutcome]
    ) -> pa.Table:
        keys = {
            "run_id": _all(self._run_id, changes),
            "marker": pa.array(list(changes), pa.string()),
        }
        told = [outcomes.get(marker) for marker in changes]
        if all(type(outcome) is Applied for outcome in told):
            # Nearly always, of nearly all: a tuple for each would cost as much as all the rest.
            states = _all("applied", told)
            codes = messages = pa.nulls(len(told), pa.string())
            targets = pa.array([o.id for o in told if isinstance(o, Applied)], pa.string())
        else:
            said = zip(*map(_said, told), strict=True)
            states, codes, messages, targets = (pa.array(part, pa.string()) for part in said)
        return pa.table(
            keys
            | {
                "state": states,
                "code": codes,
                "message": messages,
                "target_id": targets,
            }
        )


SCHEMA: Final = pa.schema(
    [("run_id", pa.string()), ("marker", pa.string()), ("job_id", pa.int64())]
    + [
        (name, pa.string())
        for name in ("account_id", "kind", "state", "code", "message", "target_id", "content")
    ]
)
"""The columns of the ledger."""


def ledger_rows(store: Store, run_id: str, states: Collection[str]) -> list[dict[str, Any]]:
    """Return the ledger rows of a run that are in one of *states*, by marker."""
    with store.bulk() as bulk:
        marks = ", ".join("?" * len(states))
        found = bulk.fetch(
            f"select * from ledger where run_id = ? and state in ({marks}) order by marker",
            run_id,
            *states,
        )
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def created_by(store: Store, run_id: str, as_of: date) -> frozenset[str]:
    """Return the markers of the tasks that the run of that day has tried to create so far.

    Those of other days it has only brought up to date: they were there before.
    """
    with store.bulk() as bulk:
        found = bulk.fetch(
            "select marker from ledger where run_id = ? and kind = 'put_task'"
            " and state in ('sending', 'applied', 'unknown') and marker like ?",
            run_id,
            f"%:{as_of.isoformat()}",
        )
    return frozenset(found.column("marker").to_pylist())


def unheard_of(store: Store, job_id: int) -> frozenset[str]:
    """Return the accounts of the tasks that some run has sent and no run has heard of since."""
    with store.bulk() as bulk:
        found = bulk.fetch(
            "select distinct l.account_id from ledger l where l.job_id = ?"
            " and l.kind = 'put_task' and l.state in ('sending', 'unknown') and not exists"
            " (select 1 from task t where t.job_id = l.job_id and t.marker = l.marker)",
            job_id,
        )
    return frozenset(found.column("account_id").to_pylist())


def task_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of the table `task` that a ledger row of a task stands for."""
    said = orjson.loads(row["content"])
    return {
        "job_id": row["job_id"],
        "marker": row["marker"],
        "account_id": row["account_id"],
        "goal": goal_of(row["marker"]),
        "target_id": row["target_id"],
        "subject": said["subject"],
        "priority": said["priority"],
    }


def _all(text: str, changes: Collection[object]) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), len(changes))


def _said(outcome: WriteOutcome | None) -> tuple[str, str | None, str | None, str | None]:
    """Return state, code, message and target id as the ledger keeps them."""
    match outcome:
        case Applied(id=target):
            return "applied", None, None, target
        case None:
            return "sending", None, None, None
        case Unchanged():
            return "unchanged", None, None, None
        case Rejected(code=code, message=message):
            return "rejected", code, message, None
        case Retry(message=message):
            return "retry", None, message, None
        case Conflict():
            return "conflict", None, "the record has changed since the plan", None
        case Unknown(message=message):
            return "unknown", None, message, None
        case _:
            assert_never(outcome)


def _all_arrived(changes: Mapping[str, Change], outcomes: Mapping[str, WriteOutcome]) -> bool:
    """Say whether all are changes of fields, and in the records that they were for."""
    return bool(changes) and all(
        type(change) is SetFields
        and type(outcome := outcomes.get(marker)) is Applied
        and outcome.id == change.ref.id
        for marker, change in changes.items()
    )


_BREAK: Final = orjson.Fragment(b"\n")
"""Stands in no JSON but where it is put: within texts it is escaped."""


def _contents(changes: Collection[Change]) -> pa.Array:
    """Return what the ledger keeps of each change, as JSON."""
    first = next(iter(changes), None)
    fields = [*first.values] if isinstance(first, SetFields) else []
    alike = [c for c in changes if isinstance(c, SetFields) and [*c.values] == fields]
    if not fields or len(alike) < len(changes):
        return _as_json([_content(change) for change in changes])
    # Nearly always. Column by column, no objects are made for each change but its values'.
    parts: list[Any] = []
    for name in fields:
        before = "," if parts else "{"
        parts += (
            f"{before}{orjson.dumps(name).decode()}:[",
            _as_json([change.old.get(name) for change in alike]),
            ",",
            _as_json([change.values[name] for change in alike]),
            "]",
        )
    return pc.binary_join_element_wise(*parts, "}", "")


def _as_json(values: Sequence[object]) -> pa.Array:
    """Return each of *values* as JSON: written at once, since a call costs more than a value."""
    if not values:
        return pa.array([], pa.string())
    said: list[object] = [_BREAK] * (2 * len(values) - 1)
    said[::2] = values
    # Times as Python writes them, as ever in this ledger.
    text = orjson.dumps(said, default=str, option=orjson.OPT_PASSTHROUGH_DATETIME)
    return pc.split_pattern(pa.scalar(text[1:-1], pa.string()), ",\n,").values


def _content(change: Change) -> object:
    match change:
        case SetFields(values=values, old=old):
            return {name: (old.get(name), value) for name, value in values.items()}
        case PutTask():
            return {
                "subject": change.subject,
                "owner": change.owner,
                "due": change.due,
                "priority": change.priority,
            }
        case CloseTask():
            return {"reason": change.reason}
        case _:
            assert_never(change)
