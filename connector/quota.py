"""What an adapter tells of a CRM's limits, and who is asked before each request is sent.

A CRM's limits hold for the whole organisation: for people and for every other integration too. The
host has a governor (`connector.governor`) for its runs; without one, requests just go out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Allowance:
    """One limit of a CRM, as an answer of it tells: *left* of *limit* calls in *window* seconds."""

    limit: int
    left: int
    window: float = 86_400.0


Allowances: TypeAlias = "Callable[[httpx.Response], Sequence[Allowance]]"
"""Reads from an answer what the CRM says of its limits; nothing where it does not."""


class Governor(Protocol):
    """Decides when requests may be sent to an organisation."""

    def admit(self, organisation: str) -> None:
        """Return when a request may be sent; raise Transient if that takes too long."""
        ...

    def answered(self, organisation: str, allowances: Sequence[Allowance], seconds: float) -> None:
        """Learn from an answer, good or bad, and how long it took."""
        ...

    def failed(self, organisation: str) -> None:
        """Learn that no answer came, or that the CRM failed on its side."""
        ...


_current: Final[ContextVar[Governor | None]] = ContextVar("governor", default=None)


@contextmanager
def governed(governor: Governor) -> Iterator[None]:
    """Have *governor* asked by all clients that are made in the block, as long as they live."""
    before = _current.set(governor)
    try:
        yield
    finally:
        _current.reset(before)


def governor() -> Governor | None:
    """Return who is to be asked by a client that is made now."""
    return _current.get()
