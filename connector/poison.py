"""Poison: the changes for whose sake a CRM refuses a whole batch, found in few calls.

Some CRMs do all of a request or nothing. One bad row must cost itself alone, not the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Final

from connector.contract import Change, Rejected, WriteOutcome
from connector.errors import Refused

_AFTER_POISON: Final = 32
"""How many changes go together once one was found: bad rows tend to come together."""

_HOPELESS: Final = 16
"""Changes refused in a row, and none taken, after which the batch is not what is wrong."""

Write = Callable[[Sequence[Change]], Iterator[WriteOutcome]]


def apart(write: Write, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
    """Send *changes* by *write*; yield the outcomes, `Rejected` for those that spoil a batch.

    Finding one takes about as many calls as its batch can be halved. Raise `Refused` as it comes if
    the CRM takes none of the changes: then it is the job or the login that is wrong.
    """
    pending, size = list(changes), len(changes)
    refused, taken = 0, False
    while pending:
        group, pending = pending[:size], pending[size:]
        left, refusal = yield from _sent(write, group)
        taken |= len(left) < len(group)
        size *= 2
        if refusal is None:
            continue
        while len(left) > 1:
            # What is refused as a whole, and not for the sake of its first half, is for its second.
            half = len(left) // 2
            first, second = left[:half], left[half:]
            tried, why = yield from _sent(write, first)
            taken |= len(tried) < len(first)
            if why is None:
                left = second
            else:
                left, refusal, pending = tried, why, [*second, *pending]
        yield Rejected(left[0].marker, refusal.code, refusal.words)
        refused, size = refused + 1, _AFTER_POISON
        if refused >= _HOPELESS and not taken and pending:
            # If even the last one by itself is refused, it is not the rows.
            yield from write(pending[-1:])
            pending, taken = pending[:-1], True


def _sent(
    write: Write, changes: Sequence[Change]
) -> Generator[WriteOutcome, None, tuple[list[Change], Refused | None]]:
    """Send *changes*, yield outcomes; return those without one, and why they were refused."""
    said: set[str] = set()
    refusal: Refused | None = None
    try:
        for outcome in write(changes):
            said.add(outcome.marker)
            yield outcome
    except Refused as error:
        refusal = error
    if len(said) == len(changes):
        left = []
    else:
        left = [change for change in changes if change.marker not in said]
    if refusal is not None and not left:
        raise refusal
    return left, refusal
