"""Decides what is to be run at a given moment; it has no clock, no threads and no processes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal, TypeAlias

from connector.errors import ConfigError, ConnectorError
from connector.schedule.folder import Folder, Scheduled
from connector.schedule.history import LastRun
from connector.schedule.watch import Watch

logger = logging.getLogger(__name__)

LOOK: Final = timedelta(minutes=1)
"""How often the folder is looked at."""
_ON_TIME: Final = timedelta(minutes=1)
"""A time that is longer past was missed: the scheduler or the computer was not running."""

Verdict: TypeAlias = Literal["wait", "run", "catch_up", "skip"]


def verdict(job: Scheduled, since: datetime, now: datetime) -> Verdict:
    """Return what to do at *now* about the times that have come up after *since*.

    However many have, they ask for one run. If the last of them is past by more than a minute, the
    job's `catch_up` decides.
    """
    first = job.timetable.next_after(since)
    if first is None or first > now:
        return "wait"
    latest = job.timetable.next_after(now - _ON_TIME)
    if latest is not None and latest <= now:
        return "run"
    return "catch_up" if job.catch_up == "once" else "skip"


@dataclass(slots=True)
class _Entry:
    job: Scheduled
    since: datetime


class Agenda:
    """The jobs of a folder and the moment up to which each has been looked after.

    *start* begins so many runs of a job, one after the other; it says False if the job's last one
    is still under way.
    """

    def __init__(
        self,
        folder: Folder,
        *,
        start: Callable[[Scheduled, int], bool],
        last_run: Callable[[Scheduled], LastRun | None],
        watch: Watch | None = None,
    ) -> None:
        self._folder = folder
        self._start = start
        self._last_run = last_run
        self._watch = watch or Watch()
        self._entries: dict[Path, _Entry] = {}
        self._look_at: datetime | None = None

    def tick(self, now: datetime) -> datetime:
        """Start what is due; return the moment at which to ask again."""
        if self._look_at is None or not timedelta(0) < self._look_at - now <= LOOK:
            self._look(now, first=self._look_at is None)
            self._look_at = now + LOOK
        for entry in self._entries.values():
            self._attend(entry, now)
        following = [entry.job.timetable.next_after(now) for entry in self._entries.values()]
        return min([self._look_at, *(time for time in following if time is not None)])

    def _attend(self, entry: _Entry, now: datetime) -> None:
        job, wanted = entry.job, verdict(entry.job, entry.since, now)
        # A clock that is put right by a second must not bring up the same time again.
        entry.since = now if entry.since - now > _ON_TIME else max(entry.since, now)
        if wanted == "wait":
            return
        if wanted == "skip":
            logger.info("job %s: a time was missed; catch_up is skip, so it waits", job.name)
            return
        if wanted == "catch_up":
            logger.info("job %s: a time was missed; running once for all that were", job.name)
        self._watch.due(job.path, now)
        if not self._start(job, 1):
            logger.warning("job %s: skipped, its last run is still under way", job.name)

    def _look(self, now: datetime, *, first: bool) -> None:
        try:
            changes = self._folder.changes()
        except ConfigError as error:
            if first:
                raise
            logger.error("%s; the jobs already known go on", error)
            return
        for path, found in changes.items():
            known = self._entries.pop(path, None)
            if isinstance(found, Scheduled):
                self._entries[path] = _Entry(found, now)
                self._watch.knows(path, found.name)
                if known is None:
                    self._welcome(found, now)
                self._announce(found, now)
            elif isinstance(found, ConnectorError):
                logger.error("%s", found)
                self._watch.unusable(path)
            else:
                self._watch.forgets(path)
            if found is None and known is not None:
                logger.info("job %s: taken off the schedule", known.job.name)
        if first and not self._entries:
            logger.warning("%s: no job with a schedule yet; waiting for one", self._folder.path)

    def _welcome(self, job: Scheduled, now: datetime) -> None:
        """Take up the run that was cut off, and catch up on times missed since the last start."""
        try:
            last = self._last_run(job)
        except ConnectorError as error:
            logger.error("job %s: %s", job.name, error)
            return
        if last is None:
            return
        self._watch.knows(job.path, job.name, last.state)
        wanted = verdict(job, last.started_at, now)
        if last.cut_off:
            logger.info("job %s: taking up the run that was cut off", job.name)
        if wanted == "catch_up":
            logger.info("job %s: a time was missed; running once for all that were", job.name)
        if wanted == "skip":
            logger.info("job %s: a time was missed; catch_up is skip, so it waits", job.name)
        if runs := last.cut_off + (wanted in ("run", "catch_up")):
            self._watch.due(job.path, now)
            self._start(job, runs)

    def _announce(self, job: Scheduled, now: datetime) -> None:
        following = job.timetable.next_after(now)
        if following is not None:
            logger.info("job %s: next run at %s", job.name, following.isoformat(sep=" "))
