"""Faults of HTTP: a transport that does to requests and answers what networks and gateways do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Final, Literal, TypeAlias, assert_never

import httpx

from connector.testing.faults.script import (
    Clock,
    Late,
    Meanwhile,
    Overtaken,
    Play,
    Script,
    Twice,
    playing,
)

When: TypeAlias = Literal["connecting", "before", "after"]
"""No connection at all; sent, but lost before it was carried out; carried out, the answer lost."""

_OF_BODY: Final = ("content-length", "content-encoding", "transfer-encoding")


@dataclass(frozen=True, slots=True)
class Timeout:
    """Nothing is heard until the client's timeout is over."""

    when: When = "after"


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection breaks; *midway*: after half of the answer."""

    when: When | Literal["midway"] = "after"


@dataclass(frozen=True, slots=True)
class Slow:
    """The answer begins after *seconds*; if that is over the client's timeout, it times out."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Drip:
    """The answer comes *size* bytes at a time, with *pause* seconds before each."""

    pause: float = 1.0
    size: int = 1


@dataclass(frozen=True, slots=True)
class Status:
    """The answer is this one. *carried_out*: after all was done, as by a gateway that gave up."""

    code: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    carried_out: bool = False


@dataclass(frozen=True, slots=True)
class TooMany:
    """429; try again after *after* seconds, said as a number or *as_date*. None: not said."""

    after: float | None = None
    as_date: bool = False


@dataclass(frozen=True, slots=True)
class Html:
    """A page for people in place of the answer: a login, a gateway's apology."""

    status: int = 200
    title: str = "Sign in"
    carried_out: bool = False


@dataclass(frozen=True, slots=True)
class Truncated:
    """The answer ends after this *part* of its body, as if it were whole."""

    part: float = 0.5


@dataclass(frozen=True, slots=True)
class Altered:
    """Another request arrives, or another answer: how a CRM says that it did a part of it.

    *request* makes what arrives of what was sent, *answer* the body that is heard of the true one.
    """

    request: Callable[[httpx.Request], httpx.Request] | None = None
    answer: Callable[[bytes], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Jump:
    """The CRM's clock is set on, or back, by *seconds* before it answers."""

    seconds: float


RequestFault: TypeAlias = (
    Timeout
    | Reset
    | Slow
    | Drip
    | Status
    | TooMany
    | Html
    | Truncated
    | Altered
    | Jump
    | Twice
    | Overtaken
    | Meanwhile
)


USUAL: Final[Sequence[RequestFault]] = (
    Timeout("before"),
    Timeout("after"),
    Reset("midway"),
    Truncated(0.6),
    Html(200),
    Html(502, "Bad gateway"),
    Status(503),
    TooMany(3),
)
"""What happens to the requests to any CRM, sooner or later."""


class FaultyTransport(httpx.BaseTransport):
    """Carries requests by *inner*, with the faults of *script*.

    *clock* is what waits for timeouts and slow answers, and what the answers say the time is.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        script: Script[httpx.Request, RequestFault] | Play[httpx.Request, RequestFault],
        *,
        clock: Clock | None = None,
    ) -> None:
        self.play = playing(script)
        self.clock = clock or Clock()
        self._inner = inner
        self._late = Late()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, or raise what httpx raises."""
        request.read()  # so that it can be carried out twice, or later
        self._late.catch_up()
        fault = self.play.fault_of(request)
        match fault:
            case None:
                return self._answer(request)
            case Timeout(when=when):
                raise self._timed_out(request, when)
            case Reset(when=when):
                return self._reset(request, when)
            case Overtaken(by=by):
                self._late.put_off(by, lambda: self._answer(request))
                raise self._timed_out(request, "before")
            case Meanwhile(do=do):
                do()
                return self._answer(request)
            case Jump(seconds=seconds):
                self.clock.jump(seconds)
                return self._answer(request)
            case Twice():
                self._answer(request)
                return self._answer(request)
            case Status() | TooMany() | Html():
                return self._replaced(request, fault)
            case Slow() | Drip() | Truncated() | Altered():
                return self._changed(request, fault)
            case _:
                assert_never(fault)

    def close(self) -> None:
        """Let go of the inner transport."""
        self._inner.close()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        response.read()
        response.headers.setdefault("date", format_datetime(self.clock.now, usegmt=True))
        return response

    def _timed_out(self, request: httpx.Request, when: When) -> httpx.TimeoutException:
        if when == "after":
            self._answer(request)
        which = "connect" if when == "connecting" else "read"
        self.clock.sleep(_timeout(request, which) or 0.0)
        kind = httpx.ConnectTimeout if when == "connecting" else httpx.ReadTimeout
        return kind("timed out", request=request)

    def _reset(self, request: httpx.Request, when: When | Literal["midway"]) -> httpx.Response:
        if when == "connecting":
            raise httpx.ConnectError("connection refused", request=request)
        if when == "before":
            raise httpx.ReadError("connection reset by peer", request=request)
        whole = self._answer(request)
        if when == "after":
            raise httpx.ReadError("connection reset by peer", request=request)
        half = whole.content[: len(whole.content) // 2]
        error = httpx.ReadError("connection reset by peer", request=request)
        return _like(whole, _Stream([half], error=error))

    def _replaced(self, request: httpx.Request, fault: Status | TooMany | Html) -> httpx.Response:
        date = {"date": format_datetime(self.clock.now, usegmt=True)}
        match fault:
            case TooMany(after=after, as_date=as_date):
                if after is not None:
                    until = self.clock.now + timedelta(seconds=after)
                    said = format_datetime(until, usegmt=True) if as_date else f"{after:g}"
                    date["retry-after"] = said
                return httpx.Response(429, headers=date, text="too many requests")
            case Status(code=code, text=text, headers=headers):
                made = httpx.Response(code, headers={**date, **headers}, text=text)
            case Html(status=status, title=title):
                page = f"<!doctype html><title>{title}</title><h1>{title}</h1>"
                made = httpx.Response(status, headers=date, html=page)
            case _:
                assert_never(fault)
        if fault.carried_out:
            self._answer(request)
        return made

    def _changed(
        self, request: httpx.Request, fault: Slow | Drip | Truncated | Altered
    ) -> httpx.Response:
        if isinstance(fault, Altered) and fault.request is not None:
            request = fault.request(request)
        whole = self._answer(request)
        body = whole.content
        match fault:
            case Slow(seconds=seconds):
                self._wait(request, seconds)
            case Drip(pause=pause, size=size):
                parts = [body[start : start + size] for start in range(0, len(body), size)]
                return _like(whole, _Stream(parts, before=lambda: self._wait(request, pause)))
            case Truncated(part=part):
                body = body[: int(len(body) * part)]
            case Altered(answer=answer):
                body = answer(body) if answer is not None else body
            case _:
                assert_never(fault)
        return _like(whole, _Stream([body]))

    def _wait(self, request: httpx.Request, seconds: float) -> None:
        """Let *seconds* pass, or as many as the client waits for a byte."""
        limit = _timeout(request, "read")
        if limit is not None and seconds > limit:
            self.clock.sleep(limit)
            raise httpx.ReadTimeout("timed out", request=request)
        self.clock.sleep(seconds)


class _Stream(httpx.SyncByteStream):
    """A body in parts, with something *before* each, that may break off with an *error*."""

    def __init__(
        self,
        parts: list[bytes],
        *,
        before: Callable[[], None] | None = None,
        error: Exception | None = None,
    ) -> None:
        self._parts = parts
        self._before = before or (lambda: None)
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            self._before()
            yield part
        if self._error is not None:
            raise self._error


def _like(response: httpx.Response, stream: _Stream) -> httpx.Response:
    """Return *response* with another body, whose length nobody has announced."""
    headers = [(k, v) for k, v in response.headers.multi_items() if k not in _OF_BODY]
    return httpx.Response(response.status_code, headers=headers, stream=stream)


def _timeout(request: httpx.Request, which: str) -> float | None:
    limits: Mapping[str, float | None] = request.extensions.get("timeout", {})
    return limits.get(which)
