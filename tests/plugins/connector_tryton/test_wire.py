"""What goes over the wire, and what its answers mean; no server."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connector import (
    AccessError,
    AuthError,
    ConfigError,
    RateLimited,
    Refused,
    RemoteError,
    Unavailable,
)
from connector.http import NoAnswer, NotFound
from connector_tryton.refusal import Changed
from connector_tryton.server import Tryton
from connector_tryton.settings import TrytonSettings
from connector_tryton.typed_json import dumps, typed
from tests.plugins.connector_tryton.test_settings import GOOD

NOON = datetime(2026, 6, 30, 12, 30, 15, 250, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(Decimal("42945.00"), id="amount"),
        pytest.param(Decimal("1E+3"), id="exponent"),
        pytest.param(NOON, id="moment"),
        pytest.param(date(2026, 6, 30), id="day"),
        pytest.param(timedelta(minutes=30), id="duration"),
        pytest.param([None, True, 1, "Žofie", {"a": [1]}], id="plain"),
    ],
)
def test_a_value_comes_back_as_it_went(value: object) -> None:
    assert json.loads(dumps(value), object_hook=typed) == value


def test_a_moment_goes_out_in_utc() -> None:
    local = NOON.astimezone(timezone(timedelta(hours=2)))
    assert dumps(local) == dumps(NOON)
    assert json.loads(dumps(NOON))["hour"] == 12


def test_an_amount_has_no_exponent_and_a_clock_is_read() -> None:
    assert b"1000" in dumps(Decimal("1E+3"))
    clock = {"__class__": "time", "hour": 8, "minute": 15, "second": 0, "microsecond": 0}
    assert typed(clock) == time(8, 15)
    assert typed({"__class__": "bytes"}) == {"__class__": "bytes"}


def answering(answer: Callable[[str], httpx.Response]) -> Tryton:
    """Return a database that gives *answer* to each method; logging in works."""

    def handle(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        assert asked.keys() == {"id", "method", "params"}
        if asked["method"] == "common.db.login":
            return httpx.Response(200, json={"id": 0, "result": [7, "0123token", None]})
        assert request.headers["authorization"].startswith("Session ")
        return answer(asked["method"])

    return Tryton(TrytonSettings(**GOOD), transport=httpx.MockTransport(handle))


def said(error: object) -> httpx.Response:
    return httpx.Response(200, json={"id": 0, "error": error})


@pytest.mark.parametrize(
    ("response", "error", "says"),
    [
        pytest.param(
            said(["UserError", ["You are not allowed to access X.", "Within groups: ", None]]),
            AccessError, "not allowed to access", id="no right",
        ),
        pytest.param(
            said(["UserError", ["The value is required.", "", None]]),
            Refused, "The value is required", id="refused",
        ),
        pytest.param(
            said(["UserWarning", ["party_7", "Duplicate name", "Sure?"]]),
            Refused, "Duplicate name Sure", id="warning",
        ),
        pytest.param(
            said(["ConcurrencyException", "Records were modified in the meanwhile"]),
            Changed, "meanwhile", id="changed",
        ),
        pytest.param(said(["'nope'", ""]), AccessError, "no model or field 'nope'", id="key"),
        pytest.param(said(["database is locked", ""]), Unavailable, "is locked", id="failed"),
        pytest.param(said(["", ""]), Unavailable, "failed", id="no words"),
        pytest.param(said(["RateLimitException"]), RateLimited, "Rate", id="too many"),
        pytest.param(httpx.Response(429), RateLimited, "429", id="429"),
        pytest.param(httpx.Response(404), NotFound, "check url and database", id="404"),
        pytest.param(
            httpx.Response(503, text="Database &#39;/x/crm.sqlite&#39; doesn&#39;t exist!"),
            NotFound, "check url and database", id="no file",
        ),
        pytest.param(httpx.Response(503, text="busy"), Unavailable, "503", id="503"),
        pytest.param(httpx.Response(504), NoAnswer, "504", id="504"),
        pytest.param(httpx.Response(403, text="<p>no</p>"), AccessError, "403", id="403"),
        pytest.param(httpx.Response(200, json=[1]), NoAnswer, "not one of JSON-RPC", id="other"),
        pytest.param(httpx.Response(200, text="<html>"), NoAnswer, "not JSON", id="page"),
    ],
)  # fmt: skip
def test_an_answer_is_understood(
    response: httpx.Response, error: type[RemoteError], says: str
) -> None:
    tryton = answering(lambda method: response)
    with pytest.raises(error, match=says) as failure:
        tryton.call("party.party", "search", [], context={})
    assert type(failure.value) is error
    assert "s3cret-word" not in str(failure.value)


def test_a_session_that_is_refused_is_begun_anew_once() -> None:
    answers = [
        httpx.Response(200, json={"id": 0, "result": 1}),
        httpx.Response(401),
        httpx.Response(200, json={"id": 0, "result": 2}),
        httpx.Response(401),
        httpx.Response(401),
    ]
    tryton = answering(lambda method: answers.pop(0))
    assert [tryton.call("a", "b", context={}) for _ in range(2)] == [1, 2]
    with pytest.raises(AuthError):
        tryton.call("a", "b", context={})
    assert answers == []


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(401), id="refused"),
        pytest.param(httpx.Response(200, json={"id": 0, "result": None}), id="nobody"),
        pytest.param(said(["LoginException", ["sms", "Code", "char"]]), id="a second factor"),
    ],
)
def test_a_login_that_fails_is_an_auth_error(answer: httpx.Response) -> None:
    wire = httpx.MockTransport(lambda request: answer)
    with pytest.raises(AuthError):
        Tryton(TrytonSettings(**GOOD), transport=wire).call("a", "b", context={})


def test_a_module_that_is_not_activated_is_named() -> None:
    tryton = answering(lambda method: said(["'project.work'", ""]))
    tryton.__dict__["company"] = (1, "Acme")
    with pytest.raises(ConfigError, match="activate the module 'project'"):
        tryton.may("project.work", module="project")


@pytest.mark.parametrize(
    ("preferences", "company"),
    [pytest.param({"company": 3, "company.rec_name": "Acme"}, (3, "Acme"), id="named")],
)
def test_the_company_is_that_of_the_preferences(
    preferences: dict[str, Any], company: tuple[int, str]
) -> None:
    result = httpx.Response(200, json={"id": 0, "result": preferences})
    assert answering(lambda method: result).company == company


def test_preferences_without_a_company_want_one_in_the_job() -> None:
    result = httpx.Response(200, json={"id": 0, "result": {"company": None}})
    with pytest.raises(ConfigError, match="company"):
        _ = answering(lambda method: result).company
