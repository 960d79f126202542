"""A request and its answer, apart from any server: also parts of a Composite request are such."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from connector.sandbox import Answer, Asked, wire
from sandbox_salesforce.refusal import ApiError, UnreadableBody

if TYPE_CHECKING:
    from sandbox_salesforce.org import Org
    from sandbox_salesforce.service import Service


@dataclass(slots=True)
class Noted:
    """What is noted of a request while it is answered."""

    counted: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A request: of whom, to what, with what. *path* is as it was sent, not decoded.

    *session* is the token it came with, *user* whose it is; empty where none is needed.
    """

    service: Service
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = ""
    version: int = 0
    user: str = ""
    session: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    noted: Noted = field(default_factory=Noted)

    @property
    def org(self) -> Org:
        """Return the organisation that is asked."""
        return self.service.org

    def json(self) -> Any:
        """Return the body, read as JSON; refuse one that is not."""
        try:
            return json.loads(self.body or b"null")
        except ValueError as error:
            raise UnreadableBody(f"Unexpected character: {error}") from None

    def record(self) -> dict[str, Any]:
        """Return the body, read as one object of JSON."""
        body = self.json()
        if not isinstance(body, dict):
            raise UnreadableBody("The HTTP entity body is required, but this request has no body")
        return body


Handler: TypeAlias = Callable[[Call], Answer]
Endpoint: TypeAlias = wire.Endpoint[Handler]


class Paths:
    """Finds the handler of a request, whatever the case of its path."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._router = wire.Router(endpoints, fold=True)

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        """Return the handler and what its path says; refuse paths and methods that are not."""
        try:
            return self._router.find(method, path)
        except wire.NoSuchMethod:
            raise ApiError("METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed.") from None
        except wire.NoSuchPath:
            raise ApiError("NOT_FOUND", "The requested resource does not exist") from None


def make_call(service: Service, asked: Asked) -> Call:
    """Return a request as it is understood here."""
    parts = urlsplit(asked.url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    # Clients that can't send PATCH say so in the query.
    method = query.pop("_HttpMethod", asked.method).upper()
    token = _token(asked.headers.get("authorization", ""))
    return Call(service, method, parts.path, query, asked.headers, asked.body, session=token)


def _token(header: str) -> str:
    kind, _, token = header.partition(" ")
    return token.strip() if kind.lower() in ("bearer", "oauth") else ""


def refused(error: ApiError) -> Answer:
    """Return the answer to a request that is refused as a whole."""
    return Answer([error.as_answer()], error.status)
