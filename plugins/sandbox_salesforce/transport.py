"""The service as a transport of httpx: for clients in this process, without a server between."""

from __future__ import annotations

import httpx

from sandbox_salesforce.app import make_call, with_date
from sandbox_salesforce.service import Service


class InProcess(httpx.BaseTransport):
    """Carries the requests of an `httpx.Client` to *service*, whatever host they name."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the service's answer."""
        url = request.url.raw_path.decode("ascii")
        body = request.read()
        call = make_call(self._service, request.method, url, request.headers, body)
        answer = self._service.answer(call)
        content = b"".join(answer.parts) if answer.parts is not None else answer.content()
        headers = with_date(self._service, answer)
        return httpx.Response(answer.status, headers=headers, content=content)
