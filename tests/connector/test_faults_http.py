"""Each fault of HTTP is the error that the page on adapters names, as often as the script says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from connector.contract import Applied, Unknown, WriteOutcome
from connector.errors import (
    AccessError,
    AuthError,
    RateLimited,
    RemoteError,
    Transient,
    Unavailable,
)
from connector.http import NoAnswer, crm_client, outcome_of
from connector.testing.faults import (
    Altered,
    Clock,
    Drip,
    FaultyTransport,
    Html,
    Jump,
    Meanwhile,
    Overtaken,
    Play,
    RequestFault,
    Reset,
    Script,
    Slow,
    Status,
    Strike,
    Timeout,
    TooMany,
    Truncated,
    Twice,
    since,
)

NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)


class Crm:
    """A CRM over HTTP with one counter a record, and the faults of a script on the way to it."""

    def __init__(self, *strikes: Strike[httpx.Request, RequestFault], seed: int = 0) -> None:
        self.held: dict[str, int] = {}
        self.clock = Clock(NOON)
        script = Script(*strikes, seed=seed)
        self.transport = FaultyTransport(
            httpx.MockTransport(self._answer), script, clock=self.clock
        )
        self.http = crm_client("https://crm.example", timeout=10, transport=self.transport)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        for key in json.loads(request.content):
            self.held[key] = self.held.get(key, 0) + 1
        return httpx.Response(200, json={"ids": list(json.loads(request.content))})

    def put(self, *keys: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self.http.post("/records", json=keys).json()
        return answer

    def outcome(self, key: str) -> WriteOutcome:
        """Write as an adapter does."""
        try:
            return Applied(key, self.put(key)["ids"][0])
        except RemoteError as error:
            return outcome_of(key, error)


FAILURES: dict[str, tuple[RequestFault, type[RemoteError], int, str]] = {
    "no connection in time": (Timeout("connecting"), Unavailable, 0, "timed out"),
    "timeout, not carried out": (Timeout("before"), NoAnswer, 0, "timed out"),
    "timeout, carried out": (Timeout("after"), NoAnswer, 1, "timed out"),
    "connection refused": (Reset("connecting"), Unavailable, 0, "refused"),
    "reset, not carried out": (Reset("before"), NoAnswer, 0, "reset by peer"),
    "reset, carried out": (Reset("after"), NoAnswer, 1, "reset by peer"),
    "reset within the answer": (Reset("midway"), NoAnswer, 1, "reset by peer"),
    "too slow": (Slow(11), NoAnswer, 1, "timed out"),
    "dripping too slowly": (Drip(pause=11), NoAnswer, 1, "timed out"),
    "too many": (TooMany(), RateLimited, 0, "429: too many requests"),
    "token expired": (Status(401, "expired"), AuthError, 0, "401: expired"),
    "no permission": (Status(403, "no"), AccessError, 0, "403: no"),
    "failed at the door": (Status(503, "down"), Unavailable, 0, "503: down"),
    "failed within": (Status(500, "oops", carried_out=True), NoAnswer, 1, "500: oops"),
    "gateway gave up": (Status(504, carried_out=True), NoAnswer, 1, "504: Gateway Timeout"),
    "a page with 502": (Html(502, "Bad gateway"), NoAnswer, 0, "502: Bad gateway"),
    "a page with 200": (Html(title="Sign in"), NoAnswer, 0, "not JSON.*Sign in"),
    "truncated": (Truncated(), NoAnswer, 1, "not JSON"),
    "overtaken": (Overtaken(), NoAnswer, 0, "timed out"),
}


@pytest.mark.parametrize(
    ("fault", "error", "carried_out", "words"), list(FAILURES.values()), ids=list(FAILURES)
)
def test_a_fault_is_the_error_that_the_page_names(
    fault: RequestFault, error: type[RemoteError], carried_out: int, words: str
) -> None:
    crm = Crm(Strike(fault, calls=(1,)))
    with pytest.raises(error, match=words) as failure:
        crm.put("a")
    assert type(failure.value) is error
    assert crm.held.get("a", 0) == carried_out

    assert crm.put("b") == {"ids": ["b"]}  # the script names the first request alone
    assert [found for _, found in crm.transport.play.struck] == [fault]


@pytest.mark.parametrize("as_date", [False, True])
def test_a_crm_says_when_to_come_back(as_date: bool) -> None:
    crm = Crm(Strike(TooMany(90, as_date=as_date)))
    with pytest.raises(RateLimited) as failure:
        crm.put("a")
    assert failure.value.retry_after == 90.0


def test_a_slow_answer_arrives_if_no_byte_takes_too_long() -> None:
    crm = Crm(Strike(Drip(pause=9, size=4), calls=(1,)), Strike(Slow(9), calls=(2,)))
    assert crm.put("a") == {"ids": ["a"]}
    assert crm.clock.seconds == 9 * 4  # {"ids":["a"]} has 13 characters
    assert crm.put("b") == {"ids": ["b"]}
    assert crm.clock.seconds == 9 * 5


def test_a_timeout_takes_as_long_as_the_client_waits() -> None:
    crm = Crm(Strike(Timeout()))
    with pytest.raises(NoAnswer):
        crm.put("a")
    assert crm.clock.seconds == 10


def test_time_can_be_made_to_pass() -> None:
    slept: list[float] = []
    Clock(sleep=slept.append).sleep(2.5)
    assert slept == [2.5]


def test_a_request_that_is_carried_out_twice_is_answered_once() -> None:
    crm = Crm(Strike(Twice()))
    assert crm.put("a") == {"ids": ["a"]}
    assert crm.held == {"a": 2}


def test_a_request_that_was_overtaken_arrives_after_later_ones() -> None:
    seen: list[str] = []
    crm = Crm(Strike(Overtaken(by=2), calls=(1,)))
    assert isinstance(crm.outcome("a"), Unknown)
    for key in ("b", "c"):
        crm.put(key)
        seen.append("".join(crm.held))
    assert seen == ["b", "bac"]


def test_a_crm_may_do_a_part_and_say_so_or_not() -> None:
    def half(request: httpx.Request) -> httpx.Request:
        sent = json.loads(request.content)[:1]
        return httpx.Request(request.method, request.url, json=sent)

    crm = Crm(
        Strike(Altered(request=half), calls=(1,)),
        Strike(Altered(answer=lambda body: body.replace(b'"d"', b"null")), calls=(2,)),
    )
    assert crm.put("a", "b") == {"ids": ["a"]}
    assert crm.put("c", "d") == {"ids": ["c", None]}
    assert list(crm.held) == ["a", "c", "d"]


def test_a_clock_that_jumps_shows_in_the_answers() -> None:
    crm = Crm(Strike(Jump(-3600), calls=(1,)), Strike(TooMany(60, as_date=True), calls=(2,)))
    told = crm.http.post("/records", json=["a"]).headers["date"]
    assert (NOON - parsedate_to_datetime(told)).total_seconds() == 3600
    with pytest.raises(RateLimited) as failure:
        crm.put("b")
    assert failure.value.retry_after == 60.0  # by the CRM's clock, wrong as it may be


def test_something_else_happens_just_before_the_request() -> None:
    crm = Crm()
    crm.transport.play = Play(Script(Strike(Meanwhile(lambda: crm.held.update(a=7)))))
    crm.put("a")
    assert crm.held == {"a": 8}


def struck(crm: Crm, requests: int) -> str:
    """Return which of so many requests were struck, as a picture."""
    picture = ""
    for number in range(requests):
        try:
            crm.put(str(number))
            picture += "."
        except Transient:
            picture += "x"
    return picture


@pytest.mark.parametrize(
    ("strike", "picture"),
    [
        ({"calls": (2, 4)}, ".x.x...."),
        ({"calls": since(6)}, ".....xxx"),
        ({"times": 3}, "xxx....."),
        ({"where": lambda request: request.content == b'["3"]'}, "...x...."),
        ({"where": lambda request: request.content > b'["2"]', "calls": (2,)}, "....x..."),
        ({}, "xxxxxxxx"),
    ],
    ids=["numbers", "from then on", "so many times", "which", "which of which", "all"],
)
def test_a_strike_says_which_requests(strike: dict[str, Any], picture: str) -> None:
    assert struck(Crm(Strike(Status(503), **strike)), 8) == picture


def test_chance_repeats_with_its_seed() -> None:
    by_seed: Callable[[int], str] = lambda seed: struck(  # noqa: E731 - said three times below
        Crm(Strike(Status(503), chance=0.4), seed=seed), 40
    )
    assert by_seed(1) == by_seed(1) != by_seed(2)
    assert 8 <= by_seed(1).count("x") <= 24


def test_the_first_strike_that_is_due_wins_and_the_others_count_on() -> None:
    crm = Crm(Strike(Status(401), calls=(1,)), Strike(Status(503), calls=(1, 2)))
    with pytest.raises(AuthError):
        crm.put("a")
    with pytest.raises(Unavailable):
        crm.put("a")
