"""A CRM that repeats every secret it is sent, and an adapter that is careless with its own.

Its settings say what goes wrong, so that a test can be told where a secret would come out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, SecretBytes, SecretStr

from connector import (
    FIELDS,
    Adapter,
    Applied,
    BrowserLogin,
    Change,
    Current,
    HeldTask,
    Page,
    PutTask,
    RemoteError,
    SetFields,
    Stream,
    WriteOutcome,
    granted,
    hookimpl,
)
from connector.http import crm_client, outcome_of

ROWS: dict[Stream, list[dict[str, object]]] = {
    Stream.ACCOUNTS: [
        {"id": f"A{n}", "name": f"Company {n}", "owner_id": "rep"} for n in range(1, 9)
    ],
    Stream.OPPORTUNITIES: [
        {
            "id": f"D{n}",
            "account_id": f"A{n}",
            "status": "won",
            "amount": 10_000 // n,
            "close_date": f"2025-0{n}-01",
        }
        for n in range(1, 9)
    ],
}


class Login(BaseModel):
    """A secret inside a table."""

    model_config = ConfigDict(extra="forbid")
    user: str = "me"
    password: SecretStr | None = None


class LeakySettings(BaseModel):
    """Where the secret is kept and what goes wrong."""

    model_config = ConfigDict(extra="forbid")
    token: SecretStr
    raw: SecretBytes | None = None
    tokens: list[SecretStr] = []
    login: Login = Login()
    mode: str = "good"
    size: int = 1
    oauth: str | None = None


def answer(request: httpx.Request) -> httpx.Response:
    """Return an answer that holds all that came with *request*."""
    request.read()
    sent = f"{dict(request.headers)} {request.url} {request.content.decode()}"
    said: dict[str, Any] = {"error": sent[-150:], "auth": request.headers.get("authorization")}
    match request.headers["x-mode"]:
        case "lost":
            raise httpx.ReadError(f"connection lost while sending {sent}", request=request)
        case "unreachable":
            raise httpx.ConnectError(f"no route to {request.url}", request=request)
        case "header":
            raise httpx.LocalProtocolError(f"Illegal header value {sent!r}", request=request)
        case "redirect":
            return httpx.Response(302, headers={"location": str(request.url)}, text=sent)
        case "page":
            return httpx.Response(502, html=f"<title>{sent}</title>")
        case status if status.isdigit():
            return httpx.Response(int(status), json=said)
        case "refuses" if request.method == "PATCH":
            return httpx.Response(422, json=said)
        case "forgets" if request.method == "PATCH":
            return httpx.Response(500, json=said)
    return httpx.Response(200, json={})


class Leaky:
    """Source and writer; sends its secret in path, query, header and body."""

    def __init__(self, settings: LeakySettings) -> None:
        self.mode = settings.mode
        self.token = settings.token.get_secret_value()
        if grant := granted():
            self.token = grant.renewed(grant.token()).access
        if self.mode == "bug at once":
            raise ValueError(f"can't understand {settings.token.get_secret_value()!r}")
        self.http = crm_client(
            f"https://crm.example/rest/{quote(self.token, safe='')}",
            headers={"X-Api-Key": self.token, "X-Mode": self.mode},
            auth=(self.token, self.token),
            transport=httpx.MockTransport(answer),
        )

    def send(self, method: str = "POST") -> None:
        """Send the secret in every place that a request has."""
        if self.mode == "bug":
            raise KeyError(json.dumps({"token": self.token}))
        form = {"client_secret": self.token, "refresh_token": self.token}
        self.http.request(method, "/me", params={"api_key": self.token}, data=form)

    def check(self, fields: Sequence[str] = ()) -> str:
        self.send()
        return "me"

    def pull(self, stream: Stream, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:
        self.send()
        if cursor is None and stream in ROWS:
            yield Page(ROWS[stream], "1")

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        self.send()
        tasks: list[HeldTask] = []
        return Current([{"id": one, **dict.fromkeys(fields)} for one in accounts], tasks)

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        for change in changes:
            assert isinstance(change, SetFields | PutTask)
            try:
                self.send("PATCH")
                yield Applied(change.marker, "1")
            except RemoteError as error:
                yield outcome_of(change.marker, error)

    def close(self) -> None:
        self.http.close()


def browser_login(settings: LeakySettings) -> BrowserLogin | None:
    """Return how a person logs in at the server that the settings name, with their secret."""
    secret = settings.token.get_secret_value()
    url = settings.oauth
    return BrowserLogin(f"{url}/authorize", f"{url}/token", "me", secret) if url else None


@hookimpl
def adapters() -> Sequence[Adapter[Any]]:
    """Return the adapter `leaky`."""
    fields = {stream: {name: name for name in FIELDS[stream]} for stream in ROWS}
    return [
        Adapter("leaky", LeakySettings, fields, source=Leaky, writer=Leaky, login=browser_login)
    ]
