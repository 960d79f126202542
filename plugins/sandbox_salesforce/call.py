"""A request and its answer, apart from any server: also parts of a Composite request are such."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import unquote

from sandbox_salesforce.refusal import ApiError, UnreadableBody

if TYPE_CHECKING:
    from sandbox_salesforce.org import Org
    from sandbox_salesforce.service import Service

_PARAMETER: Final = re.compile(r"\{(\w+)\}")


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: JSON, or bytes whole or in parts."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json;charset=UTF-8"
    parts: Iterator[bytes] | None = None

    def content(self) -> bytes:
        """Return the body in bytes."""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()


class Silence(Exception):
    """Nothing is answered, for as long as the client waits."""


class Break(Exception):
    """The connection breaks."""


Handler: TypeAlias = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a handler is: `{name}` stands for one part of the path."""

    method: str
    pattern: str
    handler: Handler


class Router:
    """Finds the handler of a request."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints: Sequence[tuple[Endpoint, re.Pattern[str]]] = [
            (one, re.compile(_PARAMETER.sub(r"(?P<\1>[^/]+)", one.pattern) + "/?", re.IGNORECASE))
            for one in endpoints
        ]

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        """Return the handler and what its path says; refuse paths and methods that are not."""
        there = False
        for one, pattern in self._endpoints:
            if found := pattern.fullmatch(path):
                if one.method == method:
                    args = {name: unquote(value) for name, value in found.groupdict().items()}
                    return one.handler, args
                there = True
        if there:
            raise ApiError("METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed.")
        raise ApiError("NOT_FOUND", "The requested resource does not exist")


def refused(error: ApiError) -> Answer:
    """Return the answer to a request that is refused as a whole."""
    return Answer([error.as_answer()], error.status)
