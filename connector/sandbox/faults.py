"""Faults on purpose, done on the server's side: any client suffers them, also one not of ours.

The script is that of `connector.testing.faults`, and its transport does the faults: here it lies
between the web server and the service. What it raises where it stands for a client, the server does
to a real one: it keeps still, or breaks the connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import httpx

from connector.sandbox.transport import InProcess
from connector.sandbox.wire import Answer, Asked, Break, Service, Silence
from connector.testing.faults import Clock, FaultyTransport, Play, RequestFault, Script

FaultScript: TypeAlias = Script[httpx.Request, RequestFault] | Play[httpx.Request, RequestFault]


class Faults:
    """A service with the faults of a script."""

    def __init__(self, service: Service, script: FaultScript, clock: Clock) -> None:
        self._transport = FaultyTransport(InProcess(service), script, clock=clock)

    @property
    def play(self) -> Play[httpx.Request, RequestFault]:
        """What has happened so far."""
        return self._transport.play

    def answer(self, asked: Asked, url: str) -> Answer:
        """Return what is heard of the answer to *asked*; raise Silence or Break for nothing."""
        request = httpx.Request(asked.method, url, headers=dict(asked.headers), content=asked.body)
        try:
            response = self._transport.handle_request(request)
        except httpx.TimeoutException:
            raise Silence from None
        except httpx.NetworkError:
            raise Break from None
        headers = {
            name: value
            for name, value in response.headers.items()
            if name not in ("content-type", "content-length", "date")
        }
        return Answer(
            status=response.status_code,
            headers=headers,
            media=response.headers.get("content-type", "text/plain"),
            parts=_heard(response),
        )


def _heard(response: httpx.Response) -> Iterator[bytes]:
    # Not `iter_raw`: an answer that the script left alone has been read.
    assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 - for the types alone
    try:
        yield from response.stream
    except httpx.NetworkError:
        raise Break from None
