"""Retention: the signs by which a leaving customer is known, what is done, and what it is worth."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_pyramid.money import to_units
from six_goals.action import Action
from six_goals.leaving import leaving
from six_goals.retention import propose
from six_goals.settings import RetentionSettings
from tests.rules.public_data import northwind_accounts, northwind_orders
from tests.rules.six_goals.company import Company

AS_OF = date(2024, 12, 31)
SETTINGS = RetentionSettings()
ROWS = list[dict[str, Any]]


def sales(account: str, *days_ago: int, amount: int = 1000) -> ROWS:
    return [
        {
            "id": f"{account}{days}",
            "account_id": account,
            "close_date": AS_OF - timedelta(days=days),
            "amount": to_units(Decimal(amount)),
        }
        for days in days_ago
    ]


def company(*groups: ROWS, account: dict[str, Any] | None = None, **tables: Any) -> Company:
    found = [sale for group in groups for sale in group]
    ids = sorted({sale["account_id"] for sale in found})
    accounts = [{"id": one, "name": f"{one} Ltd", **(account or {})} for one in ids]
    return Company(AS_OF, accounts=accounts, sales=found, **tables)


def proposed(facts: Company, settings: RetentionSettings = SETTINGS) -> Sequence[Action]:
    return propose(facts, settings).actions


def signs(facts: Company, settings: RetentionSettings = SETTINGS) -> dict[str, tuple[str, bool]]:
    rows = facts.rows(leaving(facts, settings))
    return {row["account_id"]: (row["sign"], row["critical"]) for row in rows}


def test_northwinds_late_customers_are_those_of_the_domain() -> None:
    orders = [
        {name: row[name] for name in ("id", "account_id", "close_date", "amount")}
        for row in northwind_orders()
    ]
    facts = Company(date(1998, 5, 6), accounts=northwind_accounts(), sales=orders)
    rows = facts.rows(leaving(facts, SETTINGS))
    late = {row["account_id"]: row["critical"] for row in rows if row["sign"] == "late"}
    critical = dict.fromkeys(["MEREP", "HUNGC", "VINET", "VICTE", "SEVES"], True)
    expected = critical | dict.fromkeys(["FAMIA", "BLONP", "BERGS"], False)
    # Where another sign of the same customer is worth more, that one is told.
    assert late.items() <= expected.items()
    assert expected.keys() <= {row["account_id"] for row in rows}


@pytest.mark.parametrize(
    ("days_ago", "found"),
    [
        pytest.param((20, 30, 40, 50), ("late", False), id="twice the gap"),
        pytest.param((19, 29, 39, 49), None, id="less than twice"),
        pytest.param((30, 40, 50, 60), ("late", True), id="three times"),
        pytest.param((13, 18, 23, 28), None, id="within two weeks"),
    ],
)
def test_a_customer_is_late_by_their_own_rhythm(
    days_ago: tuple[int, ...], found: tuple[str, bool] | None
) -> None:
    assert signs(company(sales("A", *days_ago))).get("A") == found


def test_with_few_orders_the_rhythm_is_that_of_the_tier() -> None:
    # Nine customers of the tier order every 20 days; B has ordered twice, 60 days ago at last.
    others = [sales(f"C{n}", 5, 25, 45, 65) for n in range(9)]
    assert signs(company(*others, sales("B", 60, 80)))["B"] == ("silent", True)
    assert "B" not in signs(company(*others, sales("B", 39, 59)))


def test_a_lapsed_customer_is_no_retention_case() -> None:
    assert proposed(company(sales("A", 800, 830, 860, 890, 920))) == []


def test_declining_revenue_is_a_sign_unless_a_deal_is_open() -> None:
    history = [sales("A", 400, amount=1000), sales("A", 100, amount=700)]
    assert signs(company(*history))["A"] == ("declining", False)
    deal = {"id": "D", "account_id": "A", "created_on": AS_OF}
    assert signs(company(*history, open_deals=[deal])) == {}


def test_what_declining_sales_were_worth_is_told() -> None:
    (action,) = proposed(
        company(sales("A", 400, amount=1000), sales("A", 100, amount=600)),
    )
    assert action.title == "Call A Ltd: it buys 40 % less"
    assert action.reason == (
        "A Ltd bought for 600 in this period, after 1,000 in the one before, and no deal is open."
        " The sales lost are worth a margin of about 120."
    )
    assert action.expected_value == to_units(Decimal(120))


def test_a_contract_that_ends_soon_is_a_sign() -> None:
    ending = {"contract_end": date(2025, 3, 31)}
    (action,) = proposed(company(sales("A", 10), account=ending))
    assert action.title == "Call A Ltd: its contract ends on March 31, 2025"
    assert action.expected_value == to_units(Decimal(1000)) * 3 * 3 // 100
    later = {"contract_end": date(2025, 4, 1)}
    assert proposed(company(sales("A", 10), account=later)) == []


def test_a_customer_who_fades_by_the_model_is_at_risk() -> None:
    alive = [{"account_id": "A", "p_alive": 0.25, "expected_orders": 1.0}]
    facts = company(sales("A", 100, 160), alive=alive)
    (action,) = proposed(facts)
    assert action.evidence["sign"] == "fading"
    assert "25 %" in action.reason
    assert action.expected_value == to_units(Decimal(2000)) * 3 * 75 // 1000
    assert proposed(facts, RetentionSettings(p_alive=Decimal(0))) == []


def test_without_the_model_it_says_so() -> None:
    assert "pyramid-connector[models]" in propose(company(sales("A", 5)), SETTINGS).notes[0]


@pytest.mark.parametrize(
    ("days", "value"),
    [
        pytest.param(35, 1000, id="a third at twice the gap"),
        pytest.param(70, 3000, id="all at four times"),
        pytest.param(200, 3000, id="never more"),
    ],
)
def test_the_value_at_risk_grows_with_the_delay(days: int, value: int) -> None:
    gaps = [days, days + 18, days + 35, days + 53, days + 70]
    (action,) = proposed(company(sales("A", *gaps, amount=2000)))
    assert action.evidence["median_gap_days"] == "17.5"
    assert action.expected_value == to_units(Decimal(value))


def test_the_reason_names_the_figures() -> None:
    (action,) = proposed(company(sales("A", 35, 53, 70, 88, 105, amount=2000)))
    assert action.reason == (
        "A Ltd usually orders every 17.5 days; the last order was 35 days ago. It bought for"
        " 10,000 in this period, so a margin of about 1,000 is at risk."
    )
    assert action.title == "Call A Ltd: the expected order is 18 days late"
    assert action.window_days == 60


LOSS = {
    "account_id": "A",
    "layer": "Top",
    "revenue": to_units(Decimal(6000)),
    "gross": to_units(Decimal(1800)),
    "profit": to_units(Decimal(-200)),
}


def test_a_customer_who_brings_a_loss_is_repriced() -> None:
    late = sales("A", 150, 180, 210, 240, 270, 300)
    (action,) = proposed(company(late, profit=[LOSS]))
    assert action.item == "reprice"
    assert action.title == "Reprice A Ltd, or serve it by a cheaper channel"
    assert "cost 200 more than its margin" in action.reason
    assert action.expected_value == to_units(Decimal(200))


def test_a_strategic_customer_is_kept_at_a_loss() -> None:
    late = sales("A", 150, 180, 210, 240, 270, 300)
    (action,) = proposed(company(late, account={"strategic": True}, profit=[LOSS]))
    assert action.item == ""
    assert action.title.startswith("Call A Ltd")


@pytest.mark.parametrize(("urgent", "days"), [("Top", 1), ("Medium", 3)])
def test_key_customers_are_called_at_once(urgent: str, days: int) -> None:
    settings = RetentionSettings(urgent_layers=frozenset({urgent}))
    (action,) = proposed(company(sales("A", 150, 180, 210, 240, 270, 300)), settings)
    assert action.due_days == days


def test_of_too_many_the_most_valuable_are_proposed_and_all_are_counted() -> None:
    groups = [sales(f"A{n}", 150, 180, 210, 240, amount=n) for n in range(1, 5)]
    facts = company(*groups)
    facts.limit = 2
    proposal = propose(facts, SETTINGS)
    assert [action.account_id for action in proposal.actions] == ["A4", "A3"]
    assert proposal.candidates == 4


@pytest.mark.long
@settings(max_examples=15, deadline=None)
@given(
    histories=st.lists(
        st.lists(st.integers(0, 900), min_size=1, max_size=6), min_size=1, max_size=6
    ),
    data=st.data(),
)
def test_order_does_not_matter_and_each_customer_is_called_once(
    histories: list[list[int]], data: st.DataObject
) -> None:
    rows = [
        sale
        for n, history in enumerate(histories)
        for sale in sales(f"A{n}", *dict.fromkeys(history))
    ]
    actions = proposed(company(rows))
    shuffled = data.draw(st.permutations(rows))
    assert proposed(company(list(shuffled))) == actions
    assert len({action.account_id for action in actions}) == len(actions)
    assert all(action.expected_value >= 0 for action in actions)
