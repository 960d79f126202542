"""A database of Tryton as a source.

Pages come in the order of the ids, each asked for after the last record of the page before:
nothing is held open, any page can be gone on from, and no change moves a record to another place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import uuid4

from connector import Page, Stream
from connector_tryton.models import STAMP, Model, model_of
from connector_tryton.place import Place, dump, load
from connector_tryton.server import Tryton

if TYPE_CHECKING:
    import httpx

    from connector_tryton.settings import TrytonSettings


class TrytonSource:
    """Reads a database of Tryton."""

    def __init__(
        self, settings: TrytonSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._tryton = Tryton(settings, transport=transport)

    def check(self) -> str:
        """Return who we are, in which company; every model that is read must be there."""
        models = [model for stream in Stream if (model := self._model(stream)) is not None]
        for model in models:
            self._tryton.may(model.name, module=model.module)
        company = self._tryton.company[1]
        read = ", ".join(model.name for model in models)
        return f"{self._tryton.name} as {self._settings.user}, company {company}: {read}"

    def pull(self, stream: Stream, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:
        """Yield the records after *cursor*, archived ones too."""
        model = self._model(stream)
        if model is not None:
            yield from _Reading(self._tryton, self._settings, model, fields).pages(load(cursor))

    def close(self) -> None:
        """Let go of the connections."""
        self._tryton.close()

    def _model(self, stream: Stream) -> Model | None:
        given = self._settings
        return model_of(
            stream,
            self._tryton.company[0],
            deals=given.deals,
            parties=given.parties,
            deals_where=given.deals_where,
        )


class _Reading:
    """One pull of one stream: those of *fields* that the model has."""

    def __init__(
        self, tryton: Tryton, settings: TrytonSettings, model: Model, fields: Sequence[str]
    ) -> None:
        self._tryton = tryton
        self._settings = settings
        self._model = model
        self._columns = [name for name in fields if self._has(model.asked(name))]

    def pages(self, place: Place | None) -> Iterator[Page]:
        """Go on at *place*; begin without one, or if it is of something else."""
        of, now = self._what(), self._tryton.now.isoformat()
        if place is None or place.of != of:
            return self._scan(Place(of, scan=uuid4().hex, mark=now))
        if place.scan:
            return self._scan(place)
        if place.mark:
            return self._changes(place)
        if self._is_due(place):
            return self._scan(replace(place, scan=uuid4().hex, mark=now))
        return self._changes(replace(place, mark=now))

    def _scan(self, place: Place) -> Iterator[Page]:
        total = self._tryton.count(self._model.name, self._model.domain)
        for rows, here in self._batches(place, self._model.domain):
            yield Page(rows, dump(here), scan=place.scan, total=total)

    def _changes(self, place: Place) -> Iterator[Page]:
        since = datetime.fromisoformat(place.since) - timedelta(seconds=self._settings.overlap)
        # What changes while this is read is found from the mark on, by the next reading.
        domain = [self._model.domain, (STAMP, ">=", since)]
        moved = bool(place.after)
        for rows, here in self._batches(place, domain):
            if rows or moved:
                yield Page(rows, dump(here))
                moved = True

    def _batches(
        self, place: Place, domain: Sequence[object]
    ) -> Iterator[tuple[list[dict[str, object]], Place]]:
        size, ended = self._settings.page_size, False
        asked = [self._model.asked(name) for name in self._columns]
        while not ended:
            found = self._tryton.search_read(
                self._model.name,
                [domain, ("id", ">", place.after)],
                list(dict.fromkeys(["id", *asked])),
                limit=size,
            )
            ended = len(found) < size
            place = place.done() if ended else replace(place, after=int(found[-1]["id"]))
            yield [self._row(record) for record in found], place

    def _row(self, record: dict[str, object]) -> dict[str, object]:
        return {name: self._model.value(record, name) for name in self._columns}

    def _has(self, field: str, model: str | None = None) -> bool:
        """Say whether there is such a field, also in the record that a dotted one leads to."""
        root, _, leaf = field.partition(".")
        found = self._tryton.described(model or self._model.name).get(root.partition(":")[0])
        if found is None or not leaf:
            return found is not None
        return "relation" in found and self._has(leaf, found["relation"])

    def _is_due(self, place: Place) -> bool:
        days = timedelta(days=self._settings.full_every)
        return self._tryton.now - datetime.fromisoformat(place.scanned) >= days

    def _what(self) -> str:
        """Return what is read, in short: with another answer all is read anew."""
        what = (self._tryton.name, self._tryton.company[0], self._model, sorted(self._columns))
        return sha256(repr(what).encode()).hexdigest()[:16]
