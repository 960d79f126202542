"""Exchange rates that the source tells: kept, crossed into the base currency, and used."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import select

from connector import ConfigError, ExchangeRate, GuardError, Stream, Unavailable
from connector.cli.account import find_account
from connector.cli.explain import explained
from connector.cli.opening import open_kept
from connector.config import Job, load_job
from connector.rates import rates_now, rates_of, refreshed_rates, said_of
from connector.store import Store
from connector.store.tables import QuarantineRow
from connector.testing import FakeCRM, FakeSettings
from tests.connector.sync_world import JOB, World, account, deal

ALWAYS = date.min
NEW_YEAR = date(2026, 1, 1)
APRIL = date(2026, 4, 1)
OWN = "[[currency.rates]]\ncurrency = 'USD'\nvalid_from = 2026-01-01\nrate = '0.25'\n"

MakeJob = Callable[..., Job]


def rate(currency: str, worth: str, day: date = ALWAYS) -> ExchangeRate:
    return ExchangeRate(currency, day, Decimal(worth))


EURO, DOLLAR = rate("EUR", "1"), rate("USD", "0.5")


@pytest.fixture
def make(tmp_path: Path) -> MakeJob:
    """Return what writes a job with a base currency, and more, and loads it."""

    def write(base: str, more: str = "") -> Job:
        path = tmp_path / "fake.toml"
        path.write_text(f"{JOB}[currency]\nbase = '{base}'\n{more}", encoding="utf-8")
        return load_job(path)

    return write


def source_with(*rates: ExchangeRate) -> Any:
    crm = FakeCRM()
    crm.rates = rates
    opening = crm.adapter().source
    assert opening is not None
    return opening(FakeSettings())


def found(job: Job, *told: ExchangeRate) -> list[tuple[str, date, str]]:
    """Return the rates into the base currency by what was told."""
    return [
        (one.currency, one.valid_from, f"{one.rate.normalize():f}")
        for one in rates_now(job, source_with(*told))
    ]


# --- into the base currency


@pytest.mark.parametrize(
    ("base", "told", "expected"),
    [
        pytest.param("EUR", [], [], id="one currency"),
        pytest.param("EUR", [EURO], [], id="one of several"),
        pytest.param("EUR", [EURO, DOLLAR], [("USD", ALWAYS, "0.5")], id="as told"),
        pytest.param("USD", [EURO, DOLLAR], [("EUR", ALWAYS, "2")], id="the other way round"),
        pytest.param(
            "USD",
            [EURO, DOLLAR, rate("GBP", "1.2")],
            [("EUR", ALWAYS, "2"), ("GBP", ALWAYS, "2.4")],
            id="across",
        ),
        pytest.param(
            "USD",
            [EURO, DOLLAR, rate("USD", "0.8", APRIL)],
            [("EUR", ALWAYS, "2"), ("EUR", APRIL, "1.25")],
            id="the base changes",
        ),
        pytest.param(
            "USD",
            [
                EURO,
                rate("GBP", "1.2", NEW_YEAR),
                rate("GBP", "1.4", date(2026, 7, 1)),
                rate("USD", "0.5", date(2025, 1, 1)),
                rate("USD", "0.8", APRIL),
            ],
            [
                ("EUR", date(2025, 1, 1), "2"),
                ("EUR", APRIL, "1.25"),
                ("GBP", NEW_YEAR, "2.4"),
                ("GBP", APRIL, "1.5"),
                ("GBP", date(2026, 7, 1), "1.75"),
            ],
            id="both change, and are not known before",
        ),
        pytest.param(
            "EUR", [EURO, rate("VND", "0.00003456789012")], [("VND", ALWAYS, "0.0000345679")],
            id="ten places",
        ),
    ],
)  # fmt: skip
def test_rates_are_crossed_into_the_base_currency(
    make: MakeJob,
    base: str,
    told: list[ExchangeRate],
    expected: list[tuple[str, date, str]],
) -> None:
    job = make(base)

    assert found(job, *told) == found(job, *reversed(told)) == expected


@pytest.mark.parametrize("worth", ["1e-11", "1e9", "1e30"])
def test_a_rate_that_no_job_could_hold_leaves_its_currency_out(
    make: MakeJob, worth: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = (EURO, DOLLAR, rate("ZWL", "3"), rate("ZWL", worth, APRIL))

    assert found(make("EUR"), *told) == [("USD", ALWAYS, "0.5")]
    assert "the rate of ZWL in EUR is out of range" in caplog.text


def test_a_base_currency_that_the_source_has_not_is_named(make: MakeJob) -> None:
    job = make("CHF")

    with pytest.raises(ConfigError) as caught:
        found(job, EURO, DOLLAR)

    assert str(caught.value) == (
        f"{job.path}: currency.base: the source has no rate of 'CHF'; it has: EUR, USD. Write one"
        " of these, or rates of your own into currency.rates"
    )


class Unasked:
    """A source that must not be asked for rates."""

    def rates(self) -> Sequence[ExchangeRate]:
        raise AssertionError("asked")


def test_a_job_with_rates_of_its_own_asks_nobody(make: MakeJob, sqlite_store: Store) -> None:
    job, source = make("EUR", OWN), Unasked()

    for rates in (
        rates_now(job, source),  # type: ignore[arg-type]  # nothing else is asked
        refreshed_rates(job, source, sqlite_store, 1, may_be_none=False),  # type: ignore[arg-type]  # as above
        rates_of(job, sqlite_store, 1),
    ):
        assert [(one.currency, one.rate) for one in rates] == [("USD", Decimal("0.25"))]


def test_a_source_that_fails_for_a_moment_is_asked_again(
    make: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda pause: None)  # asked again at once
    answers: list[Any] = [Unavailable("not now", retry_after=0.0), [EURO, DOLLAR]]

    class Moody:
        def rates(self) -> Sequence[ExchangeRate]:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            told: Sequence[ExchangeRate] = answer
            return told

    rates = rates_now(make("EUR"), Moody())  # type: ignore[arg-type]  # nothing else is asked

    assert [one.currency for one in rates] == ["USD"]


def test_the_newest_rates_are_said(make: MakeJob) -> None:
    told = [EURO, DOLLAR, rate("GBP", "1.2"), rate("GBP", "1.25", APRIL)]
    many = [rate(f"X{letter}X", "2") for letter in "ABCDEFG"]

    def said(*rates: ExchangeRate) -> str:
        return said_of(rates_now(make("EUR"), source_with(*rates)), "EUR")

    assert said(*told) == "1 GBP = 1.25 EUR from 2026-04-01, 1 USD = 0.5 EUR"
    assert said(EURO, *many).endswith("1 XEX = 2 EUR, 2 more")


# --- kept


def refreshed(job: Job, store: Store, job_id: int, *told: ExchangeRate, **more: bool) -> None:
    refreshed_rates(
        job, source_with(*told), store, job_id, may_be_none=more.get("may_be_none", False)
    )


def kept(job: Job, store: Store, job_id: int) -> list[tuple[str, date, Decimal]]:
    return [(one.currency, one.valid_from, one.rate) for one in rates_of(job, store, job_id)]


def test_what_was_told_is_kept_exactly_and_by_job(make: MakeJob, store: Store) -> None:
    job, third = make("EUR"), rate("USD", "0.3333333333333333333333333333")
    refreshed(job, store, 1, EURO, third, rate("USD", "0.25", date.max))
    refreshed(job, store, 2, EURO, rate("GBP", "1.2"))

    assert kept(job, store, 1) == [
        ("USD", date.min, Decimal("0.3333333333")),
        ("USD", date.max, Decimal("0.25")),
    ]
    assert kept(make("USD"), store, 1)[0] == ("EUR", date.min, Decimal("3.0000000000"))
    assert kept(job, store, 2) == [("GBP", date.min, Decimal("1.2"))]


def test_what_is_told_replaces_all_that_was(make: MakeJob, store: Store) -> None:
    job = make("EUR")
    refreshed(job, store, 1, EURO, DOLLAR, rate("GBP", "1.2", APRIL))

    refreshed(job, store, 1, EURO, rate("GBP", "1.3", NEW_YEAR))

    assert kept(job, store, 1) == [("GBP", NEW_YEAR, Decimal("1.3"))]


def test_what_is_told_again_is_not_written_again(make: MakeJob, store: Store) -> None:
    job, said = make("EUR"), []
    refreshed(job, store, 1, EURO, DOLLAR)

    @event.listens_for(store.database.engine, "before_cursor_execute")
    def listen(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        said.append(statement.split()[0].lower())

    refreshed(job, store, 1, DOLLAR, rate("EUR", "1.000"))

    assert {word for word in said if word in ("insert", "delete", "update")} == set()
    assert "select" in said


def test_rates_that_are_no_longer_told_stop_the_run(make: MakeJob, sqlite_store: Store) -> None:
    job = make("EUR")
    refreshed(job, sqlite_store, 1, EURO, DOLLAR)

    with pytest.raises(GuardError, match="tells no exchange rates, where it told 2; nothing was"):
        refreshed(job, sqlite_store, 1)
    assert kept(job, sqlite_store, 1) == [("USD", date.min, Decimal("0.5"))]

    refreshed(job, sqlite_store, 1, may_be_none=True)
    assert kept(job, sqlite_store, 1) == []


def test_rates_without_the_base_are_not_kept(make: MakeJob, sqlite_store: Store) -> None:
    refreshed(make("EUR"), sqlite_store, 1, EURO, DOLLAR)

    with pytest.raises(ConfigError, match=r"currency\.base: the source has no rate of 'EUR'"):
        refreshed(make("EUR"), sqlite_store, 1, rate("GBP", "1"))

    assert kept(make("EUR"), sqlite_store, 1) == [("USD", date.min, Decimal("0.5"))]


# --- whole runs


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a company with one customer, who pays in dollars."""
    crm = FakeCRM()
    crm.put(Stream.ACCOUNTS, [account("A1")])
    crm.put(Stream.OPPORTUNITIES, [{**deal("D1", "A1", "12000"), "currency": "USD"}])
    return World(tmp_path, crm, f"{JOB}[guard]\nmax_tier_changes = 1.0\n[currency]\nbase = 'EUR'\n")


def revenue(world: World) -> object:
    return world.crm.fields_of("A1")["revenue"]


def test_a_run_converts_by_the_rates_of_the_source(world: World) -> None:
    world.crm.rates = [EURO, DOLLAR, rate("USD", "0.75", NEW_YEAR), rate("USD", "0.8", APRIL)]

    assert "rates: 1 USD = 0.8 EUR from 2026-04-01" in world.sync().check()
    assert world.run().state == "done"

    assert revenue(world) == Decimal("9000.00")
    world.crm.cut_network()  # what follows asks nobody
    opened = open_kept(world.path)
    (sold,) = explained(opened, opened.last_run(), find_account(opened, "A1")).deals
    assert (sold.amount, sold.counted) == (Decimal("12000"), Decimal("9000"))


def test_a_deal_whose_rate_the_source_does_not_tell_is_set_aside(world: World) -> None:
    world.crm.rates = [EURO, rate("GBP", "0.8")]

    assert world.run().state == "partial"

    with world.sync().store.session() as session:
        (row,) = session.exec(select(QuarantineRow)).all()
    assert "the source tells none: add it there" in str(row.problems)


@pytest.mark.long
def test_rates_come_change_and_give_way_to_those_of_the_job(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "connector.rates")
    first = world.run()
    assert (first.state, first.pulled["opportunities"].quarantined) == ("partial", 1)
    assert revenue(world) == Decimal("0.00")

    world.crm.rates = [EURO, DOLLAR]
    assert world.run().state == "done"  # the deal that was set aside comes in
    assert (revenue(world), world.kept("record", "quarantine")) == (Decimal("6000.00"), [])

    world.crm.rates = [EURO, rate("USD", "0.9")]
    second = world.run()
    assert (revenue(world), second.pulled["opportunities"].stored) == (Decimal("10800.00"), 0)

    caplog.clear()
    assert world.run().accounts["unchanged"] == 1
    assert not caplog.messages

    world.path.write_text(world.path.read_text() + OWN)
    world.crm.rates = []
    world.run()
    assert revenue(world) == Decimal("3000.00")
