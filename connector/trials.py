"""Trials: what became of the accounts that goals once selected, with a task or held out on purpose.

A trial begins when a goal selects an account, and runs for as long as its success may take. Each
step can be done again: it then finds that there is nothing left to change.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa

from connector.contract import HeldTask
from connector.decide import Decided
from connector.ruleset import RuleSet
from connector.scratch import open_scratch
from connector.store import Store
from connector.workspace import Workspace
from six_goals.goal import Facts

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from six_goals.outcomes import Outcome

logger = logging.getLogger(__name__)

_LATE: Final = timedelta(days=90)
"""How long after its end a trial is still looked at: orders are entered late, and runs may rest."""

_SCHEMA: Final = {
    "job_id": "int64",
    "goal": "string",
    "account_id": "string",
    "item": "string",
    "started_on": "date",
    "arm": "string",
    "marker": "string",
    "ends_on": "date",
    "target": "int64",
    "task_status": "string",
    "succeeded_on": "date",
    "value": "int64",
    "run_id": "string",
}
_TYPES: Final = {
    name: {"int64": "bigint", "string": "varchar"}.get(kind, kind) for name, kind in _SCHEMA.items()
}
_BEGUN: Final = """
    select * from selected
    anti join (select goal, account_id, item, arm from trial where ends_on >= $as_of)
        using (goal, account_id, item, arm)
    anti join (select goal, account_id, item from trial where started_on = $as_of)
        using (goal, account_id, item)
"""
_NAMED: Final = """
    select t.* replace (s.marker as marker)
    from trial t join selected s using (goal, account_id, item, arm)
    where t.ends_on >= $as_of and t.task_status is null
        and s.marker is not null and t.marker is distinct from s.marker
"""
_FOLLOWED: Final = """
    select * replace (status as task_status) from (
        select t.*, coalesce(h.status, if(t.task_status = 'open', 'gone', t.task_status)) as status
        from trial t left join held h using (marker)
        where t.marker is not null
    ) where status is distinct from task_status
"""
_READ_BACK: Final = {
    "task_status": "case when t.task_status is null and exists (select 1 from task k"
    " where k.job_id = t.job_id and k.marker = t.marker) then 'open' else t.task_status end"
}
"""A task that has been written and not been read back yet is open."""


def begin(store: Store, job_id: int, run_id: str, decided: Iterable[Decided], as_of: date) -> int:
    """Begin a trial for each account that a goal has selected; return how many.

    Selected are those that get a task or wait for one, and those that only the holdout keeps from
    it. While a trial of the same goal, account and item is running there is no second one; it only
    gets to know the marker of its task, if that comes later.
    """
    selected = _selected(job_id, run_id, decided, as_of)
    with _opened(store, job_id) as database:
        database.register("selected", selected)
        begun = database.execute(_BEGUN, {"as_of": as_of}).to_arrow_table()
        named = database.execute(_NAMED, {"as_of": as_of}).to_arrow_table()
    _write(store, pa.concat_tables([begun.select(list(_SCHEMA)), named]))
    logger.info("began %d trials", begun.num_rows)
    return int(begun.num_rows)


def follow(store: Store, job_id: int, held: Iterable[HeldTask]) -> int:
    """Note what people have done with the tasks; return how many changed.

    *held* are all of ours as the target had them before this run wrote. An open task that it no
    longer has is gone.
    """
    # People copy tasks, with all their fields: one that is done counts.
    ordered = sorted(held, key=lambda task: task.status, reverse=True)
    statuses = {task.marker: task.status for task in ordered}
    table = pa.table(
        {
            "marker": pa.array(list(statuses), pa.string()),
            "status": pa.array(list(statuses.values()), pa.string()),
        }
    )
    with _opened(store, job_id) as database:
        database.register("held", table)
        changed = database.execute(_FOLLOWED).to_arrow_table().select(list(_SCHEMA))
    return _write(store, changed)


def settle(store: Store, job_id: int, facts: Facts, rules: RuleSet) -> int:
    """Ask the goals which of the accounts have succeeded, and note it; return how many changed.

    A success once seen stays, and what it brought grows until the trial ends.
    """
    with _opened(store, job_id) as database:
        asked = {goal.name: _asked(database, goal.name, facts.as_of) for goal in rules.goals}
    changed = 0
    for goal in rules.goals:
        if asked[goal.name].num_rows:
            rows = facts.bring(f"trials_of_{goal.name}", asked[goal.name])
            wanted = rows.select("account_id", "item", "started_on", "ends_on", "target")
            said = goal.succeeded(facts, wanted, rules.settings[goal.name])
            changed += _write(store, facts.arrow(_news(rows, said)))
    return changed


def outcomes(store: Store, job_id: int, as_of: date) -> dict[str, Outcome]:
    """Return what came of each goal's trials by *as_of*, by its name."""
    from six_goals import outcomes as goals

    with _opened(store, job_id, _READ_BACK) as database:
        workspace = Workspace(database)
        workspace.declare("trial", _SCHEMA)
        rows = workspace.rows(goals.tally(workspace.table("trial"), as_of))
    return goals.outcomes(rows)


def _selected(job_id: int, run_id: str, decided: Iterable[Decided], as_of: date) -> pa.Table:
    """Return a trial for each goal and account: with the item that it wants most."""
    best: dict[tuple[str, str], Decided] = {}
    for one in sorted((one for one in decided if one.decision.is_trial), key=_wish):
        best.setdefault((one.action.goal, one.action.account_id), one)
    actions = [one.action for one in best.values()]
    held_out = [one.decision.cause == "holdout" for one in best.values()]
    ends = [as_of + timedelta(days=action.window_days) for action in actions]
    count = len(actions)
    return pa.table(
        {
            "job_id": pa.array([job_id] * count, pa.int64()),
            "goal": pa.array([action.goal for action in actions], pa.string()),
            "account_id": pa.array([action.account_id for action in actions], pa.string()),
            "item": pa.array([action.item for action in actions], pa.string()),
            "started_on": pa.array([as_of] * count, pa.date32()),
            "arm": pa.array(["holdout" if out else "treated" for out in held_out], pa.string()),
            "marker": pa.array([one.marker for one in best.values()], pa.string()),
            "ends_on": pa.array(ends, pa.date32()),
            "target": pa.array([action.target for action in actions], pa.int64()),
            "task_status": pa.nulls(count, pa.string()),
            "succeeded_on": pa.nulls(count, pa.date32()),
            "value": pa.nulls(count, pa.int64()),
            "run_id": pa.array([run_id] * count, pa.string()),
        }
    )


def _wish(one: Decided) -> tuple[int, str]:
    return (-one.action.expected_value, one.action.item)


def _asked(database: duckdb.DuckDBPyConnection, goal: str, as_of: date) -> pa.Table:
    """Return the trials of *goal* that are running, or ended not long ago."""
    return database.execute(
        "from trial where goal = $goal and started_on <= $as_of and ends_on >= $since",
        {"goal": goal, "as_of": as_of, "since": as_of - _LATE},
    ).to_arrow_table()


def _news(trials: ir.Table, said: ir.Table) -> ir.Table:
    """Return the trials of which *said* tells more than was known, with all that is known."""
    key = ["account_id", "item", "started_on"]
    found = said.group_by(*key).aggregate(
        found_on=said.succeeded_on.cast("date").min(), found_value=said.value.cast("int64").max()
    )
    rows = trials.join(found, key)
    in_time = (rows.found_on >= rows.started_on) & (rows.found_on <= rows.ends_on)
    more = ~rows.found_value.fill_null(rows.value).identical_to(rows.value)
    news = rows.filter(in_time & (rows.succeeded_on.isnull() | more))
    return news.mutate(
        succeeded_on=news.succeeded_on.fill_null(news.found_on),
        value=news.found_value.fill_null(news.value),
    )[list(_SCHEMA)]


@contextmanager
def _opened(
    store: Store, job_id: int, read_as: Mapping[str, str] | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a DuckDB with the job's trials in the table `trial`."""
    read = read_as or {}
    columns = ", ".join(f"{read.get(name, f't.{name}')} as {name}" for name in _SCHEMA)
    with store.bulk() as bulk:
        rows = bulk.fetch(f"select {columns} from trial t where t.job_id = ?", job_id)
    typed = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in _TYPES.items())
    with open_scratch() as database:
        database.register("read", rows)
        database.execute(f"create temp table trial as select {typed} from read")
        database.unregister("read")
        yield database


def _write(store: Store, rows: pa.Table) -> int:
    """Insert or update whole trials; return how many."""
    if rows.num_rows:
        with store.bulk() as bulk:
            bulk.upsert("trial", rows)
            bulk.commit()
    return int(rows.num_rows)
