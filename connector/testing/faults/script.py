"""Which call gets which fault: a frozen description, and one playing of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Generic, TypeVar

C = TypeVar("C")
F = TypeVar("F")


@dataclass(frozen=True)  # no slots: `Strike[...](...)` could not be called
class Strike(Generic[C, F]):
    """A fault, and the calls that it strikes.

    *where* picks among the calls (None: all); *calls* are numbers among those it picks, from 1
    (None: all); of these, *chance* strikes, at most *times* (None: as often as it comes to it).
    """

    fault: F
    where: Callable[[C], bool] | None = None
    calls: Container[int] | None = None
    chance: float = 1.0
    times: int | None = None


@dataclass(frozen=True, init=False)
class Script(Generic[C, F]):
    """Strikes in the order in which they are asked: the first that is due is the call's fault.

    The same *seed* and the same calls give the same faults.
    """

    strikes: tuple[Strike[C, F], ...]
    seed: int

    def __init__(self, *strikes: Strike[C, F], seed: int = 0) -> None:
        object.__setattr__(self, "strikes", strikes)
        object.__setattr__(self, "seed", seed)


class Play(Generic[C, F]):
    """One playing of a script; what was opened anew (a client, a writer) may go on with it.

    *struck* are the faults that have happened, with the calls that they happened to.
    """

    def __init__(self, script: Script[C, F]) -> None:
        self.script = script
        self.struck: list[tuple[C, F]] = []
        self._picked = [0] * len(script.strikes)
        self._done = [0] * len(script.strikes)
        self._chance = Random(script.seed)  # noqa: S311 - seeded, so that a test repeats

    def fault_of(self, call: C) -> F | None:
        """Return what happens to *call*, which counts from now on; None if nothing does."""
        found: int | None = None
        for place, strike in enumerate(self.script.strikes):
            if strike.where is not None and not strike.where(call):
                continue
            self._picked[place] += 1
            if found is None and self._is_due(place, strike):
                found = place
        if found is None:
            return None
        self._done[found] += 1
        fault = self.script.strikes[found].fault
        self.struck.append((call, fault))
        return fault

    def _is_due(self, place: int, strike: Strike[C, F]) -> bool:
        if strike.calls is not None and self._picked[place] not in strike.calls:
            return False
        if strike.times is not None and self._done[place] >= strike.times:
            return False
        return strike.chance >= 1.0 or self._chance.random() < strike.chance


def since(number: int) -> range:
    """Return the numbers of all calls from *number* on."""
    return range(number, sys.maxsize)


def playing(script: Script[C, F] | Play[C, F]) -> Play[C, F]:
    """Return the playing that is under way, or a new one."""
    return script if isinstance(script, Play) else Play(script)


class Clock:
    """Time that passes only where somebody sleeps; give *sleep* (`time.sleep`) to let it be true.

    Hand `clock.sleep` to what waits in a test, and `clock.seconds` tells how long it has waited.
    """

    def __init__(
        self,
        now: datetime = datetime(2026, 1, 1, tzinfo=UTC),
        *,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.now = now
        self.seconds = 0.0
        self._sleep = sleep

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
        self.jump(seconds)
        if self._sleep is not None:
            self._sleep(seconds)

    def jump(self, seconds: float) -> None:
        """Set the clock on, or back, without time passing."""
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Twice:
    """It is carried out twice, as by a gateway that tries again by itself.

    A request has the answer of the second time; a page comes twice; a writer gives the outcomes
    of both.
    """


@dataclass(frozen=True, slots=True)
class Overtaken:
    """No answer comes, and it is carried out only when *by* more calls have come: too late."""

    by: int = 1


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """The call goes well, but *do* is done just before it: a person's edit, a clock set back."""

    do: Callable[[], object]


class Late:
    """What was overtaken, until it is its turn."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Callable[[], object]]] = []

    def put_off(self, by: int, do: Callable[[], object]) -> None:
        """Do it before the call after the next *by* - 1."""
        self._waiting.append((by, do))

    def catch_up(self) -> None:
        """Note that one more call has come; carry out what is due before it."""
        waiting = [(left - 1, do) for left, do in self._waiting]
        self._waiting = [(left, do) for left, do in waiting if left > 0]
        for left, do in waiting:
            if left <= 0:
                do()
