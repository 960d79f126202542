"""Clients log in, by each grant, and are turned away."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from connector.testing.faults import Clock
from sandbox_salesforce.sandbox import SalesforceSandbox
from tests.plugins.sandbox_salesforce.asking import client_of

BASE = "https://sandbox.invalid"
TOKEN = f"{BASE}/services/oauth2/token"
CLOSED = "http://127.0.0.1:1/callback"


@pytest.fixture
def browser(sandbox: SalesforceSandbox) -> Iterator[httpx.Client]:
    """Return a client that has not logged in."""
    with httpx.Client(transport=sandbox.transport()) as client:
        yield client


def app(sandbox: SalesforceSandbox, **more: str) -> dict[str, str]:
    known = sandbox.credentials
    return {"client_id": known.client_id, "client_secret": known.client_secret, **more}


def works(sandbox: SalesforceSandbox, browser: httpx.Client, answer: httpx.Response) -> bool:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["instance_url"] == sandbox.url
    headers = {"Authorization": f"{body['token_type']} {body['access_token']}"}
    limits = browser.get(f"{BASE}/services/data/v62.0/limits", headers=headers)
    return limits.status_code == 200


def test_an_app_logs_in_by_its_secret(sandbox: SalesforceSandbox, browser: httpx.Client) -> None:
    known, grant = sandbox.credentials, {"grant_type": "client_credentials"}
    by_form = browser.post(TOKEN, data=app(sandbox, **grant))
    by_header = browser.post(TOKEN, data=grant, auth=(known.client_id, known.client_secret))
    assert works(sandbox, browser, by_form)
    assert works(sandbox, browser, by_header)
    wrong = browser.post(TOKEN, data=app(sandbox, **grant) | {"client_secret": "no"})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_client")


def test_a_password_is_taken_with_its_token(
    sandbox: SalesforceSandbox, browser: httpx.Client
) -> None:
    known = sandbox.credentials
    form = app(sandbox, grant_type="password", username=known.username)
    good = browser.post(TOKEN, data=form | {"password": known.password + known.security_token})
    assert works(sandbox, browser, good)
    wrong = browser.post(TOKEN, data=form | {"password": "no"})
    assert wrong.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param({}, None, id="good"),
        pytest.param({"iss": "another"}, "invalid_client_id", id="another app"),
        pytest.param({"sub": "nobody@x.example"}, "invalid_grant", id="nobody"),
        pytest.param({"sub": "gone@x.example"}, "invalid_grant", id="inactive"),
        pytest.param({"aud": "https://elsewhere.example"}, "invalid_grant", id="audience"),
        pytest.param({"exp": 1}, "invalid_grant", id="too late"),
        pytest.param({"exp": None}, "invalid_grant", id="for ever"),
    ],
)
def test_a_signed_assertion_is_checked(
    sandbox: SalesforceSandbox, browser: httpx.Client, change: dict[str, Any], error: str | None
) -> None:
    sandbox.insert("User", Username="gone@x.example", IsActive=False)
    expires = sandbox.org.clock() + timedelta(minutes=3)
    claims = {
        "iss": sandbox.credentials.client_id,
        "sub": sandbox.credentials.username,
        "aud": "https://login.salesforce.com",
        "exp": int(expires.timestamp()),
    } | change
    kept = {name: claim for name, claim in claims.items() if claim is not None}
    assertion = jwt.encode(kept, sandbox.credentials.private_key, algorithm="RS256")
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    answer = browser.post(TOKEN, data={"grant_type": grant, "assertion": assertion})
    assert answer.json().get("error") == error


def test_an_assertion_signed_by_another_key_is_refused(
    sandbox: SalesforceSandbox, browser: httpx.Client
) -> None:
    other = SalesforceSandbox(credentials=None)
    claims = {"iss": sandbox.credentials.client_id, "sub": sandbox.credentials.username,
              "aud": "https://login.salesforce.com", "exp": 2_000_000_000}  # fmt: skip
    assertion = jwt.encode(claims, other.credentials.private_key, algorithm="RS256")
    other.close()
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    answer = browser.post(TOKEN, data={"grant_type": grant, "assertion": assertion})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_browser_is_sent_back_with_a_code_that_is_good_once(
    sandbox: SalesforceSandbox, browser: httpx.Client
) -> None:
    verifier = "v" * 43
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code", "client_id": sandbox.credentials.client_id,
        "redirect_uri": CLOSED, "state": "s", "scope": "api refresh_token",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }  # fmt: skip
    sent = browser.get(f"{BASE}/services/oauth2/authorize", params=asked)
    assert sent.status_code == 302
    back = parse_qs(urlsplit(sent.headers["Location"]).query)
    assert back["state"] == ["s"]
    form = {
        "grant_type": "authorization_code", "client_id": sandbox.credentials.client_id,
        "redirect_uri": CLOSED, "code": back["code"][0], "code_verifier": verifier,
    }  # fmt: skip
    answer = browser.post(TOKEN, data=form)
    assert works(sandbox, browser, answer)
    assert browser.post(TOKEN, data=form).json()["error"] == "invalid_grant"

    refresh = {"grant_type": "refresh_token", "client_id": sandbox.credentials.client_id,
               "refresh_token": answer.json()["refresh_token"]}  # fmt: skip
    sandbox.settings.rotates_refresh_tokens = True
    renewed = browser.post(TOKEN, data=refresh)
    assert works(sandbox, browser, renewed)
    assert browser.post(TOKEN, data=refresh).json()["error"] == "invalid_grant"
    assert renewed.json()["refresh_token"] != refresh["refresh_token"]


def test_a_wrong_verifier_gets_nothing(sandbox: SalesforceSandbox, browser: httpx.Client) -> None:
    asked = {"response_type": "code", "client_id": sandbox.credentials.client_id,
             "redirect_uri": CLOSED, "code_challenge": "x" * 43,
             "code_challenge_method": "S256"}  # fmt: skip
    sent = browser.get(f"{BASE}/services/oauth2/authorize", params=asked)
    (code,) = parse_qs(urlsplit(sent.headers["Location"]).query)["code"]
    form = {"grant_type": "authorization_code", "client_id": sandbox.credentials.client_id,
            "redirect_uri": CLOSED, "code": code, "code_verifier": "wrong"}  # fmt: skip
    assert browser.post(TOKEN, data=form).json()["error"] == "invalid_grant"


def test_only_loopback_is_sent_back_to(sandbox: SalesforceSandbox, browser: httpx.Client) -> None:
    asked = {"response_type": "code", "client_id": sandbox.credentials.client_id,
             "redirect_uri": "https://elsewhere.example/"}  # fmt: skip
    sent = browser.get(f"{BASE}/services/oauth2/authorize", params=asked)
    assert (sent.status_code, sent.json()["error"]) == (400, "redirect_uri_mismatch")


def test_sessions_end_unused_and_when_told_to(
    sandbox: SalesforceSandbox, client: httpx.Client, clock: Clock
) -> None:
    clock.jump(7000)
    assert client.get("limits").status_code == 200
    clock.jump(7000)  # it was used in between
    assert client.get("limits").status_code == 200
    clock.jump(7200)
    ended = client.get("limits")
    assert ended.status_code == 401
    assert ended.json() == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]
    with client_of(sandbox) as again:
        token = again.headers["Authorization"].removeprefix("Bearer ")
        revoked = again.post(f"{BASE}/services/oauth2/revoke", data={"token": token})
        assert revoked.status_code == 200
        assert again.get("limits").status_code == 401


def test_versions_are_told_to_anybody_and_old_ones_are_gone(
    sandbox: SalesforceSandbox, browser: httpx.Client, client: httpx.Client
) -> None:
    sandbox.settings.versions = range(59, 63)
    answer = browser.get(f"{BASE}/services/data/")
    assert [one["version"] for one in answer.json()] == ["59.0", "60.0", "61.0", "62.0"]
    assert answer.json()[0]["label"] == "Winter '24"
    assert "Sforce-Limit-Info" not in answer.headers
    assert client.get(f"{BASE}/services/data/v30.0/limits").status_code == 410
    assert client.get(f"{BASE}/services/data/v63.0/limits").status_code == 404


def test_the_limit_of_a_day_ends(sandbox: SalesforceSandbox, client: httpx.Client) -> None:
    sandbox.settings.daily_requests = 3
    first = client.get("limits/")
    assert first.headers["Sforce-Limit-Info"] == "api-usage=1/3"
    assert first.json()["DailyApiRequests"] == {"Max": 3, "Remaining": 2}
    client.get("limits/recordCount", params={"sObjects": "Account,Nope"})
    client.get("sobjects")
    spent = client.get("query", params={"q": "SELECT Id FROM Account"})
    assert spent.status_code == 403
    assert spent.json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    assert spent.headers["Sforce-Limit-Info"] == "api-usage=3/3"
    assert [one.counted for one in sandbox.requests] == [True, True, True, False]


def test_rights_beside_those_of_records(sandbox: SalesforceSandbox, client: httpx.Client) -> None:
    sandbox.settings.views_setup = False
    assert client.get("limits").status_code == 403
    assert client.get("sobjects").status_code == 200
    sandbox.settings.api_enabled = False
    assert client.get("sobjects").json()[0]["errorCode"] == "API_DISABLED_FOR_ORG"


def test_too_long_an_address_is_refused(client: httpx.Client) -> None:
    ids = ", ".join(["'001Sb0000000001IAA'"] * 700)
    answer = client.get("query", params={"q": f"SELECT Id FROM Account WHERE Id IN ({ids})"})
    assert answer.status_code == 414


def test_the_answers_say_the_time_of_the_sandbox(client: httpx.Client) -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert client.get("limits").headers["Date"] == f"{at:%a, %d %b %Y %H:%M:%S} GMT"
