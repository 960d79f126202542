"""An org that answers as a test says; logins and versions are answered without being told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import httpx

from connector_salesforce.connection import Org
from connector_salesforce.settings import SalesforceSettings

SECRET = "c0nsumer-s3cret"  # noqa: S105 - of no app
HOST = "acme.my.salesforce.com"
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
Answer = httpx.Response | Exception
Handler = Callable[[httpx.Request], Answer]


def settings(**given: Any) -> SalesforceSettings:
    app = {"client_id": "3MVG9", "client_secret": SECRET}
    login = {} if {"jwt", "refresh", "password"} & given.keys() else {"client_credentials": app}
    return SalesforceSettings.model_validate({"domain": "acme", **login, **given})


def failure(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json=[{"message": message, "errorCode": code}])


class Answers(httpx.BaseTransport):
    """Answers by method and path below the version; keeps what was asked."""

    def __init__(self, paths: Mapping[str, Handler] | None = None) -> None:
        self.paths = dict(paths or {})
        self.asked: list[httpx.Request] = []
        self.tokens = count(1)
        self.token = ""
        self.login: Handler = self._log_in
        self.soap_login: Handler = lambda request: failure(404, "NOT_FOUND", "not here")
        self.versions = ["58.0", "62.0", "63.0"]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        answer = self._answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _answer(self, request: httpx.Request) -> Answer:
        path = request.url.path
        if path == "/services/oauth2/token":
            return self.login(request)
        if path.startswith("/services/Soap/u/"):
            return self.soap_login(request)
        if path == "/services/data/":
            return httpx.Response(200, json=[{"version": one} for one in self.versions])
        if request.headers["authorization"] != f"Bearer {self.token}":
            return httpx.Response(401, json=EXPIRED)
        handler = self.paths.get(f"{request.method} {path.removeprefix('/services/data/v62.0/')}")
        return handler(request) if handler else failure(404, "NOT_FOUND", "not here")

    def _log_in(self, request: httpx.Request) -> Answer:
        self.token = f"00Dt0ken!{next(self.tokens)}"
        said = {"access_token": self.token, "instance_url": f"https://{HOST}"}
        return httpx.Response(200, json=said)

    def expire(self) -> None:
        self.token = "nobody's"  # noqa: S105 - of no org

    @property
    def logins(self) -> int:
        return sum(one.url.path == "/services/oauth2/token" for one in self.asked)


def opened(answers: httpx.BaseTransport, **given: Any) -> Org:
    return Org(settings(**given), transport=answers)
