"""A service as a transport of httpx: for clients in this process, without a server between."""

from __future__ import annotations

import httpx

from connector.sandbox.app import make_asked, with_date
from connector.sandbox.wire import Service


class InProcess(httpx.BaseTransport):
    """Carries the requests of an `httpx.Client` to *service*, whatever host they name."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the service's answer."""
        url = request.url.raw_path.decode("ascii")
        asked = make_asked(request.method, url, request.headers, request.read())
        answer = self._service.answer(asked)
        content = b"".join(answer.parts) if answer.parts is not None else answer.content()
        headers = with_date(answer, self._service.now())
        return httpx.Response(answer.status, headers=headers, content=content)
