"""Costs: what is spent on whom, by contacts, campaigns, cases and records of cost."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_pyramid.costs import (
    goods_costs,
    overhead_costs,
    selling_costs,
    service_costs,
    unallocated_costs,
)
from customer_pyramid.settings import ProfitSettings
from tests.rules.crm import Row
from tests.rules.customer_pyramid.books import (
    DAY,
    YEAR,
    Books,
    activity,
    case,
    cost,
    line,
    standing,
    table,
    units,
)

BEFORE = datetime(2023, 6, 1, tzinfo=UTC)
SETTINGS = ProfitSettings(case_cost=Decimal(10), credit_note_cost=Decimal(5))
SELLING = selling_costs(table("activities"), table("costs"), ProfitSettings(), YEAR)
SERVICE = service_costs(table("sales"), table("cases"), table("costs"), SETTINGS, YEAR)
GOODS = goods_costs(table("lines"), table("costs"), YEAR)
STRAY = unallocated_costs(table("standings"), table("activities"), table("costs"), YEAR)


def spent(*, activities: list[Row] | None = None, costs: list[Row] | None = None) -> list[Row]:
    books = Books(activities=activities or [], costs=costs or [])
    return sorted(books.rows(SELLING), key=lambda row: (row["aim"], row["account_id"] or ""))


def test_contacts_cost_what_their_kind_costs() -> None:
    contacts = [
        activity("A", "visit"),
        activity("A", "call"),
        activity("A", "call"),
        activity("A", "fax"),
        activity("A", "visit", happened_at=BEFORE),
    ]
    (row,) = spent(activities=contacts)
    assert (row["account_id"], row["aim"]) == ("A", "account")
    assert row["contact_cost"] == row["ms_cost"] == units(240)


def test_a_campaign_is_divided_over_its_members() -> None:
    contacts = [activity(name, "fax", campaign="spring") for name in ("A", "A", "B", "C", "D")]
    rows = spent(activities=contacts, costs=[cost("marketing", 100, campaign="spring")])
    assert {row["account_id"]: row["campaign_cost"] for row in rows} == {
        name: units(25) for name in "ABCD"
    }


def test_leads_are_members_too_and_have_one_row() -> None:
    contacts = [
        activity("A", "call", campaign="spring"),
        activity(None, "call", lead_id="L1", campaign="spring"),
        activity(None, "call", lead_id="L2", campaign="spring"),
    ]
    account, leads = spent(activities=contacts, costs=[cost("sales", 90, campaign="spring")])
    assert (account["account_id"], account["ms_cost"]) == ("A", units(20 + 30))
    assert (leads["account_id"], leads["aim"]) == (None, "lead")
    assert (leads["contact_cost"], leads["ms_cost"]) == (units(40), units(40 + 60))


def test_a_cost_that_names_an_account_is_not_divided() -> None:
    contacts = [activity(name, "fax", campaign="spring") for name in ("A", "B")]
    costs = [cost("marketing", 100, "A", campaign="spring"), cost("goods", 70, "B")]
    rows = spent(activities=contacts, costs=costs)
    assert {row["account_id"]: row["ms_cost"] for row in rows} == {"A": units(100), "B": 0}


@settings(max_examples=20, deadline=None, database=None)
@given(st.integers(1, 10**12), st.integers(1, 12), st.integers(0, 3))
def test_the_shares_of_a_campaign_add_up(amount: int, accounts: int, leads: int) -> None:
    contacts = [activity(f"A{n}", "fax", campaign="c") for n in range(accounts)]
    contacts += [activity(None, "fax", lead_id=f"L{n}", campaign="c") for n in range(leads)]
    spring = {"kind": "marketing", "amount": amount, "spent_on": DAY, "campaign": "c"}
    rows = spent(activities=contacts, costs=[spring])
    shares = [row["campaign_cost"] for row in rows if row["account_id"]]
    assert sum(row["campaign_cost"] for row in rows) == amount
    assert max(shares) - min(shares) <= 1


def test_service_is_cases_credit_notes_and_its_own_costs() -> None:
    sales = [
        {"id": "1", "account_id": "A", "close_date": DAY, "amount": units(-30)},
        {"id": "2", "account_id": "A", "close_date": DAY, "amount": units(30)},
        {"id": "3", "account_id": "A", "close_date": date(2023, 1, 1), "amount": units(-1)},
    ]
    cases = [case("A"), case("A"), case("A", opened_at=BEFORE), case("B")]
    costs = [cost("service", 7, "B"), cost("service", 8), cost("sales", 9, "B")]
    books = Books(sales=sales, cases=cases, costs=costs)
    found = {row["account_id"]: row["service_cost"] for row in books.rows(SERVICE)}
    assert found == {"A": units(25), "B": units(17)}


@pytest.mark.parametrize(
    ("lines", "costs", "expected"),
    [
        pytest.param([line("A", 9, 4), line("A", 9, 5)], [], 9, id="lines"),
        pytest.param([line("A", 9, 4)], [cost("goods", 7, "A")], 4, id="lines before records"),
        pytest.param([line("A", 9, 4), line("A", 9, None)], [], None, id="a line without a cost"),
        pytest.param(
            [line("A", 9, 4), line("A", 9, None)], [cost("goods", 7, "A")], 7, id="records"
        ),
        pytest.param([], [cost("goods", 7, "A"), cost("goods", 1, "A")], 8, id="records alone"),
        pytest.param([], [cost("goods", 7)], None, id="records of nobody"),
        pytest.param(
            [line("A", 9, 4, close_date=date(2023, 1, 1))], [], None, id="before the period"
        ),
    ],
)
def test_the_cost_of_goods_is_known_where_it_is_complete(
    lines: list[Row], costs: list[Row], expected: int | None
) -> None:
    rows = Books(lines=lines, costs=costs).rows(GOODS)
    known = [] if expected is None else [{"account_id": "A", "cost_of_goods": units(expected)}]
    assert rows == known


def test_overhead_is_that_of_the_period() -> None:
    costs = [cost("overhead", 60), cost("overhead", 40, "A"), cost("sales", 1)]
    costs.append(cost("overhead", 5, spent_on=date(2023, 1, 1)))
    books = Books(costs=costs)
    assert books.rows(overhead_costs(books["costs"], YEAR)) == [{"booked_overhead": units(100)}]


def test_what_nobody_bears_is_reported() -> None:
    costs = [
        cost("sales", 1, "A"),
        cost("sales", 2, campaign="spring"),
        cost("sales", 4, campaign="nobody came"),
        cost("sales", 8),
        cost("service", 16, campaign="spring"),
        cost("goods", 32, "gone"),
        cost("overhead", 64),
    ]
    books = Books(
        standings=[standing("A")], activities=[activity("A", campaign="spring")], costs=costs
    )
    assert books.by(STRAY, "kind") == {
        "sales": {"kind": "sales", "records": 2, "amount": units(12)},
        "service": {"kind": "service", "records": 1, "amount": units(16)},
        "goods": {"kind": "goods", "records": 1, "amount": units(32)},
    }
