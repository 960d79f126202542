"""An org as a source."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from connector import AccessError, ExchangeRate, Page, Refused, Stream
from connector_salesforce import soql
from connector_salesforce.bulk import QueryJobs
from connector_salesforce.connection import Org
from connector_salesforce.news import News
from connector_salesforce.objects import EXPECTED, FIELDS, READ
from connector_salesforce.place import load
from connector_salesforce.rates import has_currencies, rates_of
from connector_salesforce.reading import Reading
from connector_salesforce.records import Records
from connector_salesforce.selection import Selections, columns_of

if TYPE_CHECKING:
    import httpx

    from connector_salesforce.settings import SalesforceSettings

logger = logging.getLogger(__name__)


class SalesforceSource:
    """Reads an org; *sleep* passes the time while a bulk query is worked on."""

    def __init__(
        self,
        settings: SalesforceSettings,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._org = Org(settings, transport=transport, objects=EXPECTED)
        self._selections = Selections(self._org, settings.record_types)
        self._records = Records(self._org, settings.page_size)
        self._jobs = QueryJobs(self._org, sleep)
        self._news = News(self._org, READ)

    def check(self) -> str:
        """Return user, org, instance, version and the API calls that are left."""
        for stream in Stream:
            if not stream.optional:
                self._selections.of(stream, list(FIELDS[stream].values()))
        said = [f"{self._user()} in {self._name()}", self._org.host, f"API {self._org.version}"]
        if usage := self._org.usage:
            used, limit = usage
            said.append(f"{limit - used} of {limit} API calls left")
        return ", ".join(said)

    def pull(self, stream: Stream, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:
        """Yield the pages after *cursor*; none of a stream whose objects the org has not.

        The first time, and again after so many days, it is a scan in the order of the ids; after
        that what was stamped since the last pull began, and what was deleted.
        """
        parts = self._selections.of(stream, fields)
        if not parts:
            return
        columns = columns_of(fields, parts)
        reading = Reading(
            self._org, self._settings, self._records, self._jobs, self._news, parts, columns
        )
        yield from reading.pages(load(cursor))

    def rates(self) -> Sequence[ExchangeRate]:
        """Return what a unit of each currency is in the corporate one; none if that is all."""
        if not has_currencies(self._org):
            return []
        return rates_of(self._org, self._settings.conversion_rate)

    def close(self) -> None:
        """Let go of the connections."""
        self._org.close()

    def _user(self) -> str:
        settings, session = self._settings, self._org.session()
        if settings.jwt is not None:
            return settings.jwt.username
        if session.user is not None:
            asked = soql.select(["Username"], "User", [soql.one_of("Id", [session.user])])
            for user in self._asked(asked):
                return str(user["Username"])
        return "somebody"

    def _name(self) -> str:
        for org in self._asked("SELECT Name, IsSandbox FROM Organization"):
            return f"{org['Name']!r}{' (sandbox)' if org['IsSandbox'] else ''}"
        return "an org"

    def _asked(self, query: str) -> Sequence[dict[str, object]]:
        """Return the records of a query, none if we may not ask it: it is only for show."""
        try:
            found: Sequence[dict[str, object]] = self._org.query(query)["records"]
        except (AccessError, Refused) as error:
            logger.info("%s", error)
            return ()
        return found
