"""The host's only retry: what failed for the moment is tried again, later each time.

Adapters never retry. `Transient` alone is tried again; a CRM that says when (Retry-After) is
believed, otherwise the pauses double, with jitter, until the attempts or the deadline are used up.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_any,
    stop_before_delay,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from connector.errors import Transient, Unavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS: Final = 6
DEADLINE: Final = 900.0
_REST: Final = 30.0
"""Seconds for which a CRM that has failed again and again is waited for."""
_PAUSES: Final = wait_random_exponential(multiplier=1, max=60)


class _LeftAlone(stop_base):
    """Stops where nothing but a long rest would help: whoever waits is told now."""

    def __call__(self, retry_state: RetryCallState) -> bool:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        return isinstance(error, Unavailable) and (error.retry_after or 0.0) > _REST


def retrying_call(
    call: Callable[[], T],
    *,
    attempts: int = ATTEMPTS,
    deadline: float = DEADLINE,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Return what *call* returns; try again for *deadline* seconds while it raises `Transient`."""
    return _policy(attempts, deadline, sleep)(call)


def retrying(
    open_pages: Callable[[], Iterable[T]],
    *,
    attempts: int = ATTEMPTS,
    deadline: float = DEADLINE,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[T]:
    """Yield what *open_pages* yields; after a failure it is opened again and must go on from there.

    Every item that arrives is progress: attempts and deadline count from the last one.
    """
    pages: Iterator[T] | None = None

    def following() -> tuple[T] | None:
        nonlocal pages
        if pages is None:
            pages = iter(open_pages())
        try:
            for page in pages:
                return (page,)
        except Transient:
            pages = None
            raise
        return None

    while True:
        found = retrying_call(following, attempts=attempts, deadline=deadline, sleep=sleep)
        if found is None:
            return
        yield found[0]


def _policy(attempts: int, deadline: float, sleep: Callable[[float], None]) -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(Transient),
        stop=stop_any(stop_after_attempt(attempts), stop_before_delay(deadline), _LeftAlone()),
        wait=_pause,
        sleep=sleep,
        before_sleep=_tell,
        reraise=True,
    )


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Transient) and error.retry_after is not None:
        return error.retry_after
    return _PAUSES(state)


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    pause = state.next_action.sleep if state.next_action else 0.0
    logger.warning("%s; trying again in %.0f s", error, pause)
