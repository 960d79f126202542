"""An EspoCRM as a source."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from connector import AccessError, Page, Stream
from connector_espocrm.connection import Espo
from connector_espocrm.objects import ENTITIES
from connector_espocrm.place import load
from connector_espocrm.reading import Reading
from connector_espocrm.selection import selections
from connector_espocrm.stages import stages_of

if TYPE_CHECKING:
    import httpx

    from connector_espocrm.settings import EspoSettings

logger = logging.getLogger(__name__)


class EspoSource:
    """Reads an EspoCRM."""

    def __init__(
        self, settings: EspoSettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._espo = Espo(settings, transport=transport)

    def check(self) -> str:
        """Return who we are and where, once what every job reads has been read from."""
        for stream in Stream:
            if not stream.optional:
                for entity in ENTITIES[stream]:
                    self._espo.list(entity, ["id"], size=1)
        stages = stages_of(self._espo)
        won = ", ".join(stages.won)
        return f"{user_of(self._espo)} in {self._espo.site}; deals are won in {won}"

    def pull(self, stream: Stream, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:
        """Yield the pages after *cursor*; none of a stream whose entities are not shown to us.

        The first time, and again after so many days, it is a scan; else what has been changed
        since the last pull began.
        """
        yield from Reading(self._espo, selections(self._espo, stream, fields)).pages(load(cursor))

    def close(self) -> None:
        """Let go of the connections."""
        self._espo.close()


def user_of(espo: Espo) -> str:
    """Return what our user is called; "an API user" where EspoCRM does not tell."""
    # `App/user` is not in our sheet of facts: it is only for show.
    try:
        told = espo.get("App/user")
        return str(told["user"]["userName"])
    except (AccessError, LookupError, TypeError):
        return "an API user"
