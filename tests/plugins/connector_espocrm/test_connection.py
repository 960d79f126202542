"""One refused login ends it, a signature fits, and what did not listen to a condition is seen."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest

from connector import AccessError, AuthError, RemoteError, Stream
from connector.http import NoAnswer
from connector_espocrm.connection import Espo
from connector_espocrm.moments import moment_of, written
from connector_espocrm.search import among, portions
from connector_espocrm.source import EspoSource
from tests.plugins.connector_espocrm.crm import (
    NOON,
    Backend,
    Wire,
    settings_from,
    settings_of,
    with_admin,
)


@pytest.fixture
def backend() -> Backend:
    return Backend()


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> Espo:
    return Espo(settings_from("k3y"), transport=Wire(httpx.MockTransport(answer)))


def test_after_a_refused_login_nothing_more_is_sent(backend: Backend) -> None:
    source = EspoSource(settings_of(backend, api_key="another"), transport=backend.wire)
    for stream in (Stream.ACCOUNTS, Stream.OPPORTUNITIES, Stream.CASES):
        with pytest.raises(AuthError, match="copy the key anew"):
            list(source.pull(stream, ["id"], None))
    assert len(backend.wire.sent) == 1


@pytest.mark.parametrize("known", [True, False], ids=["in-the-middle", "from-the-start"])
def test_a_lock_out_is_no_missing_right(backend: Backend, known: bool) -> None:
    source = EspoSource(settings_of(backend), transport=backend.wire)
    if known:
        list(source.pull(Stream.ACCOUNTS, ["id"], None))
    for _ in range(12):
        with pytest.raises(AuthError):
            Espo(settings_of(backend, api_key="another"), transport=backend.wire).get("Account")
    with pytest.raises(AuthError, match="wait a minute"):
        list(source.pull(Stream.CASES, ["id"], None))
    backend.clock.time += timedelta(seconds=61)
    assert EspoSource(settings_of(backend), transport=backend.wire).check()


def test_a_signature_is_of_method_and_path_and_the_secret_stays_here() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"id": "a1"})

    settings = settings_from("k3y").model_copy(
        update={"secret_key": type(settings_from("k3y").api_key)("s3cret")}
    )
    Espo(settings, transport=Wire(httpx.MockTransport(answer))).update("Account", "a1", {"x": 1})
    (request,) = sent
    key, _, digest = base64.b64decode(request.headers["X-Hmac-Authorization"]).partition(b":")
    assert key == b"k3y"
    assert digest == hmac.digest(b"s3cret", b"PUT /Account/a1", sha256)
    assert "X-Api-Key" not in request.headers


def test_an_administrator_logs_in_only_to_make_fields(backend: Backend) -> None:
    for admin, header in ((False, "X-Api-Key"), (True, "Authorization")):
        Espo(with_admin(backend), transport=backend.wire, admin=admin).list("Account", ["id"])
        said = backend.wire.sent[-1].headers
        assert [one for one in ("X-Api-Key", "Authorization") if one in said] == [header]


def test_a_list_is_asked_for_by_id_and_not_counted(backend: Backend) -> None:
    Espo(settings_of(backend), transport=backend.wire).list("Account", ["id", "name"], after="a1")
    (request,) = backend.wire.sent
    assert json.loads(request.url.params["searchParams"]) == {
        "select": ["id", "name"],
        "where": [{"type": "greaterThan", "attribute": "id", "value": "a1"}],
        "orderBy": "id",
        "order": "asc",
        "offset": 0,
        "maxSize": 200,
    }
    assert request.headers["X-No-Total"] == "true"


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (httpx.Response(200, html="<title>Shop</title>"), NoAnswer, "not JSON: Shop; if it stays"),
        (
            httpx.Response(200, json={"total": 0}),
            AccessError,
            "holds no list of Account; check url",
        ),
        (httpx.Response(200, json=[1, 2]), AccessError, "holds no list"),
        (httpx.Response(200, json={"list": [1]}), AccessError, "holds no list"),
        (httpx.Response(302, headers={"Location": "/x"}), AccessError, "redirected"),
    ],
)
def test_what_is_no_espocrm_says_so(
    answer: httpx.Response, error: type[RemoteError], words: str
) -> None:
    with pytest.raises(error, match=words):
        answering(lambda request: answer).list("Account", ["id"])


def test_pages_that_begin_anew_are_an_error_and_no_endless_reading() -> None:
    page: dict[str, Any] = {"list": [{"id": "a1"}, {"id": "a2"}]}
    espo = answering(lambda request: httpx.Response(200, json=page))
    espo.settings.page_size = 2
    with pytest.raises(RemoteError, match="condition on 'id' had not been there"):
        list(espo.all("Account", ["id"]))


def test_the_time_is_that_of_espocrm(backend: Backend) -> None:
    assert Espo(settings_of(backend), transport=backend.wire).now == NOON


def test_ids_go_in_portions_that_fit_into_a_url() -> None:
    ids = [f"{n:036d}" for n in range(500)]
    found = list(portions([*ids, "", "../User", "a b"], 200))
    assert [one for portion in found for one in portion] == ids
    for portion in found:
        url = httpx.URL("https://x/", params={"searchParams": json.dumps(among("id", portion))})
        assert len(str(url)) < 7_000
    assert [len(portion) for portion in portions([f"{n:017d}" for n in range(250)], 200)] == [
        200,
        50,
    ]


def test_a_time_is_written_in_the_one_form_that_is_understood() -> None:
    assert written(NOON + timedelta(microseconds=5)) == "2026-06-30 12:00:00"
    assert written(NOON.replace(tzinfo=None)) == "2026-06-30 12:00:00"
    assert moment_of("2026-06-30 12:00:00") == NOON
    for other in ("2026-06-30", "2026-06-30T12:00:00Z", "2026-13-30 12:00:00", None, 5):
        assert moment_of(other) is None
