"""A token is got by each flow, and what is wrong is told with what to click."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from connector import AccessError, AuthError, ConfigError, RemoteError, Unavailable
from connector.http import NoAnswer
from connector_salesforce.connection import Org
from connector_salesforce.settings import SalesforceSettings
from connector_salesforce.source import SalesforceSource
from sandbox_salesforce.sandbox import SalesforceSandbox
from tests.plugins.connector_salesforce.answers import HOST, SECRET, Answers, failure, opened

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def pem(key: rsa.RSAPrivateKey) -> str:
    kind, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, kind, plain).decode()


def form(request: httpx.Request) -> dict[str, str]:
    assert request.headers["content-type"] == FORM
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


def test_an_assertion_is_signed_and_lasts_three_minutes(
    pem: str, key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector_salesforce.login.time", SimpleNamespace(time=lambda: 1_000.5))
    org = opened(
        answers := Answers(),
        domain="test",
        jwt={"client_id": "3MVG9", "username": "me@acme.com", "private_key": pem},
    )
    assert org.session().instance == f"https://{HOST}"
    request = answers.asked[0]
    assert request.url == "https://test.salesforce.com/services/oauth2/token"
    sent = form(request)
    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    audience = "https://test.salesforce.com"
    said = jwt.decode(
        sent["assertion"],
        key.public_key(),
        algorithms=["RS256"],
        audience=audience,
        options={"verify_exp": False},
    )
    assert (said["iss"], said["sub"], said["exp"]) == ("3MVG9", "me@acme.com", 1_180)
    assert request.headers.get("authorization") is None


def test_client_credentials_go_as_name_and_password() -> None:
    opened(answers := Answers()).session()
    request = answers.asked[0]
    assert form(request) == {"grant_type": "client_credentials"}
    basic = httpx.BasicAuth("3MVG9", SECRET)
    signed = next(basic.auth_flow(httpx.Request("GET", "https://x")))
    assert request.headers["authorization"] == signed.headers["authorization"]


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_refresh_token_is_sent_with_the_secret_if_there_is_one(secret: str | None) -> None:
    given = {"client_id": "3MVG9", "refresh_token": "5Aep-r3fresh", "client_secret": secret}
    opened(answers := Answers(), refresh=given).session()
    sent = form(answers.asked[0])
    assert sent.pop("client_secret", None) == secret
    assert sent == {
        "grant_type": "refresh_token",
        "client_id": "3MVG9",
        "refresh_token": "5Aep-r3fresh",
    }


def test_a_key_that_is_none_is_not_shown() -> None:
    given = {"client_id": "3MVG9", "username": "me@acme.com", "private_key": "-----BEGIN s3cret"}
    with pytest.raises(ConfigError, match="not an RSA key in PEM") as failed:
        opened(Answers(), jwt=given).session()
    assert "s3cret" not in str(failed.value)
    assert failed.value.__cause__ is None


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        pytest.param(
            httpx.Response(
                400, json={"error": "brand_new", "error_description": f"no {SECRET} for you"}
            ),
            AuthError,
            "brand_new: no .* for you; check domain",
            id="unknown-code",
        ),
        pytest.param(
            httpx.Response(404, text="<html><title>Not here</title></html>"),
            AccessError,
            "nobody logs in here: check domain",
            id="no-such-page",
        ),
        pytest.param(
            httpx.ConnectError("Name or service not known"),
            Unavailable,
            "check domain: Setup > My Domain",
            id="no-such-host",
        ),
        pytest.param(
            httpx.Response(200, text="<html><title>Log in</title></html>"),
            NoAnswer,
            "Log in",
            id="a-page",
        ),
        pytest.param(httpx.Response(200, json=[]), RemoteError, "no token", id="no-token"),
        pytest.param(
            httpx.Response(200, json={"access_token": "x", "instance_url": "http://acme.example"}),
            RemoteError,
            "no token and instance",
            id="instance-in-the-clear",
        ),
        pytest.param(
            httpx.Response(302, headers={"location": "/"}), AccessError, "302", id="moved"
        ),
    ],
)
def test_a_login_that_fails_says_why(
    answer: httpx.Response | Exception, error: type[RemoteError], words: str
) -> None:
    answers = Answers()
    answers.login = lambda request: answer
    with pytest.raises(error, match=words) as failed:
        opened(answers).get("limits")
    assert SECRET not in str(failed.value)
    assert answers.logins == 1


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("64.0", "the org does not offer 64.0; it has 58.0 to 63.0"),
        ("40.0", "the org no longer offers 40.0; it has 58.0 to 63.0"),
    ],
)
def test_a_version_that_the_org_has_not_is_told(version: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        opened(Answers(), api_version=version).session()


def test_what_is_no_org_is_told() -> None:
    class Shop(Answers):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/services/data/":
                return failure(404, "NOT_FOUND", "nothing here")
            return super().handle_request(request)

    with pytest.raises(AccessError, match="this is no org: check domain"):
        opened(Shop()).session()


# --- with a password


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox() as served:
        yield served


def with_password(sandbox: SalesforceSandbox, **given: Any) -> SalesforceSettings:
    known = sandbox.credentials
    login = {
        "username": known.username,
        "password": known.password,
        "security_token": known.security_token,
    }
    plain = {"instance_url": sandbox.url, "password": {**login, **given}}
    return SalesforceSettings.model_validate(plain)


def test_a_password_logs_in_and_is_warned_of(
    sandbox: SalesforceSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(SalesforceSource(with_password(sandbox))) as source:
        assert source.check().startswith(sandbox.credentials.username)
        sandbox.expire_tokens()
        assert source.check().startswith(sandbox.credentials.username)
    assert "Salesforce ends this with Summer '27; log in by jwt instead" in caplog.text
    assert sandbox.credentials.password not in caplog.text


def test_a_wrong_password_says_what_to_do(sandbox: SalesforceSandbox) -> None:
    for wrong in ({"password": "an0ther-s3cret"}, {"security_token": None}):
        org = Org(with_password(sandbox, **wrong))
        with pytest.raises(AuthError, match=r"INVALID_LOGIN: .*; username, password or") as failed:
            org.session()
        assert "s3cret" not in str(failed.value)
        org.close()


def test_an_expired_password_is_to_be_changed_by_a_person() -> None:
    answers = Answers()
    said = f"<passwordExpired>true</passwordExpired><serverUrl>https://{HOST}/x</serverUrl>"
    answers.soap_login = lambda request: httpx.Response(200, text=f"{said}<sessionId>1</sessionId>")
    with pytest.raises(AuthError, match="the password of me has expired: log in once in a browser"):
        opened(answers, password={"username": "me", "password": SECRET}).session()


def test_an_answer_without_a_session_is_no_login() -> None:
    answers = Answers()
    answers.soap_login = lambda request: httpx.Response(200, text="<html>hello</html>")
    with pytest.raises(RemoteError, match="no token and instance in the answer"):
        opened(answers, password={"username": "me", "password": SECRET}).session()


def test_versions_without_such_a_login_are_refused_beforehand(sandbox: SalesforceSandbox) -> None:
    whole = with_password(sandbox).model_dump(exclude_none=True)
    with pytest.raises(
        ValidationError, match=r"from version 65\.0 on Salesforce takes no password"
    ):
        SalesforceSettings.model_validate({**whole, "api_version": "65.0"})
