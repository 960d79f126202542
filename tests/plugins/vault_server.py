"""A Vault on loopback that answers as its HTTP API says, for one KV engine of version 2."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

Answer = tuple[int, dict[str, Any]]


class VaultServer:
    """What is held by mount and path; None stands for a version that was deleted."""

    def __init__(self) -> None:
        self.token = "hvs.t0ken"  # noqa: S105 - of a server that lives for one test
        self.namespace: str | None = None
        self.sealed = False
        self.held: dict[tuple[str, str], dict[str, Any] | None] = {}
        vault = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                status, body = vault.answer(self.path, dict(self.headers.items()))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.005,))
        self.thread.start()

    def answer(self, path: str, headers: dict[str, str]) -> Answer:
        if headers.get("X-Vault-Request") != "true":
            return 412, {"errors": ["missing 'X-Vault-Request' header"]}
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        allowed = headers.get("X-Vault-Token") == self.token
        if not allowed or headers.get("X-Vault-Namespace") != self.namespace:
            return 403, {"errors": ["permission denied"]}
        _, version, mount, kind, *rest = path.split("/")
        where = (unquote(mount), unquote("/".join(rest)))
        if version != "v1" or kind != "data" or where not in self.held:
            return 404, {"errors": []}
        data = self.held[where]
        metadata = {"version": 3, "destroyed": False, "deletion_time": "" if data else "2026-01-01"}
        body = {
            "request_id": "6c5c", "lease_id": "", "renewable": False, "lease_duration": 0,
            "data": {"data": data, "metadata": metadata},
            "wrap_info": None, "warnings": None, "auth": None, "mount_type": "kv",
        }  # fmt: skip
        return (200 if data is not None else 404), body

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
