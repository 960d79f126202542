"""Cut what a file gives into pages of equal size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from connector import Unreadable

PAGE = 100_000


class Reader(Protocol):
    """One file, opened for reading; *columns* is its header.

    *unreadable* grows while the pages are read, by the rows that could not be taken apart.
    """

    columns: list[str]
    unreadable: list[Unreadable]

    def count(self) -> int | None:
        """Return the number of rows where that is cheap to know."""
        ...

    def pages(self, fields: Sequence[str], skip: int = 0) -> Iterator[pa.Table]:
        """Yield the rows after the first *skip*, with those of *fields* that the file has."""
        ...


def paged(batches: Iterable[pa.RecordBatch], skip: int = 0) -> Iterator[pa.Table]:
    """Yield the rows of *batches* after the first *skip*, PAGE at a time."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        left = batch
        if skip:
            dropped = min(skip, left.num_rows)
            skip, left = skip - dropped, left.slice(dropped)
        while count + left.num_rows >= PAGE:
            yield pa.Table.from_batches([*waiting, left.slice(0, PAGE - count)])
            left = left.slice(PAGE - count)
            waiting, count = [], 0
        if left.num_rows:
            waiting.append(left)
            count += left.num_rows
    if waiting:
        yield pa.Table.from_batches(waiting)
