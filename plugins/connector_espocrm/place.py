"""Where a reading of a stream stands, as the text of a cursor."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Final

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on; times are texts in ISO 8601.

    *site* and *read* say of what: anything else is read from its beginning. *scan* names the full
    reading under way; without it changes are read, those since *since*. *mark* is when the reading
    under way began, *part* the entity that it has come to, *after* the id of its last record.
    *scanned* is when all was last read, *without* the entities that were not shown to us then.
    """

    site: str
    read: tuple[str, ...]
    since: str | None = None
    scanned: str | None = None
    scan: str | None = None
    mark: str | None = None
    part: int = 0
    after: str | None = None
    without: tuple[str, ...] = ()

    def done(self) -> Place:
        """Return the place after a reading that began at *mark* has ended."""
        scanned = self.mark if self.scan else self.scanned
        return Place(self.site, self.read, since=self.mark, scanned=scanned, without=self.without)

    def next_part(self) -> Place:
        """Return the beginning of the next entity."""
        return replace(self, part=self.part + 1, after=None)


def dump(place: Place) -> str:
    """Return *place* as a cursor."""
    said = {name: value for name, value in asdict(place).items() if value}
    return json.dumps({"v": _VERSION, **said})


def load(cursor: str | None) -> Place | None:
    """Return the place that a cursor of ours holds; None if it is none, or of another version."""
    try:
        said = json.loads(cursor or "{}")
        if said.pop("v") != _VERSION:
            return None
        return Place(
            **{**said, "read": tuple(said["read"]), "without": tuple(said.get("without", ()))}
        )
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
