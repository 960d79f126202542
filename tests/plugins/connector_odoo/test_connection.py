"""Both transports carry a call as Odoo wants it, and failures become our errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from connector import (
    AccessError,
    AuthError,
    RateLimited,
    Refused,
    Transient,
    Unavailable,
)
from connector.errors import RemoteError
from connector.http import NoAnswer, NotFound
from connector_odoo.advice import ADVICE
from connector_odoo.connection import Odoo
from connector_odoo.settings import OdooSettings
from connector_odoo.transports import major
from tests.plugins.connector_odoo.odoo import TRACE, VERSIONS, Backend

KEY = "k3y-of-the-connector"
Handler = Callable[[httpx.Request], httpx.Response]


def odoo(handler: Handler, **given: Any) -> Odoo:
    plain = {"url": "https://acme.odoo.com", "database": "acme", "login": "me", "api_key": KEY}
    settings = OdooSettings.model_validate({**plain, **given})
    return Odoo(settings, transport=httpx.MockTransport(handler))


def rpc_error(name: str, message: str) -> httpx.Response:
    data = {"name": name, "message": message, "arguments": [message], "debug": TRACE}
    error = {"code": 200, "message": "Odoo Server Error", "data": data}
    return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "error": error})


def json2_error(status: int, name: str, message: str) -> httpx.Response:
    said = {"name": name, "message": message, "arguments": [message], "context": {}}
    return httpx.Response(status, json={**said, "debug": TRACE})


def failure(answer: httpx.Response, transport: str) -> RemoteError:
    """Return what a call raises that is answered so; a login is let through."""

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/jsonrpc":
            params = json.loads(request.content)["params"]
            if params["method"] == "login":
                return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": 2})
        return answer

    with pytest.raises(RemoteError) as failed:
        odoo(handler, transport=transport).call("res.partner", "write", [1], vals={})
    return failed.value


# --- how calls are carried


def test_json2_names_all_that_it_hands_over() -> None:
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=True)

    there = odoo(handler, transport="json2", companies=[3])
    assert there.call("res.partner", "write", [6, 7], vals={"x_tier": "Top"}) is True
    (request,) = asked
    assert request.url.path == "/json/2/res.partner/write"
    assert request.headers["Authorization"] == f"bearer {KEY}"
    assert request.headers["X-Odoo-Database"] == "acme"
    assert json.loads(request.content) == {
        "ids": [6, 7],
        "vals": {"x_tier": "Top"},
        "context": {"allowed_company_ids": [3]},
    }


def test_json_rpc_logs_in_once_and_takes_values_of_create_by_position() -> None:
    asked: list[Any] = []

    def handler(request: httpx.Request) -> httpx.Response:
        params = json.loads(request.content)["params"]
        asked.append(params["args"])
        result: object = 2 if params["method"] == "login" else [9]
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": result})

    there = odoo(handler, transport="jsonrpc")
    there.call("res.partner", "create", vals_list=[{"name": "A"}])
    there.call("res.partner", "write", [9], context={"lang": "de_DE"}, vals={"name": "B"})
    assert asked == [
        ["acme", "me", KEY],
        ["acme", 2, KEY, "res.partner", "create", [[{"name": "A"}]], {}],
        ["acme", 2, KEY, "res.partner", "write", [[9], {"name": "B"}],
         {"context": {"lang": "de_DE"}}],
    ]  # fmt: skip


@pytest.mark.parametrize(("version", "used"), [("17.0", "jsonrpc"), ("19.0", "json2")])
def test_the_version_decides(version: Any, used: str) -> None:
    backend = Backend(version)
    there = Odoo(backend.settings(), transport=backend.wire)
    there.call("res.users", "context_get")
    assert [one.transport for one in backend.sandbox.requests][-1] == used


def test_a_server_without_json_rpc_tells_its_version_elsewhere() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/web/version":
            return httpx.Response(200, json={"version": "20.0", "version_info": [20, 0]})
        if request.url.path == "/json/2/res.users/context_get":
            return httpx.Response(200, json={"uid": 2})
        return httpx.Response(404, html="<title>404 Not Found</title>")

    there = odoo(handler)
    assert there.call("res.users", "context_get") == {"uid": 2}
    assert there.version == "20.0"


@pytest.mark.parametrize(
    ("version", "number"), [("17.0", 17), ("saas~18.2", 18), ("19.0+e", 19), ("?", 0)]
)
def test_the_number_of_a_version(version: str, number: int) -> None:
    assert major(version) == number


# --- what failures mean

CASES: list[tuple[int, str, str, type[RemoteError], str]] = [
    (401, "werkzeug.exceptions.Unauthorized", "Invalid apikey", AuthError, "New API Key"),
    (401, "odoo.exceptions.AccessDenied", "Access Denied", AuthError, "check login and database"),
    (403, "odoo.exceptions.AccessError", "You are not allowed to", AccessError, "All Documents"),
    (403, "werkzeug.exceptions.Forbidden", "no", AccessError, "access rights"),
    (500, "psycopg2.OperationalError", 'database "x" does not exist', AccessError, "selector"),
    (500, "psycopg2.OperationalError", "server closed the connection", NoAnswer, "tried again"),
    (500, "psycopg2.errors.SerializationFailure", "could not serialize", Unavailable, "others"),
    (500, "psycopg2.errors.LockNotAvailable", "could not lock", Unavailable, "holds"),
    (500, "psycopg2.errors.DeadlockDetected", "deadlock detected", Unavailable, "holds"),
    (500, "psycopg2.pool.PoolError", "The Connection Pool Is Full", Unavailable, "no connection"),
    (500, "builtins.MemoryError", "", NoAnswer, "page_size smaller"),
    (404, "builtins.AttributeError", "no method 'nope'", AccessError, "17 or newer"),
    (404, "werkzeug.exceptions.NotFound", "no model", NotFound, "no such model"),
]


@pytest.mark.parametrize("transport", ["json2", "jsonrpc"])
@pytest.mark.parametrize(
    ("status", "name", "words", "kind", "do"), CASES, ids=[f"{c[1]}-{c[2][:9]}" for c in CASES]
)
def test_a_failure_says_what_to_do(
    status: int, name: str, words: str, kind: type[RemoteError], do: str, transport: str
) -> None:
    answer = json2_error(status, name, words) if transport == "json2" else rpc_error(name, words)
    failed = failure(answer, transport)
    assert type(failed) is kind
    assert do in str(failed)
    assert words in str(failed)
    assert TRACE not in str(failed)


def test_every_advice_is_reached() -> None:
    reached = {
        next(n for n, row in enumerate(ADVICE) if row.fits(name.rpartition(".")[2], words))
        for _, name, words, _, _ in CASES
    }
    assert reached == set(range(len(ADVICE)))


@pytest.mark.parametrize("transport", ["json2", "jsonrpc"])
@pytest.mark.parametrize(
    ("status", "name"),
    [
        (422, "odoo.exceptions.ValidationError"),
        (422, "odoo.exceptions.UserError"),
        (404, "odoo.exceptions.MissingError"),
        (500, "builtins.ValueError"),
        (500, "builtins.KeyError"),
        (500, "builtins.ZeroDivisionError"),
        (500, "psycopg2.errors.NotNullViolation"),
    ],
)
def test_what_would_fail_again_is_refused_whatever_its_status(
    status: int, name: str, transport: str
) -> None:
    answer = (
        json2_error(status, name, "not so") if transport == "json2" else rpc_error(name, "not so")
    )
    failed = failure(answer, transport)
    assert isinstance(failed, Refused)
    assert (failed.code, failed.words) == (name.rpartition(".")[2], "not so")
    assert TRACE not in str(failed)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(429, headers={"Retry-After": "7"}), RateLimited),
        (httpx.Response(502, html="<title>Bad gateway</title>"), NoAnswer),
        (httpx.Response(503, json={"name": "x", "message": "y"}), Unavailable),
        (httpx.Response(200, text="{"), NoAnswer),
        (httpx.Response(404, html="<title>404</title>"), NotFound),
    ],
    ids=lambda one: str(getattr(one, "status_code", "")),
)
def test_a_failure_that_odoo_has_not_written_is_judged_by_its_status(
    answer: httpx.Response, kind: type[RemoteError]
) -> None:
    assert type(failure(answer, "json2")) is kind


def test_json2_that_is_not_there_says_which_setting_to_change() -> None:
    answer = httpx.Response(404, html="<title>404</title>")
    assert "set transport to auto" in str(failure(answer, "json2"))


def test_json_rpc_that_was_removed_says_which_setting_to_change() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, html="<title>404</title>")

    with pytest.raises(NotFound, match="set transport to json2"):
        odoo(handler, transport="jsonrpc").user()


@pytest.mark.parametrize("body", [{"jsonrpc": "2.0", "id": 1}, [1]])
def test_an_answer_that_is_no_json_rpc_is_none(body: object) -> None:
    assert isinstance(failure(httpx.Response(200, json=body), "jsonrpc"), NoAnswer)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_expired_key_says_where_to_make_another(version: Any) -> None:
    backend = Backend(version)
    backend.refuse_logins()
    there = Odoo(backend.settings(), transport=backend.wire)
    with pytest.raises(AuthError, match="New API Key"):
        there.user()


@pytest.mark.parametrize("version", VERSIONS)
def test_an_app_that_is_not_installed_is_named(version: Any) -> None:
    backend = Backend(version, apps=())
    there = Odoo(backend.settings(), transport=backend.wire)
    with pytest.raises(AccessError, match="install the app CRM"):
        there.needed("crm.lead", "CRM")


def test_a_server_that_is_no_odoo_is_said_to_be_none() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, html="<title>404</title>")

    with pytest.raises(AccessError, match="no JSON-RPC: set transport to json2"):
        _ = odoo(handler).version


def test_a_dead_server_is_transient() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    with pytest.raises(Transient):
        odoo(handler).user()
