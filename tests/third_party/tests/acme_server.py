"""A small Acme CRM on loopback: what it holds is in memory, its faults can be switched on."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

FIELDS = ("id", "company", "owner", "type", "pyramid_tier", "pyramid_movement")
NEW_TASK = {"status": "open", "closed_on": None}


class AcmeCRM:
    """The CRM: records with the number of their last change, of which a deletion is one too."""

    def __init__(self, page_size: int = 2) -> None:
        self.page_size = page_size
        self.records: dict[str, dict[str, dict[str, Any]]] = {"accounts": {}, "deals": {}}
        self.changes: dict[str, dict[str, int]] = {"accounts": {}, "deals": {}}
        self.numbers = count(1)
        self.tasks: dict[str, dict[str, Any]] = {}
        self.token = "acme-t0ken"  # noqa: S105 - of a server that lives for one test
        self.refused: set[str] = set()
        self.answers_to_lose = 0
        crm = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                sent = json.loads(self.rfile.read(length) or "{}")
                status, body = 401, {"error": "unknown token"}
                if self.headers["Authorization"] == f"Bearer {crm.token}":
                    status, body = crm.answer(self.command, urlsplit(self.path), sent)
                if crm.answers_to_lose and self.command in ("PATCH", "PUT"):
                    crm.answers_to_lose -= 1
                    return
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815 - as http.server calls them

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.005,))
        self.thread.start()

    def stop(self) -> None:
        if self.thread.is_alive():
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()

    def put(self, kind: str, row: dict[str, Any]) -> None:
        self.records[kind].setdefault(row["id"], {}).update(row)
        self.changes[kind][row["id"]] = next(self.numbers)

    def delete(self, kind: str, key: str) -> None:
        del self.records[kind][key]
        self.changes[kind][key] = next(self.numbers)

    def answer(self, method: str, url: Any, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        _, kind, *rest = url.path.split("/")
        key = unquote(rest[0]) if rest else ""
        if kind == "me":
            return 200, {"user": "Ann", "fields": FIELDS}
        if kind == "lookup":
            tasks = [task for task in self.tasks.values() if task["account"] in sent["ids"]]
            accounts = self.records["accounts"]
            empty = dict.fromkeys(FIELDS)
            held = [empty | accounts[one] for one in sent["ids"] if one in accounts]
            return 200, {"accounts": held, "tasks": tasks}
        if method == "GET":
            return 200, self.page(kind, int(parse_qs(url.query)["after"][0]))
        return self.write(kind, key, sent)

    def page(self, kind: str, after: int) -> dict[str, Any]:
        changed = sorted((number, key) for key, number in self.changes[kind].items())
        found = [(number, key) for number, key in changed if number > after][: self.page_size]
        held = self.records[kind]
        return {
            "rows": [held[key] for _, key in found if key in held],
            "deleted": [key for _, key in found if key not in held],
            "cursor": found[-1][0] if found else after,
        }

    def write(self, kind: str, key: str, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        account = sent.get("account", key) if kind == "tasks" else key
        if account in self.refused:
            return 422, {"error": "locked by a rule"}
        if kind == "accounts" and key in self.records["accounts"]:
            self.put("accounts", {"id": key, **sent})
        elif kind == "tasks" and self.tasks.get(key, NEW_TASK)["status"] == "open":
            self.tasks[key] = {
                "id": key,
                "marker": key,
                **NEW_TASK,
                **self.tasks.get(key, {}),
                **sent,
            }
        elif kind != "tasks":
            return 404, {"error": f"no account {key}"}
        return 200, {"id": key}
