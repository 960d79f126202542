"""What an org tells of its currencies, and what it is asked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector import ExchangeRate
from connector.config import load_job
from connector.plugins import Plugins
from connector.sync import Sync
from connector_salesforce.source import SalesforceSource
from sandbox_salesforce.objects import Edition
from sandbox_salesforce.sandbox import SalesforceSandbox
from tests.plugins.connector_salesforce.sandbox import INSTALLED, NOON, Clock, settings_for

ALWAYS = date.min
SEVERAL = Edition(multi_currency=True)
DATED = Edition(multi_currency=True, dated_rates=True)
RATES = ("CurrencyType", "DatedConversionRate")


@pytest.fixture(scope="module")
def several() -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox(edition=SEVERAL, clock=Clock()) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def dated() -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox(edition=DATED, clock=Clock()) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def left_as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave an org with its corporate currency alone for the next test."""
    yield
    for name in {"several", "dated"} & set(request.fixturenames):
        sandbox: SalesforceSandbox = request.getfixturevalue(name)
        sandbox.sql('DELETE FROM "CurrencyType" WHERE "IsCorporate" = 0')
        if name == "dated":
            sandbox.sql('DELETE FROM "DatedConversionRate"')
        sandbox.permissions.allow("CurrencyType", "read")


def currency(sandbox: SalesforceSandbox, code: str, rate: float, **more: Any) -> None:
    sandbox.insert("CurrencyType", IsoCode=code, ConversionRate=rate, DecimalPlaces=2, **more)


def dated_rate(
    sandbox: SalesforceSandbox, code: str, rate: float, start: str, end: str | None = None
) -> None:
    sandbox.insert(
        "DatedConversionRate", IsoCode=code, ConversionRate=rate, StartDate=start, NextStartDate=end
    )


def asked(sandbox: SalesforceSandbox, **given: Any) -> Sequence[ExchangeRate]:
    sandbox.requests.clear()
    with closing(SalesforceSource(settings_for(sandbox, **given))) as source:
        return source.rates()


def told(sandbox: SalesforceSandbox, **given: Any) -> dict[tuple[str, date], Decimal]:
    found = {(one.currency, one.valid_from): one.rate for one in asked(sandbox, **given)}
    assert all(isinstance(rate, Decimal) for rate in found.values())
    return found


def calls(sandbox: SalesforceSandbox) -> list[str]:
    """Return what was asked and counted, by method and the end of its path."""
    counted = [one for one in sandbox.requests if one.counted]
    return [f"{one.method} {one.path.rpartition('/')[2]}" for one in counted]


def test_an_org_with_one_currency_is_asked_for_none() -> None:
    with SalesforceSandbox(clock=Clock()) as sandbox:
        assert asked(sandbox) == []
        assert calls(sandbox) == ["POST composite"]  # the descriptions, which every run needs


def test_a_rate_is_units_of_the_currency_for_one_of_the_corporate(
    several: SalesforceSandbox,
) -> None:
    currency(several, "USD", 1.25)
    currency(several, "ITL", 1936.27, IsActive=False)

    assert told(several) == {
        ("EUR", ALWAYS): 1,
        ("USD", ALWAYS): Decimal("0.8"),
        ("ITL", ALWAYS): 1 / Decimal("1936.27"),
    }
    # The second call is for dated rates, which this org has not.
    assert calls(several) == ["POST composite", "POST composite", "GET query"]


def test_the_direction_may_be_set(several: SalesforceSandbox) -> None:
    currency(several, "USD", 1.25)

    found = told(several, conversion_rate="corporate per currency")

    assert found == {("EUR", ALWAYS): 1, ("USD", ALWAYS): Decimal("1.25")}


@pytest.mark.parametrize("rate", [None, 0.0, -1.0])
def test_a_currency_without_a_rate_is_left_out(
    several: SalesforceSandbox, rate: float | None
) -> None:
    several.insert("CurrencyType", IsoCode="XAU", ConversionRate=rate)

    assert told(several) == {("EUR", ALWAYS): 1}


def test_rates_that_may_not_be_read_are_those_of_the_job(
    several: SalesforceSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "connector_salesforce")
    several.permissions.forbid("CurrencyType", "read")

    assert asked(several) == []
    assert "CurrencyType" in caplog.text


def test_dated_rates_hold_from_their_day_on(dated: SalesforceSandbox) -> None:
    currency(dated, "USD", 1.25)
    dated_rate(dated, "USD", 1.6, "2026-03-01", "2026-05-01")
    dated_rate(dated, "USD", 2.0, "2026-01-01", "2026-03-01")

    assert told(dated) == {
        ("EUR", ALWAYS): 1,
        ("USD", ALWAYS): Decimal("0.8"),  # the current one, where there is no other
        ("USD", date(2026, 1, 1)): Decimal("0.5"),
        ("USD", date(2026, 3, 1)): Decimal("0.625"),
        ("USD", date(2026, 5, 1)): Decimal("0.8"),
    }
    assert calls(dated) == ["POST composite", "POST composite"]


def test_a_dated_rate_may_have_no_end_and_a_gap_before_it(dated: SalesforceSandbox) -> None:
    currency(dated, "USD", 1.25)
    dated_rate(dated, "USD", 2.0, "2026-01-01", "2026-02-01")
    dated_rate(dated, "USD", 1.6, "2026-03-01")
    dated_rate(dated, "USD", None, "2026-04-01")  # type: ignore[arg-type]  # as nobody can see
    dated_rate(dated, "GBP", 3.0, "2026-01-01")

    assert {day: rate for (code, day), rate in told(dated).items() if code != "EUR"} == {
        ALWAYS: Decimal("0.8"),
        date(2026, 1, 1): Decimal("0.5"),
        date(2026, 2, 1): Decimal("0.8"),
        date(2026, 3, 1): Decimal("0.625"),
    }


def test_all_pages_of_dated_rates_are_read(
    dated: SalesforceSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    currency(dated, "USD", 1.25)
    first = date(2015, 1, 1)
    days = [first + timedelta(days=n) for n in range(2_101)]
    for day in days[:-1]:
        dated_rate(dated, "USD", 2.0, day.isoformat(), (day + timedelta(days=1)).isoformat())

    found = told(dated)

    assert {day for code, day in found if code == "USD"} == {ALWAYS, *days}


# --- whole runs

JOB = """
[source]
adapter = "salesforce"
[source.settings]
instance_url = "{url}"
[source.settings.client_credentials]
client_id = "{client_id}"
client_secret = "{secret}"
[target]
adapter = "sql"
[target.settings]
url = "sqlite:///crm.db"
accounts_table = "companies"
[target.fields]
revenue_period = "revenue"
[currency]
base = "USD"
"""


@pytest.mark.long
def test_deals_are_converted_by_the_rates_of_the_org(
    dated: SalesforceSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.plugins.entry_points", lambda group: INSTALLED)
    currency(dated, "USD", 1.25)
    currency(dated, "GBP", 0.8, IsActive=False)
    dated_rate(dated, "USD", 2.0, "2026-03-01", "2026-05-01")
    before = NOON - timedelta(hours=2)
    owner = dated.insert("Account", at=before, Name="Acme")
    for code, amount, day in (
        ("USD", 1.0, "2026-04-30"),
        ("EUR", 10.0, "2026-02-28"),  # 12.50
        ("EUR", 100.0, "2026-04-30"),  # 200
        ("GBP", 1_000.0, "2026-05-01"),  # 1,562.50
    ):
        dated.insert(
            "Opportunity", at=before, Name="Deal", AccountId=owner, IsWon=True, IsClosed=True,
            StageName="Closed Won", Amount=amount, CurrencyIsoCode=code, CloseDate=day,
        )  # fmt: skip
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm, crm:
        crm.execute("create table companies (id text primary key, revenue numeric)")
        crm.execute("insert into companies (id) values (?)", (owner,))
    path, good = tmp_path / "job.toml", dated.credentials
    path.write_text(JOB.format(url=dated.url, client_id=good.client_id, secret=good.client_secret))

    assert "rates: 1 EUR = 1.25 USD from 2026-05-01, 1 GBP = 1.5625 USD from 2026-05-01" in (
        Sync(load_job(path), Plugins()).check()
    )
    report = Sync(load_job(path), Plugins(), as_of=date(2026, 6, 30)).run()

    assert (report.state, report.pulled["opportunities"].quarantined) == ("done", 0)
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm:
        assert crm.execute("select revenue from companies").fetchall() == [(1776.0,)]
