"""The paths of a server of Odoo, and the requests it has had."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias
from urllib.parse import urlsplit

from connector.sandbox import Answer, Asked, Endpoint, Router
from connector.sandbox.wire import NoSuchMethod, NoSuchPath
from sandbox_odoo import json2, jsonrpc, rpc, xmlrpc
from sandbox_odoo.calling import Caller
from sandbox_odoo.rpc import Noted

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """A request that came in, as tests look at it. *model* is empty where none is named.

    *transport* is "jsonrpc", "xmlrpc", "json2" or "web".
    """

    transport: str
    model: str
    method: str
    status: int


Handler: TypeAlias = Callable[[Asked, Mapping[str, str], Noted], Answer]


class Service:
    """Answers requests on one database."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.url = "https://sandbox.invalid"
        self.requests: list[Request] = []
        endpoints = [
            Endpoint[Handler]("POST", "/jsonrpc", self._jsonrpc),
            Endpoint[Handler]("POST", "/xmlrpc/2/{service}", self._xmlrpc),
            Endpoint[Handler]("POST", "/xmlrpc/{service}", self._old_xmlrpc),
            Endpoint[Handler]("POST", "/web/webclient/version_info", self._version_info),
        ]
        if caller.org.major >= 19:
            endpoints += [
                Endpoint[Handler]("POST", "/json/2/{model}/{method}", self._json2),
                Endpoint[Handler]("GET", "/doc-bearer/{model}.json", self._documented),
                Endpoint[Handler]("GET", "/web/version", self._version),
            ]
        self._router = Router(endpoints)

    def answer(self, asked: Asked) -> Answer:
        """Return the answer to a request, and note that it came."""
        path = urlsplit(asked.url).path
        noted = Noted()
        try:
            handler, args = self._router.find(asked.method, path)
            answer = handler(asked, args, noted)
        except NoSuchPath:
            answer = _page(404, "Not Found")
        except NoSuchMethod:
            answer = _page(405, "Method Not Allowed")
        except Exception:
            # The client sees 500, and may go on; whoever reads the log sees that it is our bug.
            logger.exception("the sandbox can't answer %s %s", asked.method, path)
            raise
        transport = {"jsonrpc": "jsonrpc", "xmlrpc": "xmlrpc", "json": "json2"}
        kind = transport.get(path.split("/")[1], "web")
        self.requests.append(Request(kind, noted.model, noted.method, answer.status))
        if self.caller.org.settings.keep_alive:
            return answer
        return replace(answer, headers={**answer.headers, "Connection": "close"})

    def now(self) -> datetime:
        """Return what time it is there."""
        return self.caller.org.clock()

    def close(self) -> None:
        """Let go of the records: they go with the object."""

    def _jsonrpc(self, asked: Asked, args: Mapping[str, str], noted: Noted) -> Answer:
        return jsonrpc.services(self.caller, asked.body, noted)

    def _version_info(self, asked: Asked, args: Mapping[str, str], noted: Noted) -> Answer:
        return jsonrpc.version_info(self.caller, asked.body, noted)

    def _xmlrpc(self, asked: Asked, args: Mapping[str, str], noted: Noted) -> Answer:
        return xmlrpc.answered(self.caller, args["service"], asked.body, noted, numbers=True)

    def _old_xmlrpc(self, asked: Asked, args: Mapping[str, str], noted: Noted) -> Answer:
        return xmlrpc.answered(self.caller, args["service"], asked.body, noted, numbers=False)

    def _json2(self, asked: Asked, args: Mapping[str, str], noted: Noted) -> Answer:
        noted.model, noted.method = args["model"], args["method"]
        return json2.answered(self.caller, noted.model, noted.method, asked.headers, asked.body)

    def _documented(self, asked: Asked, args: Mapping[str, str], noted: Noted) -> Answer:
        noted.model = args["model"]
        return json2.documented(self.caller, args["model"], asked.headers)

    def _version(self, asked: Asked, args: Mapping[str, str], noted: Noted) -> Answer:
        noted.method = "version"
        said = rpc.version(self.caller)
        return Answer(
            {"version_info": said["server_version_info"], "version": said["server_version"]}
        )


def _page(status: int, title: str) -> Answer:
    return Answer(f"<!doctype html>\n<title>{status} {title}</title>\n<h1>{title}</h1>\n", status,
                  media="text/html; charset=utf-8")  # fmt: skip
