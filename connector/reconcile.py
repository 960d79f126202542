"""Reconciling: what the target holds now, beside what the ledger says that we have written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import duckdb

from connector.contract import HeldTask
from connector.lease import lease
from connector.model import OUTPUTS
from connector.plan import Held, means_another, quoted
from connector.retry import retrying_call
from connector.store import open_engine
from connector.sync import Sync

_LEDGER: Final = (
    "select account_id, run_id, content from ledger"
    " where job_id = {job} and kind = 'fields' and state = 'applied'"
)
# Of each field what was written last: the ids of runs begin with their time.
_WRITTEN: Final = """
    create table written as
    select account_id, entry.key as field, arg_max_null(entry.value[2], run_id) as value
    from (
        select account_id, run_id, unnest(map_entries(
            cast(cast(content as json) as map(varchar, varchar[])))) as entry
        from sent
    )
    where entry.key in (select unnest($fields::varchar[]))
    group by all
"""
_CHOSEN: Final = """
    create table chosen as select account_id from written group by account_id
    order by hash(account_id || $seed), account_id limit $sample
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field or a task that is not in the target as we last wrote it.

    *what* is the target's field, or the marker of a task. Where the account itself is gone, no
    field of it is listed.
    """

    account: str
    kind: Literal["changed", "no account", "no task"]
    what: str = ""
    written: str | None = None
    held: str | None = None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How target and ledger compare: of all accounts *known* to the ledger, those looked at."""

    known: int
    accounts: int
    fields: int
    tasks: int
    differences: Sequence[Difference]


def reconcile(sync: Sync, sample: int | None = None, seed: str = "") -> Reconciled:
    """Compare the fields and tasks that were written last with what the target holds now.

    Nothing is written. *sample* accounts are looked at, the same ones for the same *seed*; None is
    all. Fields that the job no longer names, and stamps, are left out.
    """
    fields = {
        ours: theirs
        for ours, theirs in sync.job.model.target.fields.items()
        if ours in OUTPUTS and not OUTPUTS[ours].stamp
    }
    with lease(sync.store, sync.job.name, sync.job_id), open_engine() as database:
        with sync.store.reader(database) as reader:
            names = ("account_id", "run_id", "content")
            reader.load("sent", _LEDGER.format(job=sync.job_id), dict.fromkeys(names, "varchar"))
        database.execute(_WRITTEN, {"fields": list(fields.values())})
        database.execute("drop table sent")
        database.execute(_CHOSEN, {"seed": seed, "sample": sample})
        held = _held(sync, database, fields)
        accounts = [account for (account,) in database.execute("from chosen").fetchall()]
        tasks, gone = _tasks(sync, frozenset(accounts), held)
        compared = database.execute(
            "select count(*) from written join chosen using (account_id)"
        ).fetchone()
        known = database.execute("select count(distinct account_id) from written").fetchone()
        return Reconciled(
            known=known[0] if known else 0,
            accounts=len(accounts),
            fields=compared[0] if compared else 0,
            tasks=tasks,
            differences=[*_missing(database), *_changed(sync, database, fields), *gone],
        )


def _held(
    sync: Sync, database: duckdb.DuckDBPyConnection, fields: dict[str, str]
) -> Sequence[HeldTask]:
    """Read what the target holds of the chosen accounts into the table `held`."""
    held = Held(database, fields)
    rows = database.cursor().execute("select account_id from chosen order by 1")
    with sync.sides.writer() as writer:
        while found := rows.fetchmany(sync.capabilities.read_batch):
            accounts = [account for (account,) in found]
            held.add(retrying_call(partial(writer.current, accounts, held.theirs)))
    return held.tasks


def _missing(database: duckdb.DuckDBPyConnection) -> Iterable[Difference]:
    rows = database.execute(
        "select account_id from chosen anti join held using (account_id) order by 1"
    ).fetchall()
    return [Difference(account, "no account") for (account,) in rows]


def _changed(
    sync: Sync, database: duckdb.DuckDBPyConnection, fields: dict[str, str]
) -> Iterable[Difference]:
    empty_numbers = sync.capabilities.empty_numbers
    found: list[tuple[str, str, str | None, str | None]] = []
    for ours, theirs in fields.items():
        now = f"h.{quoted(theirs)}"
        kind = OUTPUTS[ours].kind
        differs = means_another(kind, "w.value", now, empty_numbers=empty_numbers)
        found += database.execute(
            f"select w.account_id, w.field, w.value, {now} from written w"
            " join chosen using (account_id) join held h using (account_id)"
            f" where w.field = $field and {differs}",
            {"field": theirs},
        ).fetchall()
    return [
        Difference(account, "changed", what, written, now)
        for account, what, written, now in sorted(found, key=lambda row: row[:2])
    ]


def _tasks(
    sync: Sync, accounts: frozenset[str], held: Iterable[HeldTask]
) -> tuple[int, Sequence[Difference]]:
    """Return how many tasks we wrote for *accounts*, and those that are not there any more."""
    there = {task.marker for task in held}
    with sync.store.bulk() as bulk:
        found = bulk.fetch(
            "select account_id, marker from task where job_id = ? order by account_id, marker",
            sync.job_id,
        ).to_pylist()
    ours = [row for row in found if row["account_id"] in accounts]
    gone = [row for row in ours if row["marker"] not in there]
    return len(ours), [Difference(row["account_id"], "no task", row["marker"]) for row in gone]
