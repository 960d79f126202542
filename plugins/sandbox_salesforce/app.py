"""The service as an ASGI application: requests in, answers out, work in threads."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC
from email.utils import format_datetime
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sandbox_salesforce.call import Answer, Break, Call, Silence
from sandbox_salesforce.service import Service

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]


def make_app(service: Service, cut: Callable[[Request], None]) -> Starlette:
    """Return the application that answers for *service*; *cut* breaks a request's connection."""

    async def answer(request: Request) -> Response:
        body = await request.body()
        path = request.scope.get("raw_path", b"").decode("ascii") or request.url.path
        url = f"{path.partition('?')[0]}?{request.url.query}"
        call = make_call(service, request.method, url, request.headers, body)
        try:
            if service.faults is None:
                answered = await run_in_threadpool(service.answer, call)
            else:
                whole = str(request.url)
                answered = await run_in_threadpool(service.faults.answer, call, whole)
        except Silence:
            await _until_left(request)
            return Response(status_code=504)
        except Break:
            cut(request)
            return Response(status_code=502)
        return _response(service, answered, lambda: cut(request))

    return Starlette(routes=[Route("/{path:path}", answer, methods=_METHODS)])


def make_call(
    service: Service, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> Call:
    """Return a request as the service understands it."""
    known = {name.lower(): value for name, value in headers.items()}
    if known.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    asked = urlsplit(url)
    query = dict(parse_qsl(asked.query, keep_blank_values=True))
    # Clients that can't send PATCH say so in the query.
    method = query.pop("_HttpMethod", method).upper()
    token = _token(known.get("authorization", ""))
    return Call(service, method, asked.path, query, known, body, session=token)


def with_date(service: Service, answer: Answer) -> dict[str, str]:
    """Return all headers of an answer. Clients may take our clock for the CRM's: it is in them."""
    now = service.org.clock().astimezone(UTC)
    headers = {"Date": format_datetime(now, usegmt=True), **answer.headers}
    if answer.parts is not None or answer.body is not None:
        headers["Content-Type"] = answer.media  # as it is: Starlette would add a charset
    return headers


def _token(header: str) -> str:
    kind, _, token = header.partition(" ")
    return token.strip() if kind.lower() in ("bearer", "oauth") else ""


async def _until_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _response(service: Service, answer: Answer, cut: Callable[[], None]) -> Response:
    headers = with_date(service, answer)
    if answer.parts is not None:
        return StreamingResponse(_streamed(answer.parts, cut), answer.status, headers)
    return Response(answer.content(), answer.status, headers)


async def _streamed(parts: Iterator[bytes], cut: Callable[[], None]) -> AsyncIterator[bytes]:
    try:
        async for part in iterate_in_threadpool(parts):
            yield part
    except Break:
        cut()
