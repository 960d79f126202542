"""The governor: calls to a CRM organisation, shared by all jobs and processes of a store.

A part of each limit is left to people and other integrations. A CRM that fails again and again is
left alone for a while. What is not sent for either reason has not failed: it is sent later.

What a CRM says of its limits counts everybody's calls, and so is the truth for all processes; the
store carries it from run to run. Where a CRM says nothing, the job may name a limit (`[quota]`),
and the calls of all jobs of the store are counted against it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func, text
from sqlmodel import col, delete, select

from connector.errors import RateLimited, Unavailable
from connector.quota import Allowance
from connector.store import Store
from connector.store.tables import CallCount, OrganisationRow

_ENOUGH: Final = 5
"""Failures in a row after which a CRM is left alone."""
_REST: Final = 30.0
"""Seconds for which it is at first; each further failure doubles them."""
_LONGEST_REST: Final = 900.0
_SHORT: Final = 60.0
"""Seconds of a window that is waited for; longer ones end the run's work."""
_RECHECK: Final = 900.0
"""Seconds after which one request asks again how much is left: others may have gone home."""
_KEPT_EVERY: Final = 5.0
_DAY: Final = 86_400.0
_SMOOTH: Final = 0.1
"""The weight of the newest answer in how long a call takes."""
_COUNTED: Final = (
    "insert into call_count (organisation, hour, calls) values (:organisation, :hour, :calls)"
    " on conflict (organisation, hour) do update set calls = call_count.calls + excluded.calls"
)


class QuotaSpent(RateLimited):
    """The organisation's calls are used up but for the reserve; nothing was sent."""


class CircuitOpen(Unavailable):
    """The CRM has failed too often just now; nothing was sent."""


@dataclass(slots=True)
class _Limit:
    limit: int
    left: int
    window: float
    seen: float
    """When the CRM said so, in seconds since the epoch."""


@dataclass(slots=True)
class _Organisation:
    limits: dict[float, _Limit] = field(default_factory=dict)
    """By window."""
    failures: int = 0
    open_until: float = 0.0
    probing: bool = False
    seconds: float | None = None
    """How long a call takes."""
    calls: dict[int, int] = field(default_factory=dict)
    """Calls of this process that the store does not know yet, by hour."""
    before: int = 0
    """Calls of the last 24 hours that the store knows."""
    touched: bool = False
    """Asked, or heard of, since the store was last told."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What some calls mean for an organisation: of its daily *limit*, and in *seconds*."""

    organisation: str
    limit: int | None
    left: int | None
    seconds: float | None


class Governed:
    """The governor of one run."""

    def __init__(
        self,
        store: Store,
        *,
        reserve: float,
        calls_per_day: int | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._reserve = reserve
        self._calls_per_day = calls_per_day
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._known: dict[str, _Organisation] = {}
        self._kept = 0.0
        self._latest: str | None = None
        self._load()

    # What a client asks and tells.

    def admit(self, organisation: str) -> None:
        """Return when a request may be sent; raise QuotaSpent or CircuitOpen if not soon."""
        while (pause := self._pause(organisation)) > 0:
            self._sleep(pause)

    def answered(self, organisation: str, allowances: Sequence[Allowance], seconds: float) -> None:
        """Learn from an answer, good or bad."""
        with self._lock:
            one = self._of(organisation)
            one.touched = True
            one.failures, one.open_until, one.probing = 0, 0.0, False
            one.seconds = (
                seconds if one.seconds is None else one.seconds + _SMOOTH * (seconds - one.seconds)
            )
            for told in allowances:
                one.limits[told.window] = _Limit(told.limit, told.left, told.window, self._clock())

    def failed(self, organisation: str) -> None:
        """Learn that no answer came, or that the CRM failed on its side."""
        with self._lock:
            one = self._of(organisation)
            one.failures += 1
            one.probing, one.touched = False, True
            if one.failures >= _ENOUGH:
                rest = min(_REST * 2.0 ** (one.failures - _ENOUGH), _LONGEST_REST)
                one.open_until = self._clock() + rest

    def _pause(self, organisation: str) -> float:
        """Count the request and return 0, or return how many seconds to wait before asking again.

        Raise QuotaSpent or CircuitOpen where that would be too long.
        """
        with self._lock:
            self._latest = organisation
            one, now = self._of(organisation), self._clock()
            self._check_circuit(organisation, one, now)
            pause = self._check_limits(organisation, one, now)
            if not pause:
                one.probing = one.failures >= _ENOUGH
                hour = int(now // 3600)
                one.calls[hour] = one.calls.get(hour, 0) + 1
                for limit in one.limits.values():
                    limit.left -= 1  # until the CRM says how much really is left
            return pause

    def _check_circuit(self, organisation: str, one: _Organisation, now: float) -> None:
        if one.failures < _ENOUGH:
            return
        wait = one.open_until - now
        if one.probing:
            wait = max(wait, 1.0)  # one request at a time finds out whether it is well again
        if wait > 0:
            raise CircuitOpen(
                f"{organisation}: not asked: it has failed {one.failures} times in a row; it is"
                f" asked again in {math.ceil(wait)} s",
                retry_after=wait,
            )

    def _check_limits(self, organisation: str, one: _Organisation, now: float) -> float:
        for limit in one.limits.values():
            age = now - limit.seen
            if limit.left > math.ceil(limit.limit * self._reserve) or age >= limit.window:
                continue
            if limit.window <= _SHORT:
                return limit.window - age
            if age >= _RECHECK:
                limit.seen = now  # one request goes out and learns; the others wait for it
                continue
            kept = (
                f"the last {self._reserve:.0%} of {limit.limit:,} calls are left to people and"
                " other integrations (quota.reserve)"
            )
            raise self._spent(organisation, kept, _RECHECK - age)
        if self._calls_per_day is not None:
            own = one.before + sum(one.calls.values())
            if own >= self._calls_per_day:
                kept = f"the {self._calls_per_day:,} calls of 24 hours are used"
                wait = 3600.0 - now % 3600.0
                raise self._spent(organisation, f"{kept} (quota.calls_per_day)", wait)
        return 0.0

    def _spent(self, organisation: str, kept: str, wait: float) -> QuotaSpent:
        return QuotaSpent(
            f"{organisation}: not asked: {kept}; what is left to do is done by a later run, when"
            f" the CRM allows more: it is asked again in {math.ceil(wait / 60)} min",
            retry_after=wait,
        )

    # What the host asks and keeps.

    def cost(self) -> Cost | None:
        """Return what is known of the organisation that was asked last; None if none was."""
        with self._lock:
            if self._latest is None:
                return None
            one = self._of(self._latest)
            day = one.limits.get(_DAY)
            if day is not None:
                return Cost(self._latest, day.limit, max(0, day.left), one.seconds)
            if self._calls_per_day is not None:
                left = self._calls_per_day - one.before - sum(one.calls.values())
                return Cost(self._latest, self._calls_per_day, max(0, left), one.seconds)
            return Cost(self._latest, None, None, one.seconds)

    def keep(self, *, now: bool = False) -> None:
        """Share with other processes what was learnt, every few seconds or *now*.

        Only between two transactions of this process: it opens the store.
        """
        if not now and self._clock() - self._kept < _KEPT_EVERY:
            return
        self._kept = self._clock()
        with self._lock:
            calls = {name: dict(one.calls) for name, one in self._known.items() if one.calls}
            rows = [self._row(name) for name, one in self._known.items() if one.touched]
            for one in self._known.values():
                one.calls, one.touched = {}, False
        if not rows and not calls:
            return
        with self._store.session() as session:
            for row in rows:
                session.merge(row)
            for name, hours in calls.items():
                for hour, count in hours.items():
                    added = {"organisation": name, "hour": hour, "calls": count}
                    session.connection().execute(text(_COUNTED), added)
        self._load()

    def _load(self) -> None:
        """Take over what other processes have learnt."""
        since = int((self._clock() - _DAY) // 3600)
        with self._store.session() as session:
            session.connection().execute(delete(CallCount).where(col(CallCount.hour) < since))
            rows = session.exec(select(OrganisationRow)).all()
            sums = session.exec(
                select(CallCount.organisation, func.sum(CallCount.calls)).group_by(
                    CallCount.organisation
                )
            ).all()
        before: Mapping[str, int] = {name: int(count) for name, count in sums}
        with self._lock:
            for row in rows:
                self._merge(self._of(row.name), row)
            for name, one in self._known.items():
                one.before = before.get(name, 0)

    def _merge(self, one: _Organisation, row: OrganisationRow) -> None:
        for said in row.limits:
            limit = _Limit(**said)
            mine = one.limits.get(limit.window)
            if mine is None or limit.seen > mine.seen:
                one.limits[limit.window] = limit
        one.seconds = one.seconds if one.seconds is not None else row.seconds
        until = row.open_until.timestamp() if row.open_until else 0.0
        if not one.touched and until > one.open_until:
            # A run may look once by itself: the CRM may be well, and somebody may be waiting.
            one.failures, one.open_until = min(row.failures, _ENOUGH), 0.0

    def _row(self, name: str) -> OrganisationRow:
        one = self._known[name]
        return OrganisationRow(
            name=name,
            limits=[
                {"limit": at.limit, "left": at.left, "window": at.window, "seen": at.seen}
                for at in one.limits.values()
            ],
            failures=one.failures,
            open_until=(datetime.fromtimestamp(one.open_until, UTC) if one.open_until else None),
            seconds=one.seconds,
        )

    def _of(self, organisation: str) -> _Organisation:
        return self._known.setdefault(organisation, _Organisation())
