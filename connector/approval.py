"""Runs that wait for approval: their changes stand in the ledger as planned until then.

What is approved is carried out like a kept plan: what is no longer so is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import pyarrow as pa
from sqlmodel import col, select

from connector import audit
from connector.contract import Change
from connector.errors import ConfigError
from connector.ledger import KINDS
from connector.proposal import Proposal, as_text
from connector.store import Store
from connector.store.tables import RunRow

OVERRIDE: Final = "override: "
"""What the message of a run begins with that was let pass its guards; then the reason."""
_OPEN: Final = ("waiting", "approved")
"""An approved run may have been cut off: it can be approved again, and goes on."""


def keep(
    store: Store,
    job_id: int,
    run_id: str,
    batches: Iterable[Sequence[Change]],
    stamps: Iterable[str],
) -> None:
    """Note the changes of a run as planned."""
    left_out = frozenset(stamps)
    for changes in batches:
        count = len(changes)
        rows = pa.table(
            {
                "run_id": pa.array([run_id] * count, pa.string()),
                "marker": pa.array([change.marker for change in changes], pa.string()),
                "job_id": pa.array([job_id] * count, pa.int64()),
                "account_id": pa.array([change.ref.id for change in changes], pa.string()),
                "kind": pa.array([KINDS[type(change)] for change in changes], pa.string()),
                "state": pa.array(["planned"] * count, pa.string()),
                "content": pa.array([as_text(change, left_out) for change in changes], pa.string()),
            }
        )
        with store.bulk() as bulk:
            bulk.upsert("ledger", rows)
            bulk.commit()


def waiting(store: Store, job_id: int) -> RunRow | None:
    """Return the run of a job that waits for approval, if one does."""
    with store.session() as session:
        return session.exec(
            select(RunRow)
            .where(RunRow.job_id == job_id, RunRow.state == "waiting")
            .order_by(col(RunRow.started_at).desc())
        ).first()


def planned_by(store: Store, job: str, row: RunRow) -> Proposal:
    """Return what a run that waits has planned, or one that was approved and cut off.

    Raise ConfigError for any other run.
    """
    if row.state not in _OPEN:
        raise ConfigError(
            f"run {row.id} of job {job!r} does not wait for approval: it is {row.state};"
            " 'connector runs JOB' lists them"
        )
    reason = row.message.removeprefix(OVERRIDE) if row.message.startswith(OVERRIDE) else ""
    proposal = Proposal(job, row.config_hash, row.as_of, reason, row.id)
    with store.bulk() as bulk:
        found = bulk.fetch(
            "select marker, content from ledger where run_id = ? and state in ('planned',"
            " 'approved') order by marker",
            row.id,
        )
    for change in found.to_pylist():
        proposal.add(change["marker"], change["content"])
    return proposal


def approve(store: Store, job: str, row: RunRow) -> None:
    """Note that a run is approved, and in the audit trail who did it."""
    with store.bulk() as bulk:
        bulk.execute(
            "update ledger set state = 'approved' where run_id = ? and state = 'planned'", row.id
        )
        bulk.commit()
    with store.session() as session:
        row.state = "approved"
        session.merge(row)
        audit.record(session, "approve", job=job, run_id=row.id)


def replace(store: Store, job_id: int, run_id: str) -> None:
    """Note that the runs of a job that still wait are overtaken by the run *run_id*."""
    with store.session() as session:
        rows = session.exec(
            select(RunRow).where(
                RunRow.job_id == job_id, RunRow.state == "waiting", RunRow.id != run_id
            )
        ).all()
        for row in rows:
            row.state, row.message = "replaced", f"by run {run_id}"
            session.add(row)
