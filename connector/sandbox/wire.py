"""A request and its answer, apart from any server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, Protocol, TypeVar
from urllib.parse import unquote

_PARAMETER: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in.

    *url* is the path with its query, as it was sent, not decoded; *headers* have lower-case names;
    *body* is what was sent, unpacked.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


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


class Service(Protocol):
    """A CRM that answers requests. *url* is set to where it can be reached."""

    url: str

    def answer(self, asked: Asked) -> Answer:
        """Return the answer to a request, whatever it is; called from several threads at once."""
        ...

    def now(self) -> datetime:
        """Return what time it is there, with its zone."""
        ...

    def close(self) -> None:
        """Stop what is under way, and let go of the records."""
        ...


H = TypeVar("H")


@dataclass(frozen=True)  # with slots, `Endpoint[H](...)` can't be called
class Endpoint(Generic[H]):
    """Where a handler is: `{name}` stands for one part of the path."""

    method: str
    pattern: str
    handler: H


class NoSuchPath(Exception):
    """No endpoint has this path."""


class NoSuchMethod(Exception):
    """An endpoint has this path, but none with this method."""


class Router(Generic[H]):
    """Finds the handler of a request."""

    def __init__(self, endpoints: Iterable[Endpoint[H]], *, fold: bool = False) -> None:
        """*fold*: the case of letters makes no difference in paths."""
        flags = re.IGNORECASE if fold else re.NOFLAG
        self._endpoints: Sequence[tuple[Endpoint[H], re.Pattern[str]]] = [
            (one, re.compile(_PARAMETER.sub(r"(?P<\1>[^/]+)", one.pattern) + "/?", flags))
            for one in endpoints
        ]

    def find(self, method: str, path: str) -> tuple[H, dict[str, str]]:
        """Return the handler and what its path says, decoded; or raise what is missing."""
        there = False
        for one, pattern in self._endpoints:
            if found := pattern.fullmatch(path):
                if one.method == method:
                    args = {name: unquote(value) for name, value in found.groupdict().items()}
                    return one.handler, args
                there = True
        raise NoSuchMethod(method) if there else NoSuchPath(path)
