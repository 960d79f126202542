"""What counts as a sale, at which rate, and what is reported instead."""

from datetime import date
from decimal import Decimal

import pytest

from customer_pyramid.sales import (
    issue_counts,
    issue_flags,
    issue_rows,
    recognised,
    recognised_items,
)
from tests.rules.crm import ACCOUNTS, OPPORTUNITIES, RATES, Crm, Row, accounts_named

AS_OF = date(2024, 6, 30)
RATE_ROWS = [
    {"currency": "CHF", "valid_from": date(2024, 1, 1), "rate": Decimal("1.05")},
    {"currency": "CHF", "valid_from": date(2024, 3, 1), "rate": Decimal("1.10")},
]


def deal(ident: str, **more: object) -> Row:
    usual = {
        "id": ident,
        "account_id": "A",
        "status": "won",
        "amount": 1_000_000,
        "currency": "EUR",
        "close_date": date(2024, 3, 31),
    }
    return usual | more


DEALS = [
    deal("usual"),
    deal("credit", amount=-200_000),
    deal("last day", close_date=AS_OF),
    deal("no currency", currency=None),
    deal("lost", status="lost"),
    deal("open", status="open"),
    deal("future", close_date=date(2024, 7, 1)),
    deal("no date", close_date=None),
    deal("no amount", amount=None),
    deal("no account", account_id=None),
    deal("francs in January", currency="CHF", close_date=date(2024, 1, 31)),
    deal("francs on the first", currency="CHF", close_date=date(2024, 3, 1)),
    deal("francs too early", currency="CHF", close_date=date(2023, 12, 31)),
    deal("yen", currency="JPY"),
    deal("unknown", account_id="B"),
    deal("rounded", currency="CHF", amount=10),
]


@pytest.fixture
def crm() -> Crm:
    return Crm()


def counted(crm: Crm, *, rates: bool) -> dict[str, int]:
    sales = recognised(
        crm.table("opportunities", OPPORTUNITIES, DEALS),
        as_of=AS_OF,
        base_currency="EUR",
        rates=crm.table("rates", RATES, RATE_ROWS) if rates else None,
    )
    return {row["id"]: row["amount"] for row in crm.rows(sales)}


def test_won_deals_count_in_the_base_currency_at_the_rate_of_their_day(crm: Crm) -> None:
    assert counted(crm, rates=True) == {
        "usual": 1_000_000,
        "credit": -200_000,
        "last day": 1_000_000,
        "no currency": 1_000_000,
        "francs in January": 1_050_000,
        "francs on the first": 1_100_000,
        "unknown": 1_000_000,
        "rounded": 11,
    }


def test_without_rates_no_other_currency_counts(crm: Crm) -> None:
    found = counted(crm, rates=False)
    assert set(found) == {"usual", "credit", "last day", "no currency", "unknown"}


@pytest.mark.parametrize("rates", [True, False], ids=["rates", "no rates"])
def test_line_items_count_where_their_deal_does(crm: Crm, rates: bool) -> None:
    kinds = {name: kind for name, kind in OPPORTUNITIES.items() if name != "amount"}
    rows = [
        {**{name: row.get(name) for name in kinds}, "deal_amount": row["amount"], "amount": 100}
        for row in DEALS
    ]
    items = recognised_items(
        crm.table("items", kinds | {"deal_amount": "int64", "amount": "int64"}, rows),
        ["amount"],
        as_of=AS_OF,
        base_currency="EUR",
        rates=crm.table("rates", RATES, RATE_ROWS) if rates else None,
    )
    found = {row["id"]: row["amount"] for row in crm.rows(items)}
    assert found.keys() == counted(Crm(), rates=rates).keys()
    assert set(found.values()) == ({100, 105, 110} if rates else {100})


def test_a_converted_amount_is_rounded_half_up(crm: Crm) -> None:
    rates = [{"currency": "CHF", "valid_from": date(2024, 1, 1), "rate": Decimal("0.5")}]
    deals = [deal("up", currency="CHF", amount=5), deal("credit", currency="CHF", amount=-5)]
    sales = recognised(
        crm.table("opportunities", OPPORTUNITIES, deals),
        as_of=AS_OF,
        base_currency="EUR",
        rates=crm.table("rates", RATES, rates),
    )
    assert {row["id"]: row["amount"] for row in crm.rows(sales)} == {"up": 3, "credit": -3}


def test_every_kind_of_issue_is_counted_and_listed(crm: Crm) -> None:
    flags = issue_flags(
        crm.table("opportunities", OPPORTUNITIES, DEALS),
        crm.table("accounts", ACCOUNTS, accounts_named("A")),
        as_of=AS_OF,
        base_currency="EUR",
        rates=crm.table("rates", RATES, RATE_ROWS),
    )
    assert crm.row(issue_counts(flags)) == {
        "won_without_amount": 1,
        "won_without_close_date": 1,
        "won_in_the_future": 1,
        "without_account": 1,
        "unknown_account": 1,
        "missing_rate": 2,
    }
    listed = crm.rows(issue_rows(flags, "missing_rate"))
    assert [row["id"] for row in listed] == ["francs too early", "yen"]
