"""The two ways to call Odoo: JSON-2 from version 19 on, JSON-RPC before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx

from connector import AccessError, AuthError, ConfigError
from connector.http import NoAnswer, NotFound, crm_client
from connector_odoo.advice import ADVICE, REMOVED
from connector_odoo.failures import judged, understood

if TYPE_CHECKING:
    from connector_odoo.settings import OdooSettings

_AGENT: Final = "pyramid-connector"
_LEADING: Final[Mapping[str, Sequence[str]]] = {
    "create": ("vals_list",),
    "load": ("fields", "data"),
    "read": ("fields",),
    "search_count": ("domain",),
    "search_read": ("domain",),
    "write": ("vals",),
}
"""What execute_kw takes by position: `create` looks for its values there alone, in Odoo's code."""


class Transport(Protocol):
    """Carries out calls."""

    def call(self, model: str, method: str, ids: Sequence[int] | None, named: Any) -> Any:
        """Return what *method* answers; *ids* are the records, None for a call on the model."""
        ...


class Json2:
    """A request a call, with the key in its header."""

    def __init__(self, client: httpx.Client, settings: OdooSettings) -> None:
        self._client = client
        self._headers = {
            "Authorization": f"bearer {settings.api_key.get_secret_value()}",
            "X-Odoo-Database": settings.database,
        }

    def call(
        self, model: str, method: str, ids: Sequence[int] | None, named: Mapping[str, Any]
    ) -> Any:
        """Return the answer, which is the bare result."""
        body = dict(named) if ids is None else {"ids": list(ids), **named}
        response = self._client.post(f"/json/2/{model}/{method}", json=body, headers=self._headers)
        return response.json(parse_float=Decimal)


class JsonRpc:
    """All calls at one address, with user and key in the body."""

    def __init__(self, client: httpx.Client, settings: OdooSettings) -> None:
        self._client = client
        self._database = settings.database
        self._login = settings.login or ""
        self._key = settings.api_key.get_secret_value()
        self._user: int | None = None

    def call(
        self, model: str, method: str, ids: Sequence[int] | None, named: Mapping[str, Any]
    ) -> Any:
        """Return the result out of the envelope."""
        leading = [name for name in _LEADING.get(method, ()) if name in named]
        given = [*([list(ids)] if ids is not None else []), *(named[name] for name in leading)]
        options = {name: value for name, value in named.items() if name not in leading}
        user = self._logged_in()
        return rpc(
            self._client,
            "object",
            "execute_kw",
            [self._database, user, self._key, model, method, given, options],
        )

    def _logged_in(self) -> int:
        if self._user is None:
            found = rpc(self._client, "common", "login", [self._database, self._login, self._key])
            if not isinstance(found, int) or found is False:
                denied = next(row for row in ADVICE if row.name == "AccessDenied")
                raise AuthError(f"{_host(self._client)}: {self._login!r}: {denied.do}")
            self._user = found
        return self._user


def rpc(client: httpx.Client, service: str, method: str, arguments: Sequence[Any]) -> Any:
    """Return the result of a JSON-RPC call; an error comes with status 200, in the body."""
    params = {"service": service, "method": method, "args": list(arguments)}
    envelope = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
    response = client.post("/jsonrpc", json=envelope)
    said = response.json(parse_float=Decimal)
    if not isinstance(said, dict):
        raise NoAnswer(f"{_host(client)}: the answer of /jsonrpc is no JSON-RPC")
    if error := said.get("error"):
        data = error.get("data") or {}
        name = str(data.get("name") or "Error")
        raise understood(response, name, str(data.get("message") or error.get("message") or ""))
    if "result" not in said:
        raise NoAnswer(f"{_host(client)}: the answer of /jsonrpc has neither result nor error")
    return said["result"]


def opened(settings: OdooSettings, transport: httpx.BaseTransport | None) -> httpx.Client:
    """Return the client of all calls."""
    return crm_client(
        settings.url,
        headers={"User-Agent": _AGENT, "Accept": "application/json"},
        timeout=settings.timeout,
        transport=transport,
        judge=judged,
    )


def version_of(client: httpx.Client) -> str:
    """Return what the server says its version is, such as 17.0; raise AccessError if it is none."""
    try:
        told = rpc(client, "common", "version", [])
        return str(told["server_version"])
    except NotFound:
        pass  # a server that has no JSON-RPC any more tells it elsewhere
    except (TypeError, LookupError):
        raise AccessError(f"{_host(client)}: it does not tell its version; check url") from None
    try:
        return str(client.get("/web/version").json()["version"])
    except (TypeError, LookupError):
        raise AccessError(f"{_host(client)}: {REMOVED}") from None


def major(version: str) -> int:
    """Return the number before the point; `saas~18.2` is of 18."""
    digits = version.rpartition("~")[2].partition(".")[0]
    return int(digits) if digits.isdigit() else 0


def transport_of(client: httpx.Client, settings: OdooSettings) -> Transport:
    """Return how to call this server; it is asked for its version where the job leaves it open."""
    chosen = settings.transport
    if chosen == "auto":
        chosen = "json2" if major(version_of(client)) >= 19 else "jsonrpc"
    if chosen == "json2":
        return Json2(client, settings)
    if not settings.login:
        raise ConfigError(
            "odoo: login: this Odoo is older than 19 and needs the login of the user beside the key"
        )
    return JsonRpc(client, settings)


def _host(client: httpx.Client) -> str:
    return client.base_url.netloc.decode()
