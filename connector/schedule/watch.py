"""What the scheduler knows of its jobs' health: whether they are late, and how their runs ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

LATE: Final = timedelta(minutes=5)
"""A run not begun so long after its time is late; a loop that has not come round is stuck."""
_GOOD: Final = ("done", "partial", "waiting", "busy")


@dataclass(slots=True)
class _Condition:
    name: str
    state: str = "new"
    due: datetime | None = None
    ended_at: datetime | None = None


class Watch:
    """Notes what happens, from any thread; *now* is the clock."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._jobs: dict[Path, _Condition] = {}
        self._next_tick: datetime | None = None

    def ticks(self, again: datetime) -> None:
        """Note that the loop lives and means to look again at that moment."""
        with self._lock:
            self._next_tick = again

    def knows(self, path: Path, name: str, state: str | None = None) -> None:
        """Note a job, and in which state its last run ended."""
        with self._lock:
            known = self._jobs.setdefault(path, _Condition(name))
            known.name = name
            if state is not None or known.state == "unusable":
                known.state = state or "new"

    def forgets(self, path: Path) -> None:
        """Note that a job has been taken off the schedule."""
        with self._lock:
            self._jobs.pop(path, None)

    def unusable(self, path: Path) -> None:
        """Note a file that can't be used as a job."""
        with self._lock:
            self._jobs.setdefault(path, _Condition(path.stem)).state = "unusable"

    def due(self, path: Path, since: datetime) -> None:
        """Note that a run of a job has been asked for."""
        with self._lock:
            if (job := self._jobs.get(path)) is not None:
                job.due = job.due or since

    def begins(self, path: Path) -> None:
        """Note that a run of a job has begun."""
        with self._lock:
            if (job := self._jobs.get(path)) is not None:
                job.due = None

    def ends(self, path: Path, state: str) -> None:
        """Note how a run of a job ended; what came up meanwhile has been left out."""
        with self._lock:
            if (job := self._jobs.get(path)) is not None:
                job.state, job.ended_at, job.due = state, self._now(), None

    def health(self) -> tuple[bool, Mapping[str, Any]]:
        """Return whether all is well, and what is not: names and states, nothing of the records."""
        with self._lock:
            now = self._now()
            jobs = sorted(self._jobs.values(), key=lambda job: job.name)
            stuck = self._next_tick is not None and now - self._next_tick > LATE
            failing = {job.name: job.state for job in jobs if job.state not in (*_GOOD, "new")}
            late = {
                job.name: job.due.isoformat(timespec="seconds")
                for job in jobs
                if job.due is not None and now - job.due > LATE
            }
            ended = {
                job.name: job.ended_at.isoformat(timespec="seconds")
                for job in jobs
                if job.ended_at is not None
            }
        well = not (stuck or failing or late)
        return well, {
            "status": "ok" if well else "failing",
            "loop": "stuck" if stuck else "alive",
            "failing": failing,
            "late": late,
            "ended": ended,
        }
