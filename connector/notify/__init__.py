"""Tells people when a job goes bad and when it is well again, and nothing in between.

What each was last told is kept in the store: a message that could not be delivered is due again at
the next run, and one that was is not sent twice. Whatever goes wrong here costs no run anything.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from sqlmodel import Session, select

from connector.config import Job
from connector.errors import ConnectorError
from connector.notify.message import Message, test_message, told_trouble, told_well, trouble
from connector.notify.send import send
from connector.store import Store
from connector.store.tables import NoticeRow, RunRow

__all__ = ["notices", "run_ended", "send_test"]

logger = logging.getLogger(__name__)


def run_ended(store: Store, job: Job, run: RunRow, error: ConnectorError | None = None) -> None:
    """Tell those whom the job names how *run* ended, if that is news to them."""
    on = job.model.notify.on
    if not job.model.notify.to or (run.state == "waiting" and "waiting" not in on):
        return
    try:
        kind = trouble(run, error) if run.state in on else ""
        for name, row in _known(store, job, run.job_id).items():
            _tell(job, name, row, run, kind)
            with store.session() as session:
                session.merge(row)
    except Exception as failure:  # noqa: BLE001 - a message is not worth a run; nor may it leak
        logger.warning("nobody was told of run %s: %s", run.id, type(failure).__name__)


def send_test(job: Job) -> Mapping[str, str | None]:
    """Send a message to each whom the job names; return why it was not delivered, or None."""
    message = test_message(job)
    return {name: send(job, name, message) for name in job.model.notify.to}


def notices(store: Store, job_id: int) -> Mapping[str, NoticeRow]:
    """Return what each was last told of a job, by name."""
    with store.session() as session:
        return _rows(session, job_id)


def _rows(session: Session, job_id: int) -> dict[str, NoticeRow]:
    query = select(NoticeRow).where(NoticeRow.job_id == job_id)
    return {row.target: row for row in session.exec(query)}


def _known(store: Store, job: Job, job_id: int) -> Mapping[str, NoticeRow]:
    """Return a row for each whom the job names; forget those whom it no longer does."""
    with store.session() as session:
        rows = _rows(session, job_id)
        for name in rows.keys() - job.model.notify.to.keys():
            session.delete(rows[name])
    empty = {name: NoticeRow(job_id=job_id, target=name) for name in job.model.notify.to}
    return {name: rows.get(name, row) for name, row in empty.items()}


def _tell(job: Job, name: str, row: NoticeRow, run: RunRow, kind: str) -> None:
    """Send what is news, and note in *row* what became of it."""
    message = _news(job, row, run, kind)
    row.problem = ""
    if message is None:
        row.missed = ""
        return
    row.run_id = run.id
    problem = send(job, name, message)
    if problem is None:
        row.told, row.missed = kind, ""
        logger.info("told %s: %s", name, message.title)
        return
    row.missed, row.problem = kind or row.missed, problem
    logger.warning("notify.to.%s: not told, the next run tries again: %s", name, problem)


def _news(job: Job, row: NoticeRow, run: RunRow, kind: str) -> Message | None:
    if kind:
        return told_trouble(job, run) if kind != row.told else None
    if row.told or row.missed:
        return told_well(job, run, untold=not row.told)
    return None
