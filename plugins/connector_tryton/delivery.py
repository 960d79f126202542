"""Many changes in one call, of which Tryton stores all or none: who is to blame is found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connector import Applied, Refused, RemoteError, WriteOutcome
from connector.http import outcome_of


@dataclass(frozen=True, slots=True)
class Row:
    """What a change writes: *values* on the record *id*, or on a new one without it.

    *stamp* is that of the record when it was read: it is written only if it still has it.
    """

    marker: str
    values: Mapping[str, object]
    id: int | None = None
    stamp: str | None = None


def delivered(
    rows: Sequence[Row],
    send: Callable[[Sequence[Row]], Sequence[int]],
    refused: Callable[[Row, Refused], WriteOutcome],
) -> Iterator[WriteOutcome]:
    """Yield what became of each row. *send* writes some and returns their ids.

    Rows that are refused together are sent in halves, until each refusal is that of one row.
    """
    if not rows:
        return
    try:
        ids = send(rows)
    except Refused as error:
        if len(rows) == 1:
            yield refused(rows[0], error)
            return
        middle = len(rows) // 2
        yield from delivered(rows[:middle], send, refused)
        yield from delivered(rows[middle:], send, refused)
    except RemoteError as error:
        yield from [outcome_of(row.marker, error) for row in rows]
    else:
        for row, made in zip(rows, ids, strict=True):
            yield Applied(row.marker, str(made))
