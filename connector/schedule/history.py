"""Reads from a job's store when it last ran, and whether that run came to an end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlmodel import col, func, select

from connector.schedule.folder import Scheduled
from connector.store import Store
from connector.store.tables import QuarantineRow, RunRow

_ENDED: Final = ("done", "partial", "waiting", "stopped", "failed")
"""What a run of the schedule can end as: by hand a plan may be under way, approved or replaced."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """When a job was last started, and how that ended; *cut_off* if its row says that it runs."""

    started_at: datetime
    cut_off: bool = False
    state: str | None = None


def last_run(job: Scheduled) -> LastRun | None:
    """Return the last run of *job*, None if there was none; runs that only planned don't count."""
    store = Store(job.store_url)
    job_id = store.job_id(job.name)
    with store.session() as session:
        row = session.exec(
            select(RunRow)
            .where(RunRow.job_id == job_id, RunRow.state != "planned")
            .order_by(col(RunRow.started_at).desc())
        ).first()
    if row is None:
        return None
    # SQLite keeps times without a zone; ours are UTC.
    started = row.started_at.replace(tzinfo=row.started_at.tzinfo or UTC)
    state = row.state if row.state in _ENDED else None
    return LastRun(started, cut_off=row.state == "running", state=state)


def set_aside(store: Store, job_id: int) -> int:
    """Return how many rows of a job are set aside."""
    with store.session() as session:
        rows = select(func.count()).select_from(QuarantineRow)
        return session.exec(rows.where(QuarantineRow.job_id == job_id)).one()
