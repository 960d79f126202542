"""Clients of a sandbox, one for each transport, without a network."""

from __future__ import annotations

import xmlrpc.client
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox_odoo.sandbox import OdooSandbox


@dataclass(frozen=True)
class Rpc:
    """Calls by JSON-RPC."""

    sandbox: OdooSandbox
    http: httpx.Client
    password: str

    def service(self, service: str, method: str, *args: Any) -> Any:
        """Return the whole answer."""
        params = {"service": service, "method": method, "args": args}
        body = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        answer = self.http.post("/jsonrpc", json=body)
        assert answer.status_code == 200
        return answer.json()

    def whole(self, model: str, method: str, *args: Any, **named: Any) -> Any:
        """Return the whole answer to a call of a method."""
        known = self.sandbox.credentials
        user = (known.database, self.sandbox.user, self.password)
        return self.service("object", "execute_kw", *user, model, method, args, named)

    def __call__(self, model: str, method: str, *args: Any, **named: Any) -> Any:
        """Return what a method returns."""
        answer = self.whole(model, method, *args, **named)
        assert "error" not in answer, answer["error"]["data"]["debug"]
        return answer.get("result")

    def error(self, model: str, method: str, *args: Any, **named: Any) -> tuple[str, str]:
        """Return the name and the message of the error that a method ends in."""
        data = self.whole(model, method, *args, **named)["error"]["data"]
        return data["name"], data["message"]


def rpc_of(sandbox: OdooSandbox, password: str | None = None) -> Rpc:
    """Return a client that knows the password."""
    http = httpx.Client(
        base_url="https://sandbox.invalid", transport=sandbox.transport(), trust_env=False
    )
    return Rpc(sandbox, http, password or sandbox.credentials.password)


def json2_of(sandbox: OdooSandbox) -> httpx.Client:
    """Return a client with the API key."""
    return httpx.Client(
        base_url="https://sandbox.invalid/json/2/",
        headers={"Authorization": f"bearer {sandbox.credentials.api_key}"},
        transport=sandbox.transport(),
        trust_env=False,
    )


def by_xml(sandbox: OdooSandbox, service: str, method: str, *args: Any) -> Any:
    """Return the result of a call by XML-RPC; raise its fault."""
    with httpx.Client(transport=sandbox.transport(), trust_env=False) as http:
        body = xmlrpc.client.dumps(args, method)
        answer = http.post(f"https://sandbox.invalid/xmlrpc/2/{service}", content=body)
    assert answer.headers["Content-Type"].startswith("text/xml")
    return xmlrpc.client.loads(answer.text)[0][0]
