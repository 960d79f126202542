"""Where a reading of a stream stands, as the text of a cursor."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on; times are texts in ISO 8601.

    *of* says of what (server, model, domain, columns): anything else is read from its beginning.
    *scan* names the full reading under way; without it changes are read, those since *since*.
    *mark* is when the reading under way began, *after* the last record of it. *scanned* is when
    all was last read.
    """

    of: str
    since: str = ""
    scanned: str = ""
    scan: str = ""
    mark: str = ""
    after: int = 0

    def done(self) -> Place:
        """Return the place after a reading that began at *mark* has ended."""
        return Place(self.of, self.mark, self.mark if self.scan else self.scanned)


def dump(place: Place) -> str:
    """Return *place* as a cursor."""
    said = {name: value for name, value in asdict(place).items() if value}
    return json.dumps({"v": _VERSION, **said})


def load(cursor: str | None) -> Place | None:
    """Return the place that a cursor of ours holds; None if it is none, or of another version."""
    try:
        said = json.loads(cursor or "{}")
        return Place(**said) if said.pop("v") == _VERSION else None
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
