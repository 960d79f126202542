"""The service as an ASGI application: requests in, answers out, work in threads."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from connector.sandbox.wire import Answer, Asked, Break, Silence

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]


def make_app(
    answer: Callable[[Asked, str], Answer],
    now: Callable[[], datetime],
    cut: Callable[[Request], None],
) -> Starlette:
    """Return the application that answers by *answer*, which is given the whole URL, too.

    *cut* breaks a request's connection, without a word.
    """

    async def answered(request: Request) -> Response:
        body = await request.body()
        path = request.scope.get("raw_path", b"").decode("ascii") or request.url.path
        url = f"{path.partition('?')[0]}?{request.url.query}"
        asked = make_asked(request.method, url, request.headers, body)
        try:
            found = await run_in_threadpool(answer, asked, str(request.url))
        except Silence:
            await _until_left(request)
            return Response(status_code=504)
        except Break:
            cut(request)
            return Response(status_code=502)
        headers = with_date(found, now())
        if found.parts is not None:
            parts = _streamed(found.parts, lambda: cut(request))
            return StreamingResponse(parts, found.status, headers)
        return Response(found.content(), found.status, headers)

    return Starlette(routes=[Route("/{path:path}", answered, methods=_METHODS)])


def make_asked(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Asked:
    """Return a request as services understand it."""
    known = {name.lower(): value for name, value in headers.items()}
    if known.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return Asked(method, url, known, body)


def with_date(answer: Answer, now: datetime) -> dict[str, str]:
    """Return all headers of an answer. Clients may take our clock for the CRM's: it is in them."""
    headers = {"Date": format_datetime(now.astimezone(UTC), usegmt=True), **answer.headers}
    if answer.parts is not None or answer.body is not None:
        headers["Content-Type"] = answer.media  # as it is: Starlette would add a charset
    return headers


async def _until_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _streamed(parts: Iterator[bytes], cut: Callable[[], None]) -> AsyncIterator[bytes]:
    try:
        async for part in iterate_in_threadpool(parts):
            yield part
    except Break:
        cut()
