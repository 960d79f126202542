"""One pull of one stream: all of it in the order of the numbers, or what has changed since.

Each page is a call of its own that begins after the last record of the page before, so that any
page can be gone on from. Records are dated by the start of the transaction that wrote them and
compared to the second: what is asked for begins at the last reading, and a while before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from connector import Page, Stream
from connector_odoo.derived import ARCHIVED, STATUS
from connector_odoo.place import Place, dump
from connector_odoo.selection import Rows
from connector_odoo.values import moment

if TYPE_CHECKING:
    from connector_odoo.connection import Odoo, Record
    from connector_odoo.selection import Selection
    from connector_odoo.settings import OdooSettings


class Reading:
    """One pull, of the records of a *domain*."""

    def __init__(
        self,
        odoo: Odoo,
        settings: OdooSettings,
        selection: Selection,
        stream: Stream,
        domain: Sequence[Any],
    ) -> None:
        self._odoo = odoo
        self._settings = settings
        self._selection = selection
        self._domain = domain
        self._rows = Rows(odoo, selection)
        self._leaves_out = stream is Stream.OPPORTUNITIES

    def pages(self, place: Place | None) -> Iterator[Page]:
        """Yield the pages after *place*; all of them without one, or if it is of something else."""
        read = self._what()
        if place is None or place.read != read:
            yield from self._scan(self._anew(Place(read)))
        elif place.scan:
            yield from self._scan(place)
        elif place.mark is not None:
            yield from self._changes(place)
        else:
            yield from self._next(place)

    def _next(self, place: Place) -> Iterator[Page]:
        """Begin a pull. Fewer records than there were: which are gone only a scan can tell."""
        known = self._count(place.top)
        if known < place.count or self._is_due(place):
            yield from self._scan(self._anew(place))
            return
        mark = self._odoo.now.isoformat()
        yield from self._changes(replace(place, mark=mark, count=known))

    def _is_due(self, place: Place) -> bool:
        if place.since is None or place.scanned is None:
            return True
        days = self._settings.full_every
        passed = self._odoo.now - datetime.fromisoformat(place.scanned)
        return bool(days) and passed >= timedelta(days=days)

    def _anew(self, place: Place) -> Place:
        total = self._count(None)  # asked first, as the answer tells the time too
        mark = self._odoo.now.isoformat()
        return Place(place.read, scan=uuid4().hex, mark=mark, total=total)

    def _scan(self, place: Place) -> Iterator[Page]:
        ended = False
        while not ended:
            records = self._after(place.after, [])
            ended = len(records) < self._settings.page_size
            place = _past(place, records)
            where = place.done() if ended else place
            rows, _ = self._split(records)
            yield Page(rows, dump(where), scan=place.scan, total=place.total)

    def _changes(self, place: Place) -> Iterator[Page]:
        overlap = timedelta(seconds=self._settings.overlap)
        since = moment(datetime.fromisoformat(str(place.since)) - overlap)
        moved = place.after > 0
        ended = False
        while not ended:
            records = self._after(place.after, [["write_date", ">=", since]])
            ended = len(records) < self._settings.page_size
            place = _past(place, records)
            if not records and not moved:
                return
            moved = True
            rows, gone = self._split(records)
            yield Page(rows, dump(place.done() if ended else place), deleted=gone)

    def _after(self, number: int, terms: Sequence[Any]) -> list[Record]:
        return self._odoo.found(
            self._selection.origin.model,
            [["id", ">", number], *terms, *self._domain],
            self._selection.fields,
            limit=self._settings.page_size,
        )

    def _split(self, records: Sequence[Record]) -> tuple[list[Record], list[str]]:
        """Return the rows, and the ids of deals that were put away and are left out."""
        rows = self._rows.of(records)
        if not self._leaves_out:
            return rows, []
        kept = [row for row in rows if row.get(STATUS) != ARCHIVED]
        gone = [str(row["id"]) for row in rows if row.get(STATUS) == ARCHIVED]
        return kept, gone

    def _count(self, top: int | None) -> int:
        terms = [] if top is None else [["id", "<=", top]]
        return self._odoo.count(self._selection.origin.model, [*terms, *self._domain])

    def _what(self) -> str:
        """Return what is read, in short: with another answer all is read anew."""
        settings, selection = self._settings, self._selection
        where = (self._odoo.host, settings.database, list(settings.companies))
        what = (*where, selection.origin.model, list(self._domain), list(selection.paths))
        return sha256(repr(what).encode()).hexdigest()[:16]


def _past(place: Place, records: Sequence[Record]) -> Place:
    """Return *place* after a page of *records*."""
    if not records:
        return place
    numbers = [int(record["id"]) for record in records]
    new = sum(number > place.top for number in numbers)
    return replace(
        place, after=numbers[-1], top=max(place.top, numbers[-1]), count=place.count + new
    )
