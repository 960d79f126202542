"""An EspoCRM: one client for all that is asked of it, which stops at the first refused login."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from connector import AccessError, AuthError, RemoteError
from connector.http import NoAnswer, NotFound, crm_client
from connector_espocrm.advice import ADDRESS, Denied, Unexplained
from connector_espocrm.judge import judged
from connector_espocrm.search import Condition, Record, above, as_parameter, search_of
from connector_espocrm.signing import auth_of

if TYPE_CHECKING:
    from connector_espocrm.settings import EspoSettings

logger = logging.getLogger(__name__)


class Espo:
    """An EspoCRM, asked as its API user; with *admin* as the administrator that the job names."""

    def __init__(
        self,
        settings: EspoSettings,
        *,
        transport: httpx.BaseTransport | None = None,
        admin: bool = False,
    ) -> None:
        self.settings = settings
        self.site = settings.url.partition("://")[2]
        self._refused: str | None = None
        self._clock: datetime | None = None
        self._fields: dict[str, Mapping[str, Mapping[str, Any]] | None] = {}
        self._client = crm_client(
            settings.api_url,
            auth=auth_of(settings, admin=admin),
            headers={"Accept": "application/json"},
            timeout=settings.timeout,
            transport=transport,
            judge=judged,
        )

    @property
    def now(self) -> datetime:
        """Return the time by the clock of EspoCRM, as its last answer told it.

        Changes are stamped by that clock. Where nothing has been asked yet, something is.
        """
        if self._clock is None:
            self.list("Account", ["id"], size=1)
        return self._clock or datetime.now(UTC)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the JSON of a good answer, numbers with a point exact; raise our error else.

        After a refused login nothing more is sent: more than ten within a minute, and EspoCRM
        locks this computer's address out, right keys too.
        """
        if self._refused is not None:
            raise AuthError(self._refused)
        begun = time.monotonic()
        try:
            response = self._client.request(
                method, path, params=params, json=json, headers=dict(headers or {})
            )
        except AuthError as error:
            self._refused = str(error)
            raise
        except Unexplained as error:
            if not self._is_locked_out():
                raise
            # As a missing right, it would count against each record that is asked for.
            self._refused = str(error)
            raise AuthError(self._refused) from error
        self._note(response, time.monotonic() - begun)
        try:
            return response.json(parse_float=Decimal)
        except NoAnswer as error:
            raise NoAnswer(f"{error}; if it stays so, {ADDRESS}") from error

    def get(self, path: str, **params: str) -> Any:
        """Return what is at *path* below the API."""
        return self.request("GET", path, params=params or None)

    def list(
        self,
        entity: str,
        select: Sequence[str],
        where: Sequence[Condition] = (),
        *,
        after: str | None = None,
        size: int | None = None,
    ) -> Sequence[Record]:
        """Return a page of *entity*, in the order of the ids, beginning after the id *after*.

        Ids never change, and so no record moves from page to page, whoever edits it meanwhile.
        """
        beyond = [above("id", after)] if after else []
        search = search_of(select, [*where, *beyond], size=size or self.settings.page_size)
        params = {"searchParams": as_parameter(search)}
        answer = self.request("GET", entity, params=params, headers={"X-No-Total": "true"})
        records = answer.get("list") if isinstance(answer, dict) else None
        if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
            raise AccessError(f"GET {self.site}: the answer holds no list of {entity}; {ADDRESS}")
        if after and any(one.get("id") == after for one in records):
            raise self.ignored(entity, "id")
        return records

    def all(
        self, entity: str, select: Sequence[str], where: Sequence[Condition] = ()
    ) -> Iterator[Record]:
        """Yield all records of *entity* for which *where* holds."""
        after, size = None, self.settings.page_size
        while True:
            page = self.list(entity, ["id", *select], where, after=after)
            yield from page
            if len(page) < size:
                return
            after = str(page[-1]["id"])

    def create(self, entity: str, values: Mapping[str, object]) -> Record:
        """Return the new record of *entity*."""
        return self._record(self.request("POST", entity, json=values, headers=_NO_DUPLICATES))

    def update(self, entity: str, record: str, values: Mapping[str, object]) -> Record:
        """Return a record as it is once *values* are set in it."""
        path = f"{entity}/{quote(record, safe='')}"
        return self._record(self.request("PUT", path, json=values, headers=_NO_DUPLICATES))

    def fields(self, entity: str, *, anew: bool = False) -> Mapping[str, Mapping[str, Any]] | None:
        """Return the definitions of an entity's fields; None where we may not know them."""
        if anew or entity not in self._fields:
            self._fields[entity] = self._defined(f"entityDefs.{entity}.fields")
        return self._fields[entity]

    def ignored(self, entity: str, attribute: str) -> RemoteError:
        """Return the error for an answer that a condition should have kept out."""
        return RemoteError(
            f"{self.site}: {entity} came as if the condition on {attribute!r} had not been there;"
            " see that nothing on the way (a firewall, a proxy) takes parameters out of requests"
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _defined(self, key: str) -> Mapping[str, Mapping[str, Any]] | None:
        try:
            found = self.get("Metadata", key=key)
        except NotFound:
            return None
        except AccessError as error:
            logger.info("%s", error)
            return None
        return found if isinstance(found, dict) and found else None

    def _record(self, answer: Any) -> Record:
        if not isinstance(answer, dict) or not answer.get("id"):
            raise NoAnswer(f"{self.site}: the answer holds no record")
        return answer

    def _is_locked_out(self) -> bool:
        """Say whether we are refused what every job may read."""
        params = {"searchParams": as_parameter(search_of(["id"], (), size=1))}
        try:
            self._client.get("Account", params=params)
        except Denied:
            return True
        return False

    def _note(self, response: httpx.Response, seconds: float) -> None:
        try:
            told = parsedate_to_datetime(response.headers.get("date", ""))
        except ValueError:
            return
        told = told if told.tzinfo else told.replace(tzinfo=UTC)
        # What was stamped while the answer was made is not taken for read.
        self._clock = told - timedelta(seconds=int(seconds))


_NO_DUPLICATES = {"X-Skip-Duplicate-Check": "true"}
"""An account is no new one, and a task of ours was looked for by its marker."""
