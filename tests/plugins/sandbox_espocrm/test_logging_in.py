"""Logging in: keys, signatures, the administrator's password, and the lock after failures."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from connector.testing.faults import Clock
from sandbox_espocrm.login import Credentials
from sandbox_espocrm.sandbox import EspoSandbox
from tests.plugins.sandbox_espocrm.asking import client_of, refusal

Headers = Mapping[str, str]


def signed(known: Credentials, what: str, *, raw: bool = True) -> Headers:
    made = hmac.new(known.secret_key.encode(), what.encode(), hashlib.sha256)
    digest = made.digest() if raw else made.hexdigest().encode()
    whole = base64.b64encode(known.api_key.encode() + b":" + digest)
    return {"X-Hmac-Authorization": whole.decode()}


def basic(known: Credentials, password: str | None = None) -> str:
    whole = f"{known.admin}:{known.admin_password if password is None else password}"
    return base64.b64encode(whole.encode()).decode()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param(lambda known: {"X-Api-Key": known.api_key}, 200, id="key"),
        pytest.param(lambda known: {"X-Api-Key": "wrong"}, 401, id="wrong key"),
        pytest.param(lambda known: {"X-Api-Key": ""}, 401, id="empty key"),
        pytest.param(lambda known: {}, 401, id="nothing"),
        pytest.param(lambda known: signed(known, "GET /Account"), 200, id="signed"),
        pytest.param(
            lambda known: signed(known, "GET /Account", raw=False), 200, id="signed in hex"
        ),
        pytest.param(lambda known: signed(known, "GET /Task"), 401, id="signed for another path"),
        pytest.param(lambda known: signed(known, "POST /Account"), 401, id="for another method"),
        pytest.param(
            lambda known: signed(replace(known, api_key="other"), "GET /Account"),
            401,
            id="signed with another's key",
        ),
        pytest.param(lambda known: {"X-Hmac-Authorization": "%"}, 401, id="not even base64"),
        pytest.param(
            lambda known: {"Authorization": f"Basic {basic(known)}"}, 200, id="administrator"
        ),
        pytest.param(
            lambda known: {"Espo-Authorization": basic(known)}, 200, id="administrator, their way"
        ),
        pytest.param(
            lambda known: {"Authorization": f"Basic {basic(known, 'no')}"}, 401, id="password"
        ),
    ],
)
def test_callers_are_let_in_with_what_is_right(
    sandbox: EspoSandbox, headers: Callable[[Credentials], Headers], status: int
) -> None:
    with client_of(sandbox, headers(sandbox.credentials)) as client:
        answer = client.get("/Account", params={"maxSize": 1})
    assert answer.status_code == status
    assert (answer.content == b"") == (status == 401)


def test_eleven_failures_lock_everybody_out_for_a_minute(
    sandbox: EspoSandbox, client: httpx.Client, clock: Clock
) -> None:
    with client_of(sandbox, {"X-Api-Key": "wrong"}) as wrong, client_of(sandbox) as nobody:
        for _ in range(20):
            assert nobody.get("/Account").status_code == 401
        for _ in range(10):
            assert wrong.get("/Account").status_code == 401
        assert client.get("/Account").status_code == 200
        assert wrong.get("/Account").status_code == 401
    answer = client.get("/Account")
    assert (answer.status_code, answer.content) == (403, b"")
    clock.now += timedelta(seconds=59)
    assert client.get("/Account").status_code == 403
    clock.now += timedelta(seconds=1)
    assert client.get("/Account").status_code == 200


def test_what_is_outside_the_api_is_not_there(sandbox: EspoSandbox, client: httpx.Client) -> None:
    for path in ("/api/v2/Account", "/api/v1Account", "/api/v1"):
        assert client.get(f"{sandbox.url}{path}").status_code == 404
    assert client.get("/Nothing").content == b""
    assert refusal(client.get("/Nothing")) == (404, "")
    assert refusal(client.get("/Account/1/2/3")) == (404, "")
    assert refusal(client.put("/Account")) == (405, "")


def test_requests_are_noted(sandbox: EspoSandbox, client: httpx.Client) -> None:
    client.get("/Account", params={"maxSize": 201})
    client.post("/Account", json={"name": "A"})
    assert sandbox.requests == [("GET", "/Account", 403), ("POST", "/Account", 200)]


def test_the_user_that_asks_can_be_looked_up(client: httpx.Client, admin: httpx.Client) -> None:
    assert client.get("/App/user").json()["user"]["type"] == "api"
    assert admin.get("/App/user").json()["user"]["userName"] == "admin"
