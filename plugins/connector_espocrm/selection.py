"""What is asked of each entity of a stream, and what has to be among the answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector import AccessError, ConfigError, Stream
from connector_espocrm.objects import ENTITIES, FIELDS, LACKS, NEEDED, NEEDS, STAMP, WITHOUT_STAMP
from connector_espocrm.rows import Shape, shape_of
from connector_espocrm.search import is_name

if TYPE_CHECKING:
    from connector_espocrm.connection import Espo
    from connector_espocrm.search import Record

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Selection:
    """How an entity is read: *select* is asked for, *shape* makes rows of it.

    Records without one of *needed* are an error, those without one of *usual* are not. One that is
    *required* is read by every job.
    """

    entity: str
    select: Sequence[str]
    shape: Shape
    needed: frozenset[str]
    required: bool
    site: str

    @property
    def meaning(self) -> str:
        """Return what the rows mean: they are read anew where that changes."""
        return f"{self.entity}: {self.shape.meaning}"

    def row(self, record: Record) -> dict[str, object]:
        """Return a record as a row."""
        return self.shape.row(record)

    def expect(self, records: Sequence[Record]) -> None:
        """Raise AccessError if what is needed is not in *records*.

        EspoCRM leaves out what it does not know, or may not show us, without a word.
        """
        if not records:
            return
        missing = sorted(self.needed - {name for record in records for name in record})
        if missing:
            raise AccessError(
                f"{self.site}: {self.entity} shows no {missing[0]!r}; correct the name in the job"
                " (Administration > Entity Manager > the entity > Fields), or let the role read it"
                " (Administration > Roles > the role > Field Level)"
            )


def selections(espo: Espo, stream: Stream, asked: Sequence[str]) -> list[Selection]:
    """Return how the entities of *stream* are read."""
    return [_selection(espo, stream, entity, asked) for entity in ENTITIES[stream]]


def _selection(espo: Espo, stream: Stream, entity: str, asked: Sequence[str]) -> Selection:
    needs, lacks = NEEDS.get(entity, {}), LACKS.get(entity, ())
    usual = {*FIELDS[stream].values(), *needs}
    for name in asked:
        if name not in usual and not is_name(name):
            raise ConfigError(f"espocrm: {name!r} is no name of an attribute; correct the job")
    wanted = [name for name in asked if name not in lacks]
    real = [name for name in wanted if name not in needs]
    derived = [need for name in wanted for need in needs.get(name, ())]
    stamp = [] if entity in WITHOUT_STAMP else [STAMP]
    vital = {name for name in (*real, *derived) if name in NEEDED.get(entity, ())}
    # Of several entities only one may have what the job names.
    named = {name for name in real if name not in usual} if len(ENTITIES[stream]) == 1 else set()
    return Selection(
        entity=entity,
        select=list(dict.fromkeys(["id", *stamp, *real, *derived])),
        shape=shape_of(espo, entity, wanted, [*usual]),
        needed=frozenset(vital | named),
        required=not stream.optional,
        site=espo.site,
    )
