"""Every failure of HTTP is one of our errors, and none tells a secret."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

import httpx
import pytest
import respx

from connector.errors import (
    AccessError,
    AuthError,
    ConfigError,
    RateLimited,
    Refused,
    RemoteError,
    Unavailable,
)
from connector.http import NoAnswer, NotFound, crm_client, outcome_of, quoted, told

URL = "https://crm.example/api"
SECRETS = ("t0ken-s3cret", "query-s3cret", "body-s3cret")


def send(mock: httpx.Response | Exception, method: str = "POST") -> httpx.Response:
    """Return the answer to a request that has secrets in header, query and body."""
    with (
        respx.mock(base_url=URL) as router,
        crm_client(URL, headers={"Authorization": f"Bearer {SECRETS[0]}"}) as client,
    ):
        route = router.request(method, "/accounts")
        if isinstance(mock, Exception):
            route.side_effect = mock
        else:
            route.return_value = mock
        params = {"key": SECRETS[1]}
        return client.request(method, "/accounts", params=params, content=SECRETS[2])


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, AccessError),
        (400, Refused),
        (401, AuthError),
        (403, AccessError),
        (404, NotFound),
        (408, Unavailable),
        (409, Refused),
        (422, Refused),
        (429, RateLimited),
        (500, NoAnswer),
        (502, NoAnswer),
        (503, Unavailable),
        (504, NoAnswer),
    ],
)
def test_a_failure_is_our_error_and_says_where(status: int, error: type[RemoteError]) -> None:
    with pytest.raises(error) as failure:
        send(httpx.Response(status, text="the CRM's words"))
    assert type(failure.value) is error
    assert f"POST crm.example/api/accounts: {status}: the CRM's words" in str(failure.value)
    assert not any(secret in str(failure.value) for secret in SECRETS)


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (httpx.ConnectError("no route"), Unavailable),
        (httpx.ConnectTimeout("slow"), Unavailable),
        (httpx.ReadTimeout(""), NoAnswer),
        (httpx.ReadError("reset"), NoAnswer),
        (httpx.RemoteProtocolError("server went away"), NoAnswer),
        (httpx.TooManyRedirects("round and round"), AccessError),
        (httpx.LocalProtocolError(f"Illegal header {SECRETS[0]}"), ConfigError),
        (httpx.UnsupportedProtocol("no scheme"), ConfigError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_a_dead_network_says_whether_the_request_may_have_arrived(
    broken: Exception, error: type[Exception]
) -> None:
    with pytest.raises(error) as failure:
        send(broken)
    assert type(failure.value) is error
    assert not any(secret in str(failure.value) for secret in SECRETS)


@pytest.mark.parametrize(
    "headers", [{"X-Key": "t0ken-s3crét"}, {"X-Key": "\ud83d"}], ids=["letter", "half a letter"]
)
def test_a_secret_that_no_header_can_hold_is_a_mistake_in_the_job(headers: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="ASCII only; check the credentials") as failure:
        crm_client(URL, headers=headers)
    assert failure.value.__cause__ is None
    with crm_client(URL) as client, pytest.raises(ConfigError, match="ASCII only"):
        client.get("/accounts", headers=headers)


@pytest.mark.parametrize("url", ["http://host:port/", "http://host/\x00"])
def test_what_is_no_url_is_a_mistake_in_the_job(url: str) -> None:
    with pytest.raises(ConfigError, match="not a URL; check url and credentials"):
        crm_client(url)


@pytest.mark.parametrize("where", ["header", "parameter", "form", "basic"])
def test_what_a_crm_repeats_of_the_request_is_not_told(where: str) -> None:
    def repeat(request: httpx.Request) -> httpx.Response:
        said = f"{dict(request.headers)} {request.url} {request.content.decode()}"
        return httpx.Response(400, text=f"bad: {said}"[-150:])

    with crm_client(URL, transport=httpx.MockTransport(repeat)) as client:
        places: dict[str, dict[str, Any]] = {
            "header": {"headers": {"X-Api-Key": SECRETS[0]}},
            "parameter": {"params": {"hapikey": SECRETS[0], "limit": "1"}},
            "form": {"data": {"client_secret": SECRETS[0]}},
            "basic": {"auth": ("me", SECRETS[0])},
        }
        with pytest.raises(Refused) as failure:
            client.post("/accounts", **places[where])
    assert SECRETS[0] not in str(failure.value)


@pytest.mark.parametrize("status", [200, 201, 204, 304])
def test_a_good_answer_is_returned(status: int) -> None:
    assert send(httpx.Response(status)).status_code == status


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(200, text='{"name": "Alder", "rev'), r"200: the answer is not JSON \(22 "),
        (
            httpx.Response(200, html="<title>Sign in</title>"),
            "200: the answer is not JSON: Sign in",
        ),
        (httpx.Response(200, content=b'"\xff'), r"200: the answer is not JSON \(2 bytes\)"),
        (httpx.Response(204), r"204: the answer is not JSON \(0 bytes\)"),
    ],
    ids=["cut off", "a page", "no text", "nothing"],
)
def test_a_good_answer_that_is_no_json_is_no_answer(answer: httpx.Response, words: str) -> None:
    with pytest.raises(NoAnswer, match=f"^POST crm.example/api/accounts: {words}") as failure:
        send(answer).json()
    assert "Alder" not in str(failure.value)


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({}, None),
        ({"retry-after": "soon"}, None),
        (
            {
                "retry-after": "Wed, 01 Jul 2026 12:01:30 GMT",
                "date": "Wed, 01 Jul 2026 12:00:00 GMT",
            },
            90.0,
        ),
        ({"retry-after": "Wed, 01 Jul 2020 12:00:00 GMT"}, 0.0),
    ],
)
def test_the_pause_that_the_crm_asks_for_is_understood(
    headers: dict[str, str], after: float | None
) -> None:
    with pytest.raises(RateLimited) as failure:
        send(httpx.Response(429, headers=headers))
    assert failure.value.retry_after == after


def test_a_long_answer_is_cut() -> None:
    with pytest.raises(Refused) as failure:
        send(httpx.Response(400, text="wrong  \n" * 1000))
    assert failure.value.words.startswith("wrong wrong")
    assert len(failure.value.words) == 200


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<html><title>502 Bad\n Gateway &amp; more</title><p>long</p></html>", "Gateway & more"),
        ("<!doctype html><h1>Oh no</h1>", "Bad Gateway"),
    ],
)
def test_a_page_for_people_is_told_by_its_title(page: str, words: str) -> None:
    with pytest.raises(Unavailable, match=words) as failure:
        send(httpx.Response(502, html=page))
    assert "<" not in str(failure.value)


def test_the_failure_of_a_streamed_answer_is_told_too() -> None:
    with respx.mock(base_url=URL) as router, crm_client(URL) as client:
        router.get("/export").respond(400, text="no such export")
        with pytest.raises(Refused, match="no such export"), client.stream("GET", "/export"):
            pass


def test_an_auth_may_renew_its_token_before_a_refusal_counts() -> None:
    class Renewing(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
            if (yield request).status_code == 401:
                request.headers["Authorization"] = "Bearer new"
                yield request

    with respx.mock(base_url=URL) as router, crm_client(URL, auth=Renewing()) as client:
        router.get("/me", headers={"Authorization": "Bearer new"}).respond(200)
        router.get("/me").respond(401)
        assert client.get("/me").status_code == 200


def test_the_log_does_not_hold_the_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    send(httpx.Response(200))
    assert SECRETS[1] not in caplog.text


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (RateLimited("slow", retry_after=7), "Retry(marker='m', after=7, message='slow')"),
        (Unavailable("down"), "Retry(marker='m', after=None, message='down')"),
        (NoAnswer("lost"), "Unknown(marker='m', message='lost')"),
        (Refused("t", code="422", words="w"), "Rejected(marker='m', code='422', message='w')"),
        (NotFound("gone"), "Rejected(marker='m', code='not_found', message='gone')"),
        (AccessError("no"), "Rejected(marker='m', code='no_access', message='no')"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_tells_what_became_of_a_change(error: RemoteError, outcome: str) -> None:
    assert repr(outcome_of("m", error)) == outcome


def test_refused_credentials_stop_the_whole_batch() -> None:
    with pytest.raises(AuthError):
        outcome_of("m", AuthError("expired"))


def test_a_judge_decides_what_a_failed_answer_means() -> None:
    def judge(response: httpx.Response, error: RemoteError) -> RemoteError:
        assert isinstance(error, AccessError)
        code, words = response.json()["code"], response.json()["words"]
        if code == "SPENT":
            return RateLimited(told(response, f"{code}: {words}"), retry_after=7)
        return error

    said = {"code": "SPENT", "words": f"no\nmore for {SECRETS[0]}"}
    for code, error in (("SPENT", RateLimited), ("OTHER", AccessError)):
        with (
            respx.mock(base_url=URL) as router,
            crm_client(URL, headers={"Authorization": f"Bearer {SECRETS[0]}"}, judge=judge) as crm,
        ):
            router.get("/x").respond(403, json={**said, "code": code})
            with pytest.raises(RemoteError) as failure:
                crm.get("/x")
        assert type(failure.value) is error
        assert SECRETS[0] not in str(failure.value)
        if code == "SPENT":
            assert str(failure.value) == "GET crm.example/api/x: 403: SPENT: no more for ***"


def test_what_is_quoted_is_short() -> None:
    request = httpx.Request("GET", URL)
    line = quoted(httpx.Response(400, request=request), "many words " * 50)
    assert len(line) == 200
    assert line.endswith("…")
