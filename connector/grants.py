"""What a person has granted by `connector login`, handed to an adapter while it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from connector.contract import Granted

_current: Final[ContextVar[Granted | None]] = ContextVar("granted", default=None)


@contextmanager
def granting(grant: Granted | None) -> Iterator[None]:
    """Have *grant* found by what is opened in the block."""
    before = _current.set(grant)
    try:
        yield
    finally:
        _current.reset(before)


def granted() -> Granted | None:
    """Return the token for what is being opened now; None where its settings need none."""
    return _current.get()
