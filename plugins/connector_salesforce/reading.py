"""One pull of one stream: all of it in the order of the ids, or what has changed since.

Each page is a query of its own that begins after the last record of the page before: nothing is
held open at Salesforce, and any page can be gone on from.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pyarrow as pa

from connector import AccessError, Page, Refused
from connector_salesforce import soql
from connector_salesforce.bulk import Gone, QueryJobs
from connector_salesforce.derived import with_derived
from connector_salesforce.objects import READ
from connector_salesforce.place import Place, dump
from connector_salesforce.records import Batch, Records, whole

if TYPE_CHECKING:
    from connector_salesforce.connection import Org
    from connector_salesforce.news import News
    from connector_salesforce.selection import Selection
    from connector_salesforce.settings import SalesforceSettings

logger = logging.getLogger(__name__)

_DAY: Final = timedelta(days=1)
_FEED_PAGE: Final = 10_000


class Reading:
    """One pull: of the objects *parts*, the *columns* that any of them has."""

    def __init__(
        self,
        org: Org,
        settings: SalesforceSettings,
        records: Records,
        jobs: QueryJobs,
        news: News,
        parts: Sequence[Selection],
        columns: Sequence[str],
    ) -> None:
        self._org = org
        self._settings = settings
        self._records = records
        self._jobs = jobs
        self._news = news
        self._parts = parts
        self._columns = columns

    def pages(self, place: Place | None) -> Iterator[Page]:
        """Yield the pages after *place*; all of them without one, or if it is of something else."""
        read = _what(self._parts)
        if place is not None and place.org == self._org.host:
            self._miss(place, read)
        if place is None or (place.org, place.read) != (self._org.host, read):
            yield from self._everything(self._anew(Place(self._org.host, read)))
        elif place.scan:
            yield from self._everything(place)
        elif place.mark is not None:
            yield from self._changed(place, moved=True)
        elif self._is_due(place):
            yield from self._everything(self._anew(place))
        else:
            yield from self._changes(replace(place, mark=self._news.begun.isoformat()))

    def _miss(self, place: Place, read: Sequence[str]) -> None:
        """Warn of objects that were read before and are not shown to us any more."""
        for sobject in place.read:
            if sobject in READ and sobject not in read:
                logger.warning(
                    "%s: %s was shown to us before and is not any more: its records count as"
                    " deleted; give our user its right back, if that was not meant",
                    self._org.host,
                    sobject,
                )

    def _is_due(self, place: Place) -> bool:
        """Say whether it is time to read all of it."""
        if place.since is None or any(part.stamp is None for part in self._parts):
            return True
        days = self._settings.full_every
        return bool(days) and self._org.now - _time(place.scanned) >= timedelta(days=days)

    def _anew(self, place: Place) -> Place:
        now = self._org.now.isoformat()
        return Place(place.org, place.read, scan=uuid4().hex, mark=now)

    def _everything(self, place: Place) -> Iterator[Page]:
        # A job of an earlier run may have expired; if one of this run fails, no other would do.
        for bulk in (True, place.job is not None, False):
            try:
                yield from self._scan(place, bulk=bulk)
            except Gone as error:
                logger.warning("%s: %s; reading anew", self._org.host, error)
                place = self._anew(place)
            else:
                return

    def _scan(self, place: Place, *, bulk: bool) -> Iterator[Page]:
        scan = place.scan
        for number in range(place.part, len(self._parts)):
            part = self._parts[number]
            place = place if number == place.part else place.next_part()
            if bulk and not place.job and not place.after and self._is_big(part):
                place = replace(place, job=self._started(part))
                if place.job:
                    # Kept before it is waited for: a run that breaks off finds it again.
                    yield self._page(part, Batch(_nothing(part.fields)), place, scan)
            batches = self._by_job(part, place) if place.job else self._by_id(part, place)
            for batch, here in batches:
                last = batch.ended and number + 1 == len(self._parts)
                yield self._page(part, batch, here.done() if last else here, scan)

    def _is_big(self, part: Selection) -> bool:
        return part.bulk and self._org.counts.get(part.sobject, 0) > self._settings.bulk_from

    def _started(self, part: Selection) -> str | None:
        try:
            query = soql.select(part.fields, part.sobject, whole(part))
            return self._jobs.start(query, deleted=part.archives)
        except (AccessError, Refused) as error:
            logger.warning("%s; reading %s by the REST API", error, part.sobject)
            return None

    def _by_job(self, part: Selection, place: Place) -> Iterator[tuple[Batch, Place]]:
        self._jobs.wait(str(place.job))
        ended = False
        while not ended:
            size = self._settings.bulk_page
            found = self._jobs.results(str(place.job), place.locator, size, part.fields)
            place, ended = replace(place, locator=found.locator), found.locator is None
            yield Batch(found.rows, ended=ended), place

    def _by_id(self, part: Selection, place: Place) -> Iterator[tuple[Batch, Place]]:
        ended = False
        while not ended:
            batch = self._records.by_id(part, place.after)
            place, ended = replace(place, after=batch.after or place.after), batch.ended
            yield batch, place

    def _changes(self, place: Place) -> Iterator[Page]:
        """Yield what was deleted for good, which is asked for once a day, then what changed."""
        begin, looked = _time(place.mark), _time(place.looked)
        if begin - looked < _DAY or not any(part.has_feed for part in self._parts):
            yield from self._changed(place, moved=False)
            return
        gone = self._news.deleted(self._parts, looked - self._overlap)
        if gone is None:
            logger.info("%s: no longer told what was deleted; reading anew", self._org.host)
            yield from self._everything(self._anew(place))
            return
        place = replace(place, looked=place.mark)
        for start in range(0, len(gone), _FEED_PAGE):
            yield Page([], dump(place), deleted=gone[start : start + _FEED_PAGE])
        yield from self._changed(place, moved=True)

    @property
    def _overlap(self) -> timedelta:
        return timedelta(seconds=self._settings.overlap)

    def _changed(self, place: Place, *, moved: bool) -> Iterator[Page]:
        """Yield what changed up to the mark; a page at least if the place has *moved* before."""
        since = _time(place.since) - self._overlap
        for number in range(place.part, len(self._parts)):
            part = self._parts[number]
            place = place if number == place.part else place.next_part()
            ended = not place.after and self._news.is_quiet(part.sobject, since)
            while not ended:
                # What changes from now on is stamped after the mark, and is left to the next
                # pull: this one comes to an end.
                batch = self._records.by_change(
                    part, place.after, since.isoformat(), str(place.mark)
                )
                place, ended = replace(place, after=batch.after or place.after), batch.ended
                last = ended and number + 1 == len(self._parts)
                if batch.rows.num_rows or batch.gone:
                    yield self._page(part, batch, place.done() if last else place, None)
                    moved = not last
        if moved:
            yield Page([], dump(place.done()))

    def _page(self, part: Selection, batch: Batch, place: Place, scan: str | None) -> Page:
        rows = with_derived(batch.rows, part.sobject, part.wanted)
        empty = pa.nulls(rows.num_rows, pa.string())
        columns = {n: rows.column(n) if n in part.wanted else empty for n in self._columns}
        told = self._org.counts if scan else {}
        total = sum(told.get(part.sobject, 0) for part in self._parts) if told else None
        return Page(pa.table(columns), dump(place), batch.gone, scan=scan, total=total)


def _what(parts: Sequence[Selection]) -> tuple[str, ...]:
    """Return what is read: objects, record types and, in short, fields.

    With another answer all is read anew: a field that has come to light is empty in what was read.
    """
    types = [one for part in parts for one in part.types or ()]
    fields = ",".join(name for part in parts for name in part.fields)
    return (*(part.sobject for part in parts), *types, sha256(fields.encode()).hexdigest()[:12])


def _nothing(names: Sequence[str]) -> pa.Table:
    return pa.table({name: pa.nulls(0, pa.string()) for name in names})


def _time(text: str | None) -> datetime:
    return datetime.fromisoformat(str(text))
