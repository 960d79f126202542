"""An Odoo as a source."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from connector import AccessError, Page, Stream
from connector_odoo.connection import Odoo
from connector_odoo.place import load
from connector_odoo.reading import Reading
from connector_odoo.selection import selected
from connector_odoo.streams import FIELDS, Origin, origin_of

if TYPE_CHECKING:
    import httpx

    from connector_odoo.settings import OdooSettings

logger = logging.getLogger(__name__)


class OdooSource:
    """Reads an Odoo."""

    def __init__(
        self, settings: OdooSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._odoo = Odoo(settings, transport=transport)
        self._said: set[Stream] = set()

    def check(self) -> str:
        """Return user, database, server and version, once what a job relies on is there."""
        odoo = self._odoo
        user = odoo.user()
        for stream in Stream:
            origin = origin_of(stream, self._settings)
            if origin is not None and not stream.optional:
                fields = odoo.needed(origin.model, origin.app)
                selected(odoo, stream, origin, fields, list(FIELDS[stream].values()))
                odoo.count(origin.model, [["id", "=", 0]])  # raises if it may not be read
        return f"{user} in {self._settings.database!r}, {odoo.host}, Odoo {odoo.version}"

    def pull(self, stream: Stream, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:
        """Yield the pages after *cursor*; none of a stream that this Odoo has nothing for.

        The first time, after so many days, and when records have been deleted, it is a scan in the
        order of the numbers; else what was stamped since the last pull began.
        """
        origin = origin_of(stream, self._settings)
        if origin is None:
            self._say(stream, "nothing to read")
            return
        try:
            reading = self._reading(stream, origin, fields)
            if reading is not None:
                yield from reading.pages(load(cursor))
        except AccessError as error:
            if not stream.optional:
                raise
            self._say(stream, str(error), logging.WARNING)

    def close(self) -> None:
        """Let go of the connections."""
        self._odoo.close()

    def _reading(self, stream: Stream, origin: Origin, wanted: Sequence[str]) -> Reading | None:
        if not stream.optional:
            self._odoo.needed(origin.model, origin.app)
        fields = self._odoo.fields_of(origin.model)
        if fields is None:
            self._say(stream, f"the app {origin.app} is not installed")
            return None
        selection = selected(self._odoo, stream, origin, fields, wanted)
        terms = self._settings.filters.get(stream, ())
        return Reading(self._odoo, self._settings, selection, stream, [*origin.domain, *terms])

    def _say(self, stream: Stream, why: str, level: int = logging.INFO) -> None:
        if stream not in self._said:
            self._said.add(stream)
            logger.log(level, "%s: no %s: %s", self._odoo.host, stream, why)
