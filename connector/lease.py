"""Makes sure that a job never runs twice at once, in this process or another.

The lock goes with the process that holds it, however that ends, so no clock has to guess whether
the holder is still alive.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from connector.errors import BusyError
from connector.locks import Taken, locked
from connector.store import Store
from connector.store.tables import LeaseRow


@contextmanager
def lease(store: Store, job: str, job_id: int) -> Iterator[None]:
    """Hold the job while the block runs; raise BusyError, naming the holder, if another has it."""
    with ExitStack() as held:
        try:
            held.enter_context(locked(store, "job", job_id))
        except Taken:
            raise _busy(store, job, job_id) from None
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        with store.session() as session:
            session.merge(LeaseRow(job_id=job_id, holder=holder, since=datetime.now(UTC)))
        yield


def _busy(store: Store, job: str, job_id: int) -> BusyError:
    with store.session() as session:
        row = session.get(LeaseRow, job_id)
    holder = f"{row.holder}, since {row.since:%Y-%m-%d %H:%M:%S} UTC" if row else "another process"
    return BusyError(f"job {job!r} is already running ({holder}); wait until it ends")
