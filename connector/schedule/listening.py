"""The scheduler over HTTP: `/healthz` for whoever restarts it, `/metrics` for Prometheus."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from typing import Final
from urllib.parse import urlsplit

from connector.errors import ConfigError
from connector.schedule.metrics import Metrics
from connector.schedule.watch import Watch

logger = logging.getLogger(__name__)

_NO_METRICS: Final = b"no metrics: install pyramid-connector[metrics]\n"
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
_PATIENCE: Final = 5.0
"""Seconds in which a request must have been sent."""


@contextmanager
def listening(address: str, watch: Watch, metrics: Metrics | None) -> Iterator[str]:
    """Answer at *address* (HOST:PORT) while the block runs; yield the URL."""
    host, port = _place(address)
    server = _server(host, port, watch, metrics, address)
    thread = threading.Thread(target=server.serve_forever, name="listening", daemon=True)
    thread.start()
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{server.server_address[1]}"
    logger.info("answering at %s/healthz and %s/metrics", url, url)
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _place(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{address}")
        if (
            parts.hostname
            and parts.port is not None
            and parts.netloc == address
            and "@" not in address
        ):
            return parts.hostname, parts.port
    except ValueError:
        pass
    raise ConfigError(f"--listen {address!r}: expected HOST:PORT, such as 127.0.0.1:9464")


def _server(
    host: str, port: int, watch: Watch, metrics: Metrics | None, address: str
) -> ThreadingHTTPServer:
    class Handler(_Handler):
        def answer(self) -> tuple[int, str, bytes]:
            match self.path.partition("?")[0]:
                case "/healthz":
                    well, said = watch.health()
                    return (200 if well else 503), "application/json", json.dumps(said).encode()
                case "/metrics" if metrics is not None:
                    return 200, _TEXT, metrics.text()
                case "/metrics":
                    return 501, _TEXT, _NO_METRICS
            return 404, _TEXT, b"/healthz or /metrics\n"

    class Server(ThreadingHTTPServer):
        address_family = AF_INET6 if ":" in host else ThreadingHTTPServer.address_family
        daemon_threads = True

    try:
        return Server((host, port), Handler)
    except OSError as error:
        raise ConfigError(
            f"--listen {address!r}: {error.strerror}; name an address of this computer and a port"
            " that is free"
        ) from error


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE

    def answer(self) -> tuple[int, str, bytes]:
        raise NotImplementedError  # each server has a handler of its own that knows

    def do_GET(self) -> None:
        status, kind, body = self.answer()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - as http.server calls it

    def version_string(self) -> str:
        return "pyramid-connector"

    def log_message(self, format: str, *args: object) -> None:
        logger.debug("answered %s", self.command)
