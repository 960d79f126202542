"""What was deleted and is no longer in the bin, where a query would still show it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from connector import Refused

if TYPE_CHECKING:
    from connector_salesforce.connection import Org
    from connector_salesforce.selection import Selection

_MISSED: Final = ("EXCEEDED_ID_LIMIT", "INVALID_REPLICATION_DATE")


def deleted_between(
    org: Org, parts: Sequence[Selection], start: datetime, end: datetime
) -> list[str] | None:
    """Return the ids of what was deleted; None if Salesforce no longer knows all of them."""
    gone: list[str] = []
    for part in parts:
        if not part.has_feed:
            continue
        path = f"sobjects/{part.sobject}/deleted/"
        try:
            said = org.get(path, start=_time(start), end=_time(end))
        except Refused as error:
            if error.code in _MISSED:
                return None
            raise
        earliest = said.get("earliestDateAvailable")
        if earliest and datetime.fromisoformat(earliest) > start:
            return None
        gone += [str(one["id"]) for one in said["deletedRecords"]]
    return gone


def _time(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
