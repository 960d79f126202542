"""What a command works on: the job, the plugins, and what the store holds of the job so far."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlmodel import col, select

from connector.config import Job, load_job
from connector.errors import ConfigError
from connector.store import Store
from connector.store.tables import JobRow, RunRow

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Kept:
    """A job and what its runs have left in the store."""

    job: Job
    store: Store
    job_id: int

    def runs(self, limit: int | None = None) -> Sequence[RunRow]:
        """Return the job's runs, the newest first."""
        query = select(RunRow).where(RunRow.job_id == self.job_id)
        query = query.order_by(col(RunRow.started_at).desc(), col(RunRow.id).desc())
        with self.store.session() as session:
            return session.exec(query.limit(limit)).all()

    def last_run(self) -> RunRow:
        """Return the last run that was carried out; raise ConfigError if there is none."""
        query = select(RunRow).where(
            RunRow.job_id == self.job_id, col(RunRow.state).in_(("done", "partial"))
        )
        query = query.order_by(col(RunRow.started_at).desc(), col(RunRow.id).desc())
        with self.store.session() as session:
            found = session.exec(query.limit(1)).first()
        if found is None:
            raise _no_run(self.job)
        return found


def open_kept(path: Path) -> Kept:
    """Return what the store holds of the job at *path*; raise ConfigError if it has never run."""
    job = load_job(path)
    if not _exists(job.store_url):
        raise _no_run(job)
    store = Store(job.store_url)
    with store.session() as session:
        row = session.exec(select(JobRow).where(JobRow.name == job.name)).first()
    if row is None or row.id is None:
        raise _no_run(job)
    return Kept(job, store, row.id)


def _exists(url: str) -> bool:
    """Say whether there can be a store: looking at one must not make its file."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return True  # the store says what is wrong with it
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return True
    return Path(str(parsed.database)).exists()


def _no_run(job: Job) -> ConfigError:
    return ConfigError(f"{job.path}: no run yet; run 'connector sync {job.path.name}' first")
