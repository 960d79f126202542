"""Limits of a CRM are kept, a part is left to others, and one that fails is left alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from connector.contract import Change, Current, Ref, SetFields, WriteOutcome
from connector.deliver import Delivery
from connector.errors import ConnectorError, Refused, Unavailable
from connector.governor import CircuitOpen, Governed, QuotaSpent
from connector.http import crm_client, outcome_of
from connector.quota import Allowance, governed
from connector.retry import retrying_call
from connector.store import Store

HOST = "acme.crm.example"
OTHER = "other.crm.example"


class CRM:
    """A CRM with a limit of calls, that says how much of it is left."""

    def __init__(self, limit: int = 10, window: float = 86_400.0, *, tells: bool = True) -> None:
        self.limit, self.window, self.tells = limit, window, tells
        self.calls = 0
        self.status = 200
        self.broken = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if self.broken:
            raise httpx.ConnectTimeout("gone")
        headers = {"left": str(self.limit - self.calls)} if self.tells else {}
        return httpx.Response(self.status, headers=headers, json={})

    def allowances(self, response: httpx.Response) -> Sequence[Allowance]:
        left = response.headers.get("left")
        return [Allowance(self.limit, int(left), self.window)] if left else []


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'connector.db'}")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def governor(
    store: Store, clock: Clock, reserve: float = 0.2, calls_per_day: int | None = None
) -> Governed:
    return Governed(
        store, reserve=reserve, calls_per_day=calls_per_day, clock=clock, sleep=clock.sleep
    )


def client(crm: CRM, asked: Governed, host: str = HOST) -> httpx.Client:
    with governed(asked):
        return crm_client(
            f"https://{host}",
            transport=httpx.MockTransport(crm.answer),
            allowances=crm.allowances,
        )


def spend(http: httpx.Client) -> int:
    """Ask until nothing goes out any more; return how many requests did."""
    for sent in range(100):
        try:
            http.get("/accounts")
        except QuotaSpent:
            return sent
    raise AssertionError("nobody stopped it")


# --- limits


def test_the_reserve_of_a_daily_limit_is_left_to_others(store: Store, clock: Clock) -> None:
    crm = CRM(limit=10)

    assert spend(client(crm, governor(store, clock))) == 8
    assert crm.calls == 8, "what is not allowed is not sent"


def test_without_a_reserve_all_of_it_is_used(store: Store, clock: Clock) -> None:
    assert spend(client(CRM(limit=10), governor(store, clock, reserve=0.0))) == 10


def test_the_calls_of_people_count_too(store: Store, clock: Clock) -> None:
    crm = CRM(limit=10)
    crm.calls = 5

    assert spend(client(crm, governor(store, clock))) == 3


def test_requests_under_way_at_once_exceed_it_by_no_more_than_they_are(
    store: Store, clock: Clock
) -> None:
    crm = CRM(limit=100)
    http = client(crm, governor(store, clock))
    http.get("/first")

    def ask(number: int) -> bool:
        try:
            http.get(f"/{number}")
        except QuotaSpent:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        sent = sum(pool.map(ask, range(200)))

    assert sent <= 79 + 8


def test_after_a_while_one_request_looks_whether_there_is_more(store: Store, clock: Clock) -> None:
    crm = CRM(limit=10)
    http = client(crm, governor(store, clock))
    spend(http)

    clock.now += 901
    assert spend(http) == 1, "it was told that there is nothing more"
    crm.calls = 0  # the day is over
    clock.now += 901
    assert spend(http) == 8


def test_a_short_limit_is_waited_for(store: Store, clock: Clock) -> None:
    crm = CRM(limit=5, window=10.0)
    http = client(crm, governor(store, clock))
    for _ in range(4):
        http.get("/accounts")
    assert clock.slept == []

    clock.now += 3
    crm.calls = 0
    http.get("/accounts")

    assert clock.slept == [pytest.approx(7.0)]


def test_what_was_learnt_holds_for_other_processes(store: Store, clock: Clock) -> None:
    crm = CRM(limit=10)
    first = governor(store, clock)
    assert spend(client(crm, first)) == 8
    first.keep(now=True)

    assert spend(client(crm, governor(store, clock))) == 0
    assert spend(client(CRM(limit=10), governor(store, clock), OTHER)) == 8


def test_where_the_crm_says_nothing_the_calls_of_all_jobs_are_counted(
    store: Store, clock: Clock
) -> None:
    crm = CRM(tells=False)
    first, second = (governor(store, clock, calls_per_day=6) for _ in range(2))
    with client(crm, first) as http:
        for _ in range(4):
            http.get("/accounts")
    first.keep(now=True)
    with client(crm, second) as http:
        http.get("/accounts")
    second.keep(now=True)

    assert spend(client(crm, second)) == 1
    second.keep(now=True)
    clock.now += 25 * 3600
    assert spend(client(crm, governor(store, clock, calls_per_day=6))) == 6


def test_the_message_says_who_has_the_rest_and_when_it_is_asked_again(
    store: Store, clock: Clock
) -> None:
    http = client(CRM(limit=1000), governor(store, clock, reserve=0.999))
    http.get("/accounts")

    with pytest.raises(QuotaSpent) as caught:
        http.get("/accounts")

    assert str(caught.value) == (
        "acme.crm.example: not asked: the last 100% of 1,000 calls are left to people and other"
        " integrations (quota.reserve); what is left to do is done by a later run, when the CRM"
        " allows more: it is asked again in 15 min"
    )


def test_what_a_plan_costs_is_known_from_what_the_crm_said(store: Store, clock: Clock) -> None:
    asked = governor(store, clock)
    assert asked.cost() is None
    with client(CRM(limit=1000), asked) as http:
        http.get("/accounts")

    cost = asked.cost()

    assert cost is not None
    assert (cost.organisation, cost.limit, cost.left) == (HOST, 1000, 999)
    assert cost.seconds is not None


# --- a CRM that fails


def fail(http: httpx.Client, times: int) -> list[type[Exception]]:
    found: list[type[Exception]] = []
    for _ in range(times):
        with pytest.raises(ConnectorError) as caught:
            http.get("/accounts")
        found.append(type(caught.value))
    return found


def test_a_crm_that_fails_again_and_again_is_left_alone(store: Store, clock: Clock) -> None:
    crm = CRM()
    crm.broken = True

    found = fail(client(crm, governor(store, clock)), 7)

    assert found == [Unavailable] * 5 + [CircuitOpen] * 2
    assert crm.calls == 5


def test_after_a_rest_one_request_tries_and_each_failure_doubles_the_rest(
    store: Store, clock: Clock
) -> None:
    crm = CRM(limit=1000)
    crm.status = 503
    http = client(crm, governor(store, clock))
    fail(http, 5)
    for rest in (30, 60, 120, 240, 480, 900, 900):
        clock.now += rest - 1
        assert fail(http, 1) == [CircuitOpen]
        clock.now += 1
        assert fail(http, 1) == [Unavailable]

    clock.now += 900
    crm.status = 200
    for _ in range(3):
        http.get("/accounts")


def test_while_one_request_tries_the_others_wait(store: Store, clock: Clock) -> None:
    crm = CRM()
    crm.broken = True
    asked = governor(store, clock)
    fail(client(crm, asked), 5)
    clock.now += 31

    asked.admit(HOST)
    with pytest.raises(CircuitOpen):
        asked.admit(HOST)
    asked.answered(HOST, (), 0.1)
    asked.admit(HOST)


def test_a_refusal_is_an_answer(store: Store, clock: Clock) -> None:
    crm = CRM(limit=100)
    crm.status = 400

    assert fail(client(crm, governor(store, clock)), 7) == [Refused] * 7


def test_another_organisation_is_asked_all_the_same(store: Store, clock: Clock) -> None:
    crm, asked = CRM(), governor(store, clock)
    crm.broken = True
    fail(client(crm, asked), 6)

    with client(CRM(), asked, OTHER) as http:
        http.get("/accounts")


def test_other_processes_look_once_and_leave_it_alone_too(store: Store, clock: Clock) -> None:
    crm, first = CRM(), governor(store, clock)
    crm.broken = True
    fail(client(crm, first), 9)
    first.keep(now=True)
    calls = crm.calls

    found = fail(client(crm, governor(store, clock)), 3)

    assert found == [Unavailable, CircuitOpen, CircuitOpen]
    assert crm.calls == calls + 1


def test_who_waits_is_told_when_only_a_long_rest_would_help(store: Store, clock: Clock) -> None:
    crm = CRM()
    crm.broken = True
    http = client(crm, governor(store, clock))
    fail(http, 5)
    clock.now += 31
    fail(http, 1)

    with pytest.raises(CircuitOpen, match="failed 6 times in a row; it is asked again in 60 s"):
        retrying_call(lambda: http.get("/accounts"), sleep=clock.sleep)

    assert clock.slept == []


def test_the_host_waits_as_long_as_it_is_told(store: Store, clock: Clock) -> None:
    crm = CRM()
    crm.broken = True
    http = client(crm, governor(store, clock))
    fail(http, 5)

    def ask() -> int:
        if clock.now > 1_700_000_020:
            crm.broken = False
        return http.get("/accounts").status_code

    assert retrying_call(ask, sleep=clock.sleep) == 200
    assert clock.slept == [pytest.approx(30.0)]


class Writing:
    """A writer over HTTP, one request a change."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def check(self, fields: Sequence[str]) -> str:
        return ""

    def current(self, accounts: Sequence[str], fields: Sequence[str]) -> Current:
        self.http.get("/accounts")
        return Current([])

    def write(self, changes: Sequence[Change]) -> Iterator[WriteOutcome]:
        for change in changes:
            try:
                self.http.post("/accounts")
            except Unavailable as error:
                yield outcome_of(change.marker, error)
            except QuotaSpent as error:
                yield outcome_of(change.marker, error)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("broken", [True, False], ids=["fails", "spent"])
def test_what_was_not_tried_waits_and_has_not_failed(
    store: Store, clock: Clock, broken: bool
) -> None:
    crm = CRM(limit=2)
    http = client(crm, governor(store, clock))
    http.get("/accounts")
    crm.broken = broken
    delivery = Delivery(store, 1, "run", Writing(http), sleep=clock.sleep)
    if broken:
        fail(http, 5)

    counts = delivery.send([SetFields(Ref(key), {"Tier": "Top"}, {}) for key in "ABC"])

    assert (counts.waiting, counts.rejected) == (3, 0)
    assert sum(clock.slept) <= 900, "a run does not wait for the next day"
    with store.bulk() as bulk:
        states = bulk.fetch("select distinct state from ledger").column("state").to_pylist()
    assert states == ["retry"]
