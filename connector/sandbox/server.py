"""The application on loopback, in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp


class Server:
    """Listens from the start; answers once it is started."""

    def __init__(self, port: int, tls: ssl.SSLContext | None) -> None:
        self._socket = socket.create_server(("127.0.0.1", port))
        # For what it accepts too: else each answer waits 40 ms to be acknowledged.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tls = tls
        self.port: int = self._socket.getsockname()[1]
        self._open: dict[Any, asyncio.Transport] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: uvicorn.Server | None = None

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def start(self, app: ASGIApp) -> None:
        """Answer by *app* until it is stopped."""
        config = uvicorn.Config(
            app, lifespan="off", ws="none", log_config=None, access_log=False,
            http=self._protocol(), loop="asyncio", date_header=False, server_header=False,
            log_level="critical", timeout_graceful_shutdown=1,
        )  # fmt: skip
        config.load()
        config.ssl = self._tls
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)

    def cut(self, request: Request) -> None:
        """Break the connection of *request*, without a word."""
        client = request.scope["client"]
        if (transport := self._open.get(tuple(client))) is not None:
            transport.abort()

    def stop(self) -> None:
        """Answer no more."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._cut_all)
            self._thread.join()
        self._socket.close()

    def _cut_all(self) -> None:
        # Clients that keep connections open would be waited for.
        for transport in [*self._open.values()]:
            transport.abort()

    def _protocol(self) -> type[asyncio.Protocol]:
        """Return uvicorn's protocol, with which we know what connections there are."""
        server = self

        class Known(H11Protocol):
            # uvicorn narrows the type in the same way.
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                server._loop = asyncio.get_running_loop()
                server._open[transport.get_extra_info("peername")] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                server._open.pop(self.client, None)
                super().connection_lost(exc)

        return cast("type[asyncio.Protocol]", Known)


class Certificate:
    """A certificate for loopback, and the authority that clients must trust for it."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        import trustme

        self._authority = trustme.CA()
        self._leaf = self._authority.issue_cert("localhost", "127.0.0.1", *names)

    @property
    def authority(self) -> str:
        """The authority's certificate, as PEM."""
        return self._authority.cert_pem.bytes().decode()

    def context(self) -> ssl.SSLContext:
        """Return what the server needs."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._leaf.configure_cert(made)
        return made
