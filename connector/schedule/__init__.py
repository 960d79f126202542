"""Runs every job of a folder on its cron line, each run in a process of its own.

A run is a row of the store, not something the scheduler remembers: whatever ends scheduler or run,
the next start takes the run up where it was. So stopping is quick, and loses nothing.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from connector.audit import acting_as
from connector.errors import ConnectorError
from connector.plugins import Plugins
from connector.schedule.agenda import Agenda
from connector.schedule.folder import Folder
from connector.schedule.history import last_run
from connector.schedule.listening import listening
from connector.schedule.metrics import Metrics
from connector.schedule.runs import Runs
from connector.schedule.watch import Watch

logger = logging.getLogger(__name__)

PARALLEL: Final = 2
"""Runs at a time: each may take 1.5 GB and a core."""
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def utc_now() -> datetime:
    """Return the time by the computer's clock."""
    return datetime.now(UTC)


def serve(
    folder: Path,
    plugins: Plugins,
    *,
    stop: threading.Event | None = None,
    parallel: int = PARALLEL,
    listen: str | None = None,
    now: Callable[[], datetime] = utc_now,
) -> None:
    """Run the jobs of *folder* at their times until SIGTERM, SIGINT or *stop*.

    A job's file that can't be used is logged and left out; files that are added, changed, mended or
    removed are noticed within a minute. Health and figures are answered at *listen* (HOST:PORT).
    Raise ConfigError if there is no such folder, or if nobody can listen there. Signals are
    listened to where the main thread calls.
    """
    stop = stop or threading.Event()
    watch, metrics = Watch(now), _metrics() if listen else None
    runs = Runs(parallel, watch, metrics)
    agenda = Agenda(Folder(folder, plugins), start=runs.start, last_run=last_run, watch=watch)
    answering = listening(listen, watch, metrics) if listen else nullcontext()
    with _stopped_by_signals(stop), acting_as("schedule"), answering:
        try:
            while not stop.is_set():
                again = agenda.tick(now())
                watch.ticks(again)
                stop.wait(max(0.0, (again - now()).total_seconds()))
        finally:
            runs.stop()
    logger.info("stopped")


def preview(
    folder: Path, count: int, now: datetime | None = None, *, plugins: Plugins | None = None
) -> list[tuple[str, list[datetime]]]:
    """Return the next *count* times of each job of *folder*, in the job's time zone, by name.

    A job's file that can't be used is logged and left out.
    """
    start = now or utc_now()
    found = []
    for path, job in Folder(folder, plugins).changes().items():
        if isinstance(job, ConnectorError):
            logger.error("%s", job)
        elif job is not None:
            found.append((job.name, path, list(islice(job.timetable.following(start), count))))
    return [(name, times) for name, _, times in sorted(found, key=lambda one: one[:2])]


def _metrics() -> Metrics | None:
    try:
        return Metrics()
    except ImportError:
        return None


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_signal(number: int, _frame: object) -> None:
        logger.info("%s: stopping", signal.Signals(number).name)
        # The main thread may hold the event's own lock just now; another thread can wait for it.
        threading.Thread(target=stop.set).start()

    before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
