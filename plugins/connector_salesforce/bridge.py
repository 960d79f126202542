"""simple-salesforce over our client: its requests go where all others go, its token is ours.

It knows https alone, no time-out, and renews tokens in ways of its own. So it gets a session whose
every request is carried out by the org, and a placeholder where it wants a token: what it does not
hold it can't lose, log or keep for too long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.metadata import SfdcMetadataApi
from urllib3 import HTTPResponse
from zeep.transports import Transport

if TYPE_CHECKING:
    import httpx

PLACEHOLDER: Final = "00D-OUR-SESSION-PUTS-THE-TOKEN-HERE"
"""What stands for the token in the requests of simple-salesforce."""

_OURS: Final = {"authorization", "host", "content-length", "connection", "accept-encoding"}
_DONE: Final = {"content-encoding", "transfer-encoding", "content-length"}

Send: TypeAlias = "Callable[[str, str, bytes, Mapping[str, str]], httpx.Response]"
"""Carries out method, path with query, body and headers."""


def salesforce(send: Send, host: str, version: str) -> Salesforce:
    """Return a simple-salesforce whose every request is carried out by *send*."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Carrier(send))
    return Salesforce(session_id=PLACEHOLDER, instance=host, version=version, session=session)


def metadata(simple: Salesforce) -> SfdcMetadataApi:
    """Return its Metadata API, which otherwise has a transport of its own."""
    api = simple.mdapi
    api._client.transport = _Quiet(session=simple.session)  # type: ignore[no-untyped-call] # zeep's have no types
    return api


class _Carrier(HTTPAdapter):
    """Hands requests over, wherever they are addressed to: there is one org."""

    def __init__(self, send: Send) -> None:
        super().__init__()
        self._send = send

    def send(
        self, request: requests.PreparedRequest, *arguments: Any, **options: Any
    ) -> requests.Response:
        url = urlsplit(str(request.url))
        path = f"{url.path}?{url.query}" if url.query else url.path
        headers = {k: _text(v) for k, v in request.headers.items() if k.lower() not in _OURS}
        answer = self._send(str(request.method), path, _content(request.body), headers)
        raw = HTTPResponse(
            body=BytesIO(answer.content),
            headers={k: v for k, v in answer.headers.items() if k.lower() not in _DONE},
            status=answer.status_code,
            reason=answer.reason_phrase,
            preload_content=False,
        )
        return self.build_response(request, raw)


class _Quiet(Transport):
    """Does not write what it sends and gets into the log."""

    def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> requests.Response:
        response: requests.Response = self.session.post(address, data=message, headers=headers)
        return response


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


def _content(body: object) -> bytes:
    if body is None:
        return b""
    return body if isinstance(body, bytes) else str(body).encode()
