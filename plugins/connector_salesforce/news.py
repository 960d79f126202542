"""What happened in an org since a run before, asked of many objects in one call: most are quiet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from connector import Refused
from connector_salesforce.connection import QUERIES, query_path
from connector_salesforce.selection import has_feed, stamp_of, tells_deleted
from connector_salesforce.soql import select

if TYPE_CHECKING:
    from connector_salesforce.connection import Org
    from connector_salesforce.selection import Selection

_MISSED: Final = ("EXCEEDED_ID_LIMIT", "INVALID_REPLICATION_DATE")
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class News:
    """The news of a run up to the moment in which it began.

    *expected* are the objects that will be asked about: those whose descriptions have come are
    asked about together.
    """

    def __init__(self, org: Org, expected: Sequence[str]) -> None:
        self._org = org
        self._expected = expected
        self._stamps: dict[str, datetime | None] = {}
        self._deleted: dict[str, tuple[datetime, Any]] = {}

    @cached_property
    def begun(self) -> datetime:
        """Return the moment, by the clock of Salesforce, up to which changes are read.

        It is one for all streams. What is answered later knows all that was stamped before it.
        """
        return self._org.now

    def is_quiet(self, sobject: str, since: datetime) -> bool:
        """Say whether nothing was stamped from *since* until we began; False if not told."""
        if sobject not in self._stamps:
            self._ask_stamps(sobject)
        stamp = self._stamps[sobject]
        return stamp is not None and stamp < since

    def deleted(self, parts: Sequence[Selection], start: datetime) -> list[str] | None:
        """Return the ids of what was deleted from *start* until we began, also from the bin.

        None if Salesforce no longer knows all of them.
        """
        gone: list[str] = []
        for part in parts:
            if not part.has_feed:
                continue
            try:
                said = self._said_of(part.sobject, start)
            except Refused as error:
                if error.code in _MISSED:
                    return None
                raise
            earliest = said.get("earliestDateAvailable")
            if earliest and datetime.fromisoformat(earliest) > start:
                return None
            gone += [str(one["id"]) for one in said["deletedRecords"]]
        return gone

    def _ask_stamps(self, sobject: str) -> None:
        known = {name: one for name, one in self._known() if name not in self._stamps}
        stamps = {name: stamp for name, one in known.items() if (stamp := stamp_of(one))}
        # The one in question first; where it has no company, to read its changes costs no more.
        asked = sorted(stamps, key=lambda name: name != sobject)[:QUERIES]
        self._stamps[sobject] = None
        if sobject not in asked or len(asked) == 1:
            return
        paths = [_last(name, stamps[name], known[name]) for name in asked]
        for name, page in zip(asked, self._org.together(paths), strict=True):
            if page is not None:
                told = [str(record[stamps[name]]) for record in page["records"]]
                self._stamps[name] = datetime.fromisoformat(told[0]) if told else _NEVER

    def _said_of(self, sobject: str, start: datetime) -> Any:
        if not self._deleted:
            asked = [name for name, described in self._known() if has_feed(described)]
            asked = asked if len(asked) > 1 else []
            found = self._org.together([self._feed(name, start) for name in asked])
            self._deleted = {name: (start, one) for name, one in zip(asked, found, strict=True)}
        since, said = self._deleted.get(sobject, (start, None))
        if said is not None and since <= start:
            return said
        return self._org.get(self._feed(sobject, start))

    def _known(self) -> list[tuple[str, Mapping[str, Any]]]:
        described = self._org.described
        return [(name, described[name]) for name in self._expected if name in described]

    def _feed(self, sobject: str, start: datetime) -> str:
        window = {"start": _time(start), "end": _time(self.begun)}
        return f"sobjects/{sobject}/deleted/?{urlencode(window)}"


def _last(sobject: str, stamp: str, described: Mapping[str, Any]) -> str:
    """Return where the last stamp of an object is told."""
    last = select([stamp], sobject, after=f" ORDER BY {stamp} DESC LIMIT 1")
    return query_path(last, deleted=tells_deleted(described))


def _time(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
