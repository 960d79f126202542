"""Makes sure that a job never runs twice at once, in this process or another.

The lock is the operating system's (SQLite stores) or PostgreSQL's: it goes with the process that
holds it, however that ends, so no clock has to guess whether the holder is still alive.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from zlib import crc32

from filelock import FileLock, Timeout
from sqlalchemy import text

from connector.errors import BusyError, StoreError
from connector.store import Store
from connector.store.tables import LeaseRow


@contextmanager
def lease(store: Store, job: str, job_id: int) -> Iterator[None]:
    """Hold the job while the block runs; raise BusyError, naming the holder, if another has it."""
    locked = _file_lock if store.database.is_sqlite else _advisory_lock
    with locked(store, job, job_id):
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        with store.session() as session:
            session.merge(LeaseRow(job_id=job_id, holder=holder, since=datetime.now(UTC)))
        yield


@contextmanager
def _file_lock(store: Store, job: str, job_id: int) -> Iterator[None]:
    path = store.database.path
    lock = FileLock(path.with_name(f"{path.name}.job-{job_id}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise _busy(store, job, job_id) from None
    except OSError as error:
        raise StoreError(
            f"store {store.database.shown}: no lock file can be made beside it: {error.strerror}"
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _advisory_lock(store: Store, job: str, job_id: int) -> Iterator[None]:
    key = crc32(b"pyramid-connector") << 31 | job_id
    engine = store.database.engine
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        taken = connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": key}).scalar()
        if not taken:
            raise _busy(store, job, job_id)
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": key})


def _busy(store: Store, job: str, job_id: int) -> BusyError:
    with store.session() as session:
        row = session.get(LeaseRow, job_id)
    holder = f"{row.holder}, since {row.since:%Y-%m-%d %H:%M:%S} UTC" if row else "another process"
    return BusyError(f"job {job!r} is already running ({holder}); wait until it ends")
