"""Compares what shall be with what the target holds, field by field; nothing is sent here.

Both sides are tables of the engine (`wanted`, `held`), so that a million accounts are compared at
once; only what differs becomes a change.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from functools import partial
from typing import Any, Final

import duckdb
import pyarrow as pa

from connector.contract import (
    Capabilities,
    CloseTask,
    Current,
    HeldTask,
    PutTask,
    Ref,
    Scalar,
    SetFields,
)
from connector.decide import Decided, close_task, goal_of, put_task
from connector.errors import GuardError
from connector.model import LOCK_FIELD, OUTPUTS
from connector.store.tables import TaskRow
from six_goals.words import Words

logger = logging.getLogger(__name__)

_LOCKED: Final = ("tier", "tier_raw", "layer", "tier_since")
"""What stays as it is on an account whose tier a person has locked, or changed by hand."""

_TYPES: Final = {
    "text": "varchar",
    "integer": "bigint",
    "money": "decimal(20, 2)",
    "decimal": "decimal(18, 6)",
    "date": "date",
    "time": "timestamptz",
}

_SOURCES: Final = {
    "tier": "s.tier",
    "tier_raw": "s.tier_raw",
    "layer": "s.layer",
    "tier_previous": "s.previous_tier",
    "tier_since": "case when b.layer = s.layer then coalesce(b.tier_since, $as_of) else $as_of end",
    "movement": "s.movement",
    "rank": "s.rank",
    "revenue_period": "cast(s.revenue as decimal(18, 0)) * cast('0.0001' as decimal(5, 4))",
    "share": "s.share",
    "next_tier_gap": "cast(s.next_tier_gap as decimal(18, 0)) * cast('0.0001' as decimal(5, 4))",
    "overdue": "round(r.overdue, 2)",
    "p_alive": "round(a.p_alive, 4)",
    "profit": "cast(p.profit as decimal(18, 0)) * cast('0.0001' as decimal(5, 4))",
    "currency": "$currency",
    "period_start": "$period_start",
    "period_end": "$period_end",
    "computed_at": "$computed_at",
    "run_id": "$run_id",
    "config_hash": "$config_hash",
}


_JOINED: Final = {
    "overdue": ("rhythm", "r"),
    "p_alive": ("alive", "a"),
    "profit": ("profit", "p"),
}
"""Results that come from a table of the rules, which a run may have had no reason to make."""


@dataclass(frozen=True, slots=True)
class Stamps:
    """What every record that is written gets along."""

    as_of: date
    currency: str
    period_start: date
    period_end: date
    computed_at: datetime
    run_id: str
    config_hash: str

    def parameters(self) -> dict[str, object]:
        """Return the values by the names that `_SOURCES` uses."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(slots=True)
class Plan:
    """The changes a run would make. The field changes stay in the engine's table `changes`."""

    database: duckdb.DuckDBPyConnection
    fields: Mapping[str, str]
    accounts: int = 0
    """Accounts looked at."""
    unchanged: int = 0
    locked: int = 0
    missing: int = 0
    """Accounts that the target does not have."""
    changed: int = 0
    by_field: Mapping[str, int] = field(default_factory=dict)
    tasks: Sequence[PutTask | CloseTask] = ()

    @property
    def empty(self) -> bool:
        """Say whether there is nothing to write."""
        return not self.changed and not self.tasks

    @property
    def stamps(self) -> frozenset[str]:
        """Return the target's fields that go along with a change and never cause one."""
        return frozenset(theirs for ours, theirs in self.fields.items() if OUTPUTS[ours].stamp)

    def markers(self) -> set[str]:
        """Return the markers of all changes."""
        rows = self.database.cursor().execute("select account_id from changes").fetchall()
        fields = {SetFields(Ref(account), {}, {}).marker for (account,) in rows}
        return fields | {task.marker for task in self.tasks}

    def set_fields(self, batch: int) -> Iterator[Sequence[SetFields]]:
        """Yield the field changes in batches, by account; at most one batch is in memory."""
        ours = list(self.fields)
        columns = [f'"{n}", "old {n}", "differs {n}"' for n in ours]
        reader = (
            self.database.cursor()
            .execute(f"select account_id, {', '.join(columns)} from changes order by account_id")
            .to_arrow_reader(batch)
        )
        for rows in reader:
            yield list(self._changes(rows, ours))

    def missing_accounts(self) -> Iterator[str]:
        """Yield the accounts that the target does not have."""
        rows = self.database.cursor().execute("select account_id from missing order by 1")
        while found := rows.fetchmany(1000):
            yield from (row[0] for row in found)

    def _changes(self, rows: pa.RecordBatch, ours: Sequence[str]) -> Iterator[SetFields]:
        accounts = rows.column("account_id").to_pylist()
        columns = [
            (
                self.fields[name],
                rows.column(name).to_pylist(),
                rows.column(f"old {name}").to_pylist(),
                rows.column(f"differs {name}").to_pylist(),
            )
            for name in ours
        ]
        for n, account in enumerate(accounts):
            values: dict[str, Scalar] = {}
            old: dict[str, Scalar] = {}
            for theirs, new, before, differs in columns:
                if differs[n]:
                    values[theirs] = new[n]
                    old[theirs] = before[n]
            yield SetFields(Ref(account), values, old)


class Held:
    """What the target holds, gathered for the comparison."""

    def __init__(self, database: duckdb.DuckDBPyConnection, fields: Mapping[str, str]) -> None:
        self._database = database
        self._theirs = list(dict.fromkeys(fields.values()))
        self.tasks: list[HeldTask] = []
        columns = "".join(f", {quoted(theirs)} varchar" for theirs in self._theirs)
        database.execute(f"create or replace table held (account_id varchar{columns})")

    @property
    def theirs(self) -> Sequence[str]:
        """Return the target's fields to ask for."""
        return self._theirs

    def add(self, current: Current) -> None:
        """Keep what the target said of some accounts."""
        self.tasks += current.tasks
        rows = current.accounts
        if not isinstance(rows, pa.Table):
            names = ["id", *self._theirs]
            rows = pa.table(
                {n: pa.array([held_text(row.get(n)) for row in rows], pa.string()) for n in names}
            )
        if not rows.num_rows:
            return
        known = [name for name in self._theirs if name in rows.column_names]
        into = "".join(f", {quoted(theirs)}" for theirs in known)
        picked = "".join(f", cast({quoted(theirs)} as varchar)" for theirs in known)
        self._database.register("arrived", rows)
        try:
            self._database.execute(
                f"insert into held (account_id{into})"
                f" select cast(id as varchar){picked} from arrived"
            )
        finally:
            self._database.unregister("arrived")


def compare(
    database: duckdb.DuckDBPyConnection,
    fields: Mapping[str, str],
    stamps: Stamps,
    *,
    keep_by_hand: bool = False,
    empty_numbers: bool = True,
) -> Plan:
    """Return the plan of the field changes; *fields* maps our results to the target's fields.

    With *keep_by_hand*, the tiers of the accounts in the table `by_hand` stay as a person set them.
    Without *empty_numbers* the target holds 0 for a number that is empty.
    """
    written = {ours: theirs for ours, theirs in fields.items() if ours != LOCK_FIELD}
    plan = Plan(database, written)
    _want(database, written, stamps)
    _compare(database, fields, written, keep_by_hand=keep_by_hand, empty_numbers=empty_numbers)
    sums = "".join(f', count(*) filter ("differs {n}") as "{n}"' for n in written)
    found = database.execute(f"select count(*){sums} from changes").fetchone() or (0,)
    plan.changed = int(found[0])
    plan.by_field = {
        name: int(n)
        for name, n in zip(written, found[1:], strict=True)
        if n and not OUTPUTS[name].stamp
    }
    plan.accounts = _count(database, "select count(*) from wanted")
    plan.missing = _count(database, "select count(*) from missing")
    plan.locked = _count(database, "select count(*) from locked")
    plan.unchanged = plan.accounts - plan.changed - plan.missing
    for table in ("wanted", "held"):
        database.execute(f"drop table {table}")
    return plan


def plan_tasks(
    decided: Sequence[Decided],
    held: Sequence[HeldTask],
    known: Mapping[str, TaskRow],
    goals: Sequence[str],
    as_of: date,
    *,
    words: Words,
    capabilities: Capabilities,
) -> list[PutTask | CloseTask]:
    """Return the tasks to create, to bring up to date and to close.

    *known* are our tasks as we last wrote them: where a person changed one since, it stays. A task
    whose goal no longer asks for it is closed. One that this very run created before it was cut off
    is there already.
    """
    tasks: list[PutTask | CloseTask] = []
    put = partial(
        put_task,
        as_of=as_of,
        subject_limit=capabilities.subject_limit,
        body_limit=capabilities.body_limit,
    )
    by_marker = {task.marker: task for task in held}
    for one in decided:
        if one.decision.verdict == "create" and one.marker not in by_marker:
            tasks.append(put(one))
        if one.decision.verdict == "update" and one.marker in by_marker:
            task = by_marker[one.marker]
            if _has_news(one, task, known.get(one.marker)):
                tasks.append(put(one, held=task))
    wanted = {(one.action.goal, one.action.account_id) for one in decided}
    for task in by_marker.values():  # one a marker: people copy tasks, with all their fields
        goal = goal_of(task.marker)
        if task.status == "open" and goal in goals and (goal, task.account) not in wanted:
            tasks.append(close_task(task, as_of, words))
    return sorted(tasks, key=lambda task: task.marker)


def guard_changes(
    database: duckdb.DuckDBPyConnection, max_tier_changes: float, max_deleted: float, where: str
) -> None:
    """Raise GuardError if too many accounts vanished or changed tier since the last run."""
    before = _count(database, "select count(*) from before")
    if not before:
        return
    gone = _count(database, "select count(*) from before anti join standings using (account_id)")
    if gone > Fraction(str(max_deleted)) * before:
        raise GuardError(
            f"{where}: {gone} of {before} accounts are gone from the source"
            f" ({gone / before:.0%}; guard.max_deleted allows {max_deleted:.0%}); nothing was"
            " written. Check the source; if it is right, run with --override REASON"
        )
    moved, ranked = database.execute(
        "select count(*) filter (b.tier is distinct from s.tier), count(*)"
        " from before b join standings s using (account_id)"
        " where b.tier is not null or s.tier is not null"
    ).fetchone() or (0, 0)
    if moved > Fraction(str(max_tier_changes)) * ranked:
        raise GuardError(
            f"{where}: {moved} of {ranked} ranked accounts would change tier"
            f" ({moved / ranked:.0%}; guard.max_tier_changes allows {max_tier_changes:.0%});"
            " nothing was written. Look at 'connector plan'; if it is right, run with"
            " --override REASON"
        )


def _has_news(one: Decided, task: HeldTask, known: TaskRow | None) -> bool:
    if known is None or (task.subject, task.priority) != (known.subject, known.priority):
        return False  # a person has edited it: it is theirs
    return one.decision.priority != task.priority


def _want(database: duckdb.DuckDBPyConnection, written: Mapping[str, str], stamps: Stamps) -> None:
    columns, joins = [], []
    for name in written:
        source = _SOURCES[name]
        if name in _JOINED:
            table, alias = _JOINED[name]
            if _has_table(database, table):
                joins.append(f" left join {table} {alias} using (account_id)")
            else:
                source = "null"
        columns.append(f'cast({source} as {_TYPES[OUTPUTS[name].kind]}) as "{name}"')
    sql = (
        f"create or replace table wanted as select s.account_id, s.tier_locked as locked"
        f"{''.join(', ' + column for column in columns)}"
        f" from standings s left join before b using (account_id){''.join(joins)}"
    )
    used = {n: v for n, v in stamps.parameters().items() if f"${n}" in sql}
    database.execute(sql, used)


def _compare(
    database: duckdb.DuckDBPyConnection,
    fields: Mapping[str, str],
    written: Mapping[str, str],
    *,
    keep_by_hand: bool,
    empty_numbers: bool,
) -> None:
    lock = "w.locked"
    if LOCK_FIELD in fields:
        held = f"h.{quoted(fields[LOCK_FIELD])}"
        lock = f"(w.locked or lower(coalesce({held}, '')) in ('true', '1', 'yes', 't', 'y'))"
    lock = f"coalesce({lock}, false)"
    stays = f"({lock} or w.account_id in (from by_hand))" if keep_by_hand else lock
    parts, reasons = [], []
    for name, theirs in written.items():
        output = OUTPUTS[name]
        differs = means_another(
            output.kind, f'w."{name}"', f"h.{quoted(theirs)}", empty_numbers=empty_numbers
        )
        if name in _LOCKED:
            differs = f"({differs} and not {stays})"
        if not output.stamp:
            reasons.append(f'"differs {name}"')
        parts.append(
            f'w."{name}", h.{quoted(theirs)} as "old {name}", {differs} as "differs {name}"'
        )
    any_reason = " or ".join(reasons) or "false"
    join = "from wanted w join held h using (account_id)"
    database.execute(
        "create or replace table changes as select * from"
        f" (select w.account_id{''.join(', ' + part for part in parts)} {join}) where {any_reason}"
    )
    database.execute(
        "create or replace table missing as select account_id from wanted anti join held"
        " using (account_id)"
    )
    tier = (
        means_another("text", 'w."tier"', f"h.{quoted(written['tier'])}")
        if "tier" in written
        else "true"
    )
    database.execute(
        f"create or replace table locked as select account_id {join} where {lock} and {tier}"
    )


def means_another(kind: str, new: str, old: str, *, empty_numbers: bool = True) -> str:
    """Return SQL: whether the target's text *old* means another value of *kind* than *new*.

    Without *empty_numbers* an empty number means 0.
    """
    given = f"nullif(trim({old}), '')"
    if kind == "text":
        return f"coalesce({new}, '') is distinct from coalesce({old}, '')"
    if kind in ("integer", "money", "decimal"):
        read = f"try_cast({given} as decimal(28, 6))"
        value = f"cast({new} as decimal(28, 6))"
        if not empty_numbers:
            given = f"coalesce({given}, '0')"
            read, value = f"try_cast({given} as decimal(28, 6))", f"coalesce({value}, 0)"
    elif kind == "date":
        read, value = f"try_cast(left({given}, 10) as date)", new
    else:
        read, value = f"try_cast({given} as timestamptz)", new
    return f"({read} is distinct from {value} or ({read} is null and {given} is not null))"


def _has_table(database: duckdb.DuckDBPyConnection, name: str) -> bool:
    found = database.execute(
        "select count(*) from duckdb_tables() where table_name = $name", {"name": name}
    ).fetchone()
    return bool(found and found[0])


def _count(database: duckdb.DuckDBPyConnection, sql: str) -> int:
    found = database.execute(sql).fetchone()
    return int(found[0]) if found else 0


def quoted(name: str) -> str:
    """Return the name of a column as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


def held_text(value: Any) -> str | None:
    """Return *value* as the text in which what a target holds is compared."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
