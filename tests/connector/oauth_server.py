"""A CRM on loopback that rotates refresh tokens: one that is used twice ends the login."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs


class OAuthCRM:
    """Takes the newest access token only; *waits_for* holds refusals back till so many came."""

    def __init__(self, waits_for: int = 1) -> None:
        self.numbers = count(1)
        self.access, self.refresh = "access-0", "refresh-0"
        self.renewals: list[str] = []
        self.taken: list[str] = []
        self.rotates = True
        self.refuses = False
        self.gate = threading.Barrier(waits_for)
        self.lock = threading.Lock()
        crm = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def body(self) -> str:
                if length := self.headers.get("Content-Length"):
                    return self.rfile.read(int(length)).decode()
                chunks = []
                while size := int(self.rfile.readline(), 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                return b"".join(chunks).decode()

            def do_POST(self) -> None:
                body = self.body()
                if self.path == "/token":
                    with crm.lock:
                        status, said = crm.renew(parse_qs(body))
                else:
                    status, said = crm.take(self.headers["Authorization"] or "", body)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(said).encode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.005,))
        self.thread.start()

    def expire(self) -> None:
        self.access = f"access-{next(self.numbers)}"

    def renew(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if form["grant_type"] == ["authorization_code"]:
            if self.refuses:
                return 400, {"error": "invalid_grant", "error_description": str(form)}
            return 200, {"access_token": self.access, "refresh_token": self.refresh}
        (sent,) = form["refresh_token"]
        self.renewals.append(sent)
        if form["grant_type"] != ["refresh_token"] or form["client_id"] != ["me"]:
            return 400, {"error": "invalid_request"}
        if sent != self.refresh:
            self.refresh = "none"
            return 400, {"error": "invalid_grant", "error_description": f"{sent} was used"}
        self.expire()
        if not self.rotates:
            return 200, {"access_token": self.access}
        self.refresh = f"refresh-{next(self.numbers)}"
        return 200, {"access_token": self.access, "refresh_token": self.refresh}

    def take(self, authorization: str, body: str) -> tuple[int, dict[str, Any]]:
        if authorization != f"Bearer {self.access}":
            if self.gate.parties > 1:
                self.gate.wait(timeout=60)
            return 401, {"error": f"token is expired: {authorization}"}
        with self.lock:
            self.taken.append(body)
        return 200, {"ok": True}

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
