"""One pull of one stream: all of it in the order of the ids, or what has changed since.

Changes too are read in the order of the ids. In that of their time of change a record that somebody
edits meanwhile would move, and others would slip past between two pages; many share one second; and
our own writing stamps records anew. So nothing is read twice, and nothing is missed: what changes
behind our back is stamped after the mark, and comes with the next pull.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from connector import AccessError, Page
from connector.http import NotFound
from connector_espocrm.advice import Denied
from connector_espocrm.moments import moment_of, written
from connector_espocrm.objects import STAMP, WITHOUT_STAMP
from connector_espocrm.place import Place, dump
from connector_espocrm.search import since

if TYPE_CHECKING:
    from connector_espocrm.connection import Espo
    from connector_espocrm.search import Record
    from connector_espocrm.selection import Selection

logger = logging.getLogger(__name__)

_DAY: Final = timedelta(days=1)
_EARLY: Final = timedelta(hours=1)
"""A job that runs once a day would else be due a second too late, every other day."""


class Reading:
    """One pull of the entities *parts*."""

    def __init__(self, espo: Espo, parts: Sequence[Selection]) -> None:
        self._espo = espo
        self._parts = parts

    def pages(self, place: Place | None) -> Iterator[Page]:
        """Yield the pages after *place*; all of them without one, or if it is of something else."""
        here = (self._espo.site, _what(self._parts))
        known = place is not None and (place.scan or place.since)
        if place is None or not known or (place.site, place.read) != here:
            yield from self._everything(self._anew(Place(*here)))
        elif place.scan:
            yield from self._everything(place)
        elif place.mark is not None:
            yield from self._changed(place)
        elif self._is_due(place):
            yield from self._everything(self._anew(place))
        else:
            yield from self._changed(replace(place, mark=self._espo.now.isoformat()))

    def _is_due(self, place: Place) -> bool:
        """Say whether it is time to read all of it."""
        if any(part.entity in WITHOUT_STAMP for part in self._parts):
            return True
        days = self._espo.settings.full_every
        return bool(days) and self._espo.now - _time(place.scanned) >= days * _DAY - _EARLY

    def _anew(self, place: Place) -> Place:
        now = self._espo.now.isoformat()
        return Place(
            place.site,
            place.read,
            scanned=place.scanned,
            scan=uuid4().hex,
            mark=now,
            without=place.without,
        )

    def _everything(self, place: Place) -> Iterator[Page]:
        for part, records, here, last in self._pages(place, None):
            if part.entity == "User" and here.after is None:
                # There is one at least: we.
                logger.info("%s: no user is shown; give the role User: Read: all", self._espo.site)
                return
            cursor = dump(here.done() if last else here)
            yield Page([part.row(one) for one in records], cursor, scan=place.scan)

    def _changed(self, place: Place) -> Iterator[Page]:
        """Yield what changed; a page at least if some came before, so that the place is left."""
        first = _time(place.since) - timedelta(seconds=self._espo.settings.overlap)
        begun = place.part > 0 or place.after is not None
        for part, records, here, last in self._pages(place, written(first)):
            if records:
                self._expect(part, records, first)
            if records or (last and begun):
                yield Page([part.row(one) for one in records], dump(here.done() if last else here))
                begun = True

    def _pages(
        self, place: Place, first: str | None
    ) -> Iterator[tuple[Selection, Sequence[Record], Place, bool]]:
        """Yield for each page its entity, its records, where to go on, and whether it is the last.

        *first* is the time from which on changes are wanted, None for everything.
        """
        where = [] if first is None else [since(STAMP, first)]
        for number in range(place.part, len(self._parts)):
            part, ended = self._parts[number], False
            place = place if number == place.part else place.next_part()
            while not ended:
                without = [name for name in place.without if name != part.entity]
                try:
                    records = self._espo.list(part.entity, part.select, where, after=place.after)
                except (Denied, NotFound) as error:
                    self._may_go_without(part, place, error)
                    if len(self._parts) == 1:
                        return
                    records, without = (), [*without, part.entity]
                part.expect(records)
                ended = len(records) < self._espo.settings.page_size
                after = str(records[-1]["id"]) if records else place.after
                place = replace(place, after=after, without=tuple(without))
                yield part, records, place, ended and number + 1 == len(self._parts)

    def _may_go_without(self, part: Selection, place: Place, error: AccessError) -> None:
        """Say that an entity is not shown to us; raise *error* if a job can't do without."""
        if part.required or place.after is not None:
            raise error
        logger.info("%s; it is read without %s", error, part.entity)
        if len(self._parts) > 1 and place.scanned and part.entity not in place.without:
            logger.warning(
                "%s: %s was shown to us before and is not any more: its records count as deleted"
                " once all is read again; give the role its right back, if that was not meant",
                self._espo.site,
                part.entity,
            )

    def _expect(self, part: Selection, records: Sequence[Record], first: datetime) -> None:
        """Say so if the condition was not applied: what came is right, but far too much."""
        stamps = [moment_of(record.get(STAMP)) for record in records]
        if any(stamp is not None and stamp < first.replace(microsecond=0) for stamp in stamps):
            logger.warning("%s", self._espo.ignored(part.entity, STAMP))


def _what(parts: Sequence[Selection]) -> tuple[str, ...]:
    """Return what is read: entities and, in short, attributes and what they are taken to mean.

    With another answer all is read anew: what has been read was understood otherwise.
    """
    said = "\n".join(part.meaning for part in parts)
    return (*(part.entity for part in parts), sha256(said.encode()).hexdigest()[:12])


def _time(text: str | None) -> datetime:
    return datetime.fromisoformat(str(text))
