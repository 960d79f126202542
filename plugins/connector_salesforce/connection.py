"""An org: one client for all that is asked of it, and one token, renewed once when it runs out."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

import httpx

from connector import AccessError, Allowance, ConfigError, Refused, granted
from connector.http import NoAnswer, NotFound, crm_client
from connector_salesforce.bridge import PLACEHOLDER, metadata, salesforce
from connector_salesforce.judge import judged, said_in
from connector_salesforce.login import Session, granted_session, logged_in

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce
    from simple_salesforce.metadata import SfdcMetadataApi

    from connector_salesforce.settings import SalesforceSettings

logger = logging.getLogger(__name__)

_SOAP: Final = "/services/Soap/"
_USAGE: Final = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")
_DAY: Final = 86_400.0
QUERIES: Final = 5
"""Queries that a Composite takes."""
_SET_ANEW: Final = ("authorization", "host", "content-length", "transfer-encoding")


class Org:
    """An org, opened when it is first asked for something. Threads may share it.

    *objects* are those that will be asked for: they are described and counted in one call.
    """

    def __init__(
        self,
        settings: SalesforceSettings,
        *,
        transport: httpx.BaseTransport | None = None,
        objects: Sequence[str] = (),
    ) -> None:
        self.settings = settings
        self._objects = self._expected = objects
        self.version = settings.api_version
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._granted = granted()
        self._described: dict[str, Mapping[str, Any]] = {}
        self._usage: tuple[int, int] | None = None
        self._clock: datetime | None = None
        self._client = crm_client(
            "",
            auth=_Auth(self),
            headers={"Accept": "application/json"},
            timeout=settings.timeout,
            transport=transport,
            judge=judged,
            allowances=allowances,
        )

    @property
    def host(self) -> str:
        """Return the host of the instance, as a message names it."""
        return httpx.URL(self.session().instance).netloc.decode()

    @property
    def usage(self) -> tuple[int, int] | None:
        """Return how many API calls the org has used in 24 hours, and may; None if not told."""
        return self._usage

    @property
    def now(self) -> datetime:
        """Return the time by the clock of Salesforce, as its last answer told it."""
        return self._clock or datetime.now(UTC)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Return the answer to a request, a good one; raise our error for any other.

        *path* begins with a slash (`/services/...`), or is below that of the API's version.
        """
        request = self._built(method, path, params, json, content, headers)
        return self._noted(self._client.send(request))

    def get(self, path: str, **params: str | int) -> Any:
        """Return the JSON that is at *path*; its numbers with a point are exact."""
        return exact(self.request("GET", path, params=params))

    def query(self, soql: str, *, deleted: bool = False) -> Any:
        """Return the first page of what *soql* selects; with *deleted* what is in the bin too."""
        return self.get("queryAll" if deleted else "query", q=soql)

    def queries(self, asked: Sequence[str], *, deleted: bool = False) -> Iterator[Any]:
        """Yield the first page of each query of *asked*, several of them in a call."""
        for start in range(0, len(asked), QUERIES):
            some = asked[start : start + QUERIES]
            paths = [query_path(soql, deleted=deleted) for soql in some]
            came = self.together(paths) if len(some) > 1 else [None]
            for soql, page in zip(some, came, strict=True):
                yield page or self.query(soql, deleted=deleted)

    @contextmanager
    def stream(self, path: str, **params: str | int) -> Iterator[httpx.Response]:
        """Give an answer whose body is still to be read; one that breaks off is NoAnswer."""
        request = self._built("GET", path, params, None, None, {"Accept": "*/*"})
        response = self._noted(self._client.send(request, stream=True))
        try:
            yield response
        except (httpx.TransportError, httpx.DecodingError) as error:
            where = f"GET {response.request.url.host}{response.request.url.path}"
            raise NoAnswer(f"{where}: the answer broke off: {type(error).__name__}") from error
        finally:
            response.close()

    def describe(self, sobject: str) -> Mapping[str, Any]:
        """Return what an object is: its fields that we may see; raise NotFound if it is none."""
        if sobject in self._objects:
            self._describe_together()
        if sobject not in self._described:
            try:
                self._described[sobject] = getattr(self.simple, sobject).describe()
            except ValueError as error:  # of requests: cut off, or a page for people
                raise NoAnswer(f"{self.host}: the description of {sobject} is no JSON") from error
        return self._described[sobject]

    @property
    def described(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the objects whose descriptions have come."""
        return self._described

    def _describe_together(self) -> None:
        """Describe the objects that are expected; one that fails is described by itself."""
        names, self._objects = self._objects, ()
        found = self.together([f"sobjects/{name}/describe" for name in names])
        self._described |= {name: one for name, one in zip(names, found, strict=True) if one}

    def together(self, paths: Sequence[str]) -> Sequence[Any]:
        """Return the JSON at each of *paths*, below the version, asked for in one call.

        None for what did not come that way and is to be asked for by itself. At most 25 paths, five
        of them queries.
        """
        # Our sheet of facts says neither what Composite takes nor that it counts as one call, which
        # is from memory of the vendor's guide; nothing rests on it but what a run costs.
        base = f"/services/data/v{self.version}/"
        parts = [
            {"method": "GET", "url": base + path, "referenceId": f"part{number}"}
            for number, path in enumerate(paths)
        ]
        try:
            answer = self.request("POST", "composite", json={"compositeRequest": parts})
            came = {
                part["referenceId"]: part["body"]
                for part in exact(answer)["compositeResponse"]
                if part["httpStatusCode"] == httpx.codes.OK
            }
        except (AccessError, Refused, LookupError, TypeError):
            came = {}
        return [came.get(f"part{number}") for number in range(len(paths))]

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Return how many records there are of each expected object, roughly; empty if not told."""
        try:
            told = self.get("limits/recordCount", sObjects=",".join(self._expected))["sObjects"]
        except (AccessError, Refused):
            return {}
        return {str(one["name"]): int(one["count"]) for one in told}

    @cached_property
    def simple(self) -> Salesforce:
        """Return simple-salesforce, whose every request goes through `request`."""
        return salesforce(self._carried, self.host, self.version)

    def metadata(self) -> SfdcMetadataApi:
        """Return the Metadata API of simple-salesforce (it takes a second to open)."""
        return metadata(self.simple)

    def session(self) -> Session:
        """Return the session, begun if there is none yet."""
        with self._lock:
            if self._session is None:
                self._expect_version(session := self._begun(None))
                self._session = session
            return self._session

    def renewed(self, refused: Session) -> Session:
        """Return the session that follows the *refused* one, whichever thread has begun it."""
        with self._lock:
            if self._session is refused:
                logger.info("the token is no longer taken; getting another")
                self._session = self._begun(refused)
            return self._session or refused

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _begun(self, refused: Session | None) -> Session:
        if self.settings.login is not None:
            return granted_session(self.settings, self._granted, refused)
        return logged_in(self.settings, self._client)

    def _built(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        json: object,
        content: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> httpx.Request:
        below = path if path.startswith("/") else f"/services/data/v{self.version}/{path}"
        url = f"{self.session().instance}{below}"
        return self._client.build_request(
            method, url, params=params or None, json=json, content=content, headers=headers
        )

    def _carried(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        return self.request(method, path, content=body or None, headers=headers)

    def _noted(self, response: httpx.Response) -> httpx.Response:
        for allowed in allowances(response):
            self._usage = (allowed.limit - allowed.left, allowed.limit)
        self._clock = date_of(response) or self._clock
        return response

    def _expect_version(self, session: Session) -> None:
        """Raise ConfigError unless the org offers our version of the API."""
        try:
            answer = self._client.get(f"{session.instance}/services/data/", auth=None)
        except NotFound as error:
            raise AccessError(f"{error}; this is no org: check domain and instance_url") from error
        try:
            offered = sorted({str(one["version"]) for one in answer.json()}, key=float)
        except (TypeError, LookupError, ValueError):
            raise AccessError(
                f"{session.instance}: it does not tell the versions of its API; check domain and"
                " instance_url"
            ) from None
        if offered and self.version not in offered:
            old = float(self.version) < float(offered[0])
            raise ConfigError(
                f"salesforce: api_version: the org {'no longer' if old else 'does not'}"
                f" {'offers' if old else 'offer'} {self.version}; it has {offered[0]} to"
                f" {offered[-1]}: write one of these"
            )


class _Auth(httpx.Auth):
    """Sends the token of an org; refused, the request goes out once more with a new one."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        request.read()
        session = self._org.session()
        response = yield _signed(request, session)
        if _is_expired(response):
            yield _signed(request, self._org.renewed(session))


def _signed(request: httpx.Request, session: Session) -> httpx.Request:
    """Return *request* for the instance of *session*, with its token."""
    headers = [(k, v) for k, v in request.headers.multi_items() if k.lower() not in _SET_ANEW]
    content = request.content
    if request.url.path.startswith(_SOAP):
        content = content.replace(PLACEHOLDER.encode(), session.token.encode())
    return httpx.Request(
        request.method,
        httpx.URL(session.instance).copy_with(raw_path=request.url.raw_path),
        headers=[*headers, ("Authorization", f"Bearer {session.token}")],
        content=content or None,
        extensions=request.extensions,
    )


def _is_expired(response: httpx.Response) -> bool:
    soap = response.status_code == 500 and response.request.url.path.startswith(_SOAP)
    if response.status_code != httpx.codes.UNAUTHORIZED and not soap:
        return False
    response.read()
    return said_in(response)[0] == "INVALID_SESSION_ID"


def allowances(response: httpx.Response) -> Sequence[Allowance]:
    """Return the limit of a day, where an answer tells of it."""
    found = _USAGE.search(response.headers.get("sforce-limit-info", ""))
    if found is None:
        return []
    used, limit = int(found[1]), int(found[2])
    return [Allowance(limit, max(0, limit - used), _DAY)]


def query_path(soql: str, *, deleted: bool) -> str:
    """Return what is below the version for a query; with *deleted* for what is in the bin too."""
    return f"{'queryAll' if deleted else 'query'}?q={quote_plus(soql)}"


def exact(response: httpx.Response) -> Any:
    """Return the JSON of an answer, amounts as they are written."""
    return response.json(parse_float=Decimal)


def date_of(response: httpx.Response) -> datetime | None:
    """Return the time of an answer by the clock of who sent it."""
    try:
        date = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
