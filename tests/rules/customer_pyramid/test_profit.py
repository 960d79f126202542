"""Profit: revenue less all that was spent, to the last unit."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_pyramid.costs import selling_costs
from customer_pyramid.periods import Period
from customer_pyramid.profit import profits
from customer_pyramid.settings import ProfitSettings
from tests.rules.crm import Row
from tests.rules.customer_pyramid.books import (
    AS_OF,
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

SETTINGS = ProfitSettings(case_cost=Decimal(10))


def profit_of(
    standings: list[Row],
    settings: ProfitSettings = SETTINGS,
    period: Period = YEAR,
    **tables: list[Row],
) -> dict[str, Row]:
    """Return the profit of each account, run as a host does."""
    books = Books(standings=standings, **tables)
    selling = selling_costs(books["activities"], books["costs"], settings, period)
    books.keep("selling", selling)
    found = profits(
        books["standings"],
        table("selling"),
        sales=books["sales"],
        lines=books["lines"],
        cases=books["cases"],
        costs=books["costs"],
        settings=settings,
        period=period,
    )
    return books.by(found)


def test_profit_is_what_all_costs_leave() -> None:
    found = profit_of(
        [standing("A", "Top", 1_000, rank=1)],
        lines=[line("A", 1_000, 600)],
        activities=[activity("A", "visit"), activity("A", "fax", campaign="spring")],
        costs=[
            cost("marketing", 30, campaign="spring"),
            cost("sales", 20, "A"),
            cost("service", 15, "A"),
            cost("overhead", 25),
        ],
        cases=[case("A")],
    )
    assert found == {
        "A": {
            "account_id": "A",
            "layer": "Top",
            "revenue": units(1_000),
            "cost_of_goods": units(600),
            "gross": units(400),
            "estimated": False,
            "contact_cost": units(200),
            "campaign_cost": units(30),
            "ms_cost": units(250),
            "service_cost": units(25),
            "overhead": units(25),
            "profit": units(100),
        }
    }


def test_without_costs_the_margin_is_a_guess() -> None:
    found = profit_of([standing("A", revenue=1_000)])["A"]
    assert (found["cost_of_goods"], found["gross"]) == (units(700), units(300))
    assert found["estimated"]


def test_nothing_sold_needs_no_guess() -> None:
    found = profit_of([standing("P", "Prospect")], activities=[activity("P", "visit")])["P"]
    assert (found["revenue"], found["profit"]) == (0, units(-200))
    assert not found["estimated"]


def test_only_accounts_with_a_standing_of_their_own_have_a_profit() -> None:
    found = profit_of(
        [
            standing("A", "Suspect"),
            standing("B", "Small", inherited_from="A", revenue=0),
            standing("C", "Rest of world"),
        ]
    )
    assert found.keys() == {"A"}


def test_overhead_goes_by_revenue_and_only_to_active_customers() -> None:
    found = profit_of(
        [
            standing("A", "Top", 300, rank=1),
            standing("B", "Small", 100, rank=2),
            standing("C", "Inactive", -50),
            standing("D", "Prospect"),
        ],
        ProfitSettings(overhead=Decimal(60)),
        costs=[cost("overhead", 20)],
    )
    assert {name: row["overhead"] for name, row in found.items()} == {
        "A": units(60),
        "B": units(20),
        "C": 0,
        "D": 0,
    }


def test_a_quarter_bears_a_quarter_of_the_overhead() -> None:
    quarter = Period.trailing(AS_OF, 3)
    settings = ProfitSettings(overhead=Decimal(60))
    found = profit_of([standing("A", revenue=1, rank=1)], settings, quarter)
    assert found["A"]["overhead"] == units(15)


def test_overhead_without_customers_is_borne_by_nobody() -> None:
    found = profit_of([standing("A", "Suspect")], ProfitSettings(overhead=Decimal(60)))
    assert found["A"]["profit"] == 0


revenues = st.lists(st.integers(1, 10**10), min_size=1, max_size=8)


@pytest.mark.long
@settings(
    max_examples=15, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(revenues, st.integers(0, 10**9), st.lists(st.integers(0, 7), max_size=6))
def test_profits_add_up_to_what_came_in_less_what_was_spent(
    revenues: list[int], pool: int, contacted: list[int]
) -> None:
    accounts = [f"A{number}" for number in range(len(revenues))]
    stood = [
        standing(name, "Small") | {"revenue": revenue, "rank": rank}
        for rank, (name, revenue) in enumerate(zip(accounts, revenues, strict=True), start=1)
    ]
    members = [accounts[number % len(accounts)] for number in contacted]
    spent = {"spent_on": YEAR.start, "amount": pool}
    found = profit_of(
        stood,
        activities=[activity(name, "fax", campaign="c") for name in members],
        costs=[{"kind": "overhead", **spent}, {"kind": "sales", "campaign": "c", **spent}],
    ).values()
    shared = pool if members else 0
    gross = sum(row["gross"] for row in found)
    assert sum(row["overhead"] for row in found) == pool
    assert sum(row["ms_cost"] for row in found) == shared
    assert sum(row["profit"] for row in found) == gross - shared - pool
    for row in found:
        assert row["gross"] + row["cost_of_goods"] == row["revenue"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param({"margin": Decimal("1.1")}, "margin must be from 0 to 1", id="margin"),
        pytest.param({"overhead": Decimal(-1)}, "overhead", id="overhead"),
        pytest.param({"unit_costs": {"call": Decimal(-1)}}, "unit_costs.call", id="contact"),
    ],
)
def test_costs_that_can_not_be_are_refused(wrong: dict[str, Decimal], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ProfitSettings(**wrong)  # type: ignore[arg-type] # a table of wrong values
